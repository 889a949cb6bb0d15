"""Which job a journal is of, and how another one differs from it."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen


def _encodable(name: str) -> str:
    """Return a name as UTF-8 can have it: bytes that are not, in a file's, escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _all_encodable(names: Mapping[str, str]) -> Mapping[str, str]:
    return {role: _encodable(name) for role, name in names.items()}


@frozen(kw_only=True)
class Identity:
    """What must be the same for a job to go on.

    Attributes:
        verb: the verb.
        object_type: the object type.
        source: the source's name; it may change, as long as the content does not.
        fingerprint: the digest of its content; None if it cannot be read twice.
        options: what else decides which rows are sent, and how; JSON values.
        outputs: the files of outcomes by their roles, seen from the journal.
    """

    verb: str
    object_type: str
    source: str = field(converter=_encodable)
    fingerprint: str | None
    options: Mapping[str, Any]
    outputs: Mapping[str, str] = field(converter=_all_encodable)

    def differences(self, recorded: "Identity") -> Iterator[str]:
        """Name what is not as it was recorded, each in a few words."""
        for name in ("verb", "object_type"):
            yield from _changed(name, getattr(self, name), getattr(recorded, name))
        if self.fingerprint != recorded.fingerprint:
            known = None not in (self.fingerprint, recorded.fingerprint)
            what = "has changed" if known else "cannot be compared"
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
        return "not given"
    return value if isinstance(value, str) else repr(value)
