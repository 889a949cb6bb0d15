"""The identity of a job, and the differences between two jobs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen


def _encodable(name: str) -> str:
    """Escape the bytes of a file name that UTF-8 cannot encode."""
    return name.encode("utf-8", "backslashreplace").decode()


def _all_encodable(names: Mapping[str, str]) -> Mapping[str, str]:
    return {role: _encodable(name) for role, name in names.items()}


@frozen(kw_only=True)
class Identity:
    """Everything that must not change between the runs of a job.

    Attributes:
        verb: The verb.
        object_type: The object type.
        source: The source's name. May change as long as the content does not.
        fingerprint: The digest of the source's content; None if the source can be read
            only once.
        options: The other options that decide which rows are sent, and how; JSON
            values.
        outputs: The output files by role, relative to the journal's folder.
    """

    verb: str
    object_type: str
    source: str = field(converter=_encodable)
    fingerprint: str | None
    options: Mapping[str, Any]
    outputs: Mapping[str, str] = field(converter=_all_encodable)

    def problem(
        self, recorded: "Identity", journal: Path, *, finished: bool
    ) -> str | None:
        """Return why the journal of a recorded job cannot be used; None if it can."""
        differences = [*self.differences(recorded)]
        if not differences:
            return None
        if len(differences) > 1 or self._same_content(recorded) in (None, True):
            different = "; ".join(differences)
            return (
                f"{journal} is the journal of another job: {different}. Run the job as "
                "before to resume it, or use another journal"
            )
        if self.source != recorded.source:
            return (
                f"{journal} is the journal of a job with {recorded.source}, and the "
                f"content of {self.source} is different. Use a journal of its own for "
                "each source"
            )
        again = (
            "would be created a second time: remove them first"
            if self.verb == "create"
            else "are sent again"
        )
        began = "began. To finish that job, restore the source as it was"
        return (
            f"the content of the source {self.source} has changed since the job of "
            f"{journal} {'finished' if finished else began}. To send the source as it "
            f"is, use another journal; the rows that succeeded before {again}"
        )

    def _same_content(self, recorded: "Identity") -> bool | None:
        """Return whether the source is the same; None if that cannot be known."""
        if self.fingerprint != recorded.fingerprint and (
            None in (self.fingerprint, recorded.fingerprint)
        ):
            return None
        return self.fingerprint == recorded.fingerprint

    def differences(self, recorded: "Identity") -> Iterator[str]:
        """Describe each difference from the recorded job in a few words."""
        for name in ("verb", "object_type"):
            yield from _changed(name, getattr(self, name), getattr(recorded, name))
        if self.fingerprint != recorded.fingerprint:
            what = "cannot be compared"
            if self._same_content(recorded) is False:
                other = f"is not that of {recorded.source}"
                what = "has changed" if self.source == recorded.source else other
            yield f"the content of the source {self.source} {what}"
        for mine, theirs in (
            (self.options, recorded.options),
            (self.outputs, recorded.outputs),
        ):
            for name in {**theirs, **mine}:
                yield from _changed(name, mine.get(name), theirs.get(name))


def _changed(name: str, now: Any, then: Any) -> Iterator[str]:
    if now != then:
        yield f"{name} was {_shown(then)} and is {_shown(now)}"


def _shown(value: Any) -> str:
    if value in (None, (), []):
        return "not set"
    return value if isinstance(value, str) else repr(value)
