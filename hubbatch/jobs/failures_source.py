"""Failures as a source: what did not succeed is sent again, edited or as it was."""

import os

from collections.abc import Sequence
from typing import Any, cast, get_args

from attrs import frozen

from hubbatch.errors import SourceError

from .column_mapping import BadRow, InputBuilder, JobVerb, KeyedInput, json_kind
from .failure_inputs import again
from .options import PAIRS
from .sources import LinesFile


@frozen(kw_only=True)
class FailedCall:
    """What call the lines of a file of failures are of.

    Attributes:
        verb: as of the `Job` that wrote them.
        object_type: e.g. `tickets`, or `associations.contacts.companies`.
        portal: the account's id; None where the token was not allowed to ask.
        id_property: the unique property that the ids are values of, if they are.
        properties: which were asked for, in a read.
        legacy: whether it was one of `crm-objects/v1`.
    """

    verb: JobVerb
    object_type: str
    portal: int | None
    id_property: str | None
    properties: tuple[str, ...]
    legacy: bool

    def __str__(self) -> str:
        said = f"{self.object_type}.{self.verb}"
        if self.legacy:
            said += " (legacy)"
        if self.id_property is not None:
            said += f" by {self.id_property}"
        if self.properties:
            said += f" of {', '.join(self.properties)}"
        return said if self.portal is None else f"{said} on portal {self.portal}"


class FailuresSource(LinesFile):
    """A file of failures that a job wrote; all its lines are of one call.

    Its rows have their `index` in this file, and keep the `input_id` they had.

    Args:
        path: the file.
        reconcile_by: a unique property that every record sets, by which creates are
            looked for that may have been made already; without it such a line is an
            error.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, reconcile_by: str | None = None
    ) -> None:
        super().__init__(path, {"replay": True}, "utf-8")
        self._reconcile_by = reconcile_by
        self._found = _LineBuilder(may_be_unknown=True)
        self._complete = False  # what it found is all that there is

    def call(self) -> FailedCall:
        """Read the file to its end, and say what call all its lines are of.

        Raises:
            SourceError: if it is no such file, or they are not of one call; if a
                create in it may have been made, and nothing says how to find out.
        """
        self.fingerprint()
        if self._found.call is None:
            raise SourceError(f"{self.name}: empty.")
        return self._found.call

    @property
    def last_doubted(self) -> int | None:
        """The index of the last create that may have been made already."""
        self.fingerprint()
        return self._found.last_doubted

    def _scan(self) -> tuple[str, int]:
        scanned = super()._scan()
        self._complete = True
        return scanned

    def _builder(self) -> InputBuilder:
        builder = _LineBuilder(may_be_unknown=self._reconcile_by is not None)
        if not self._complete:
            self._found = builder
        return builder


class _LineBuilder:
    """Makes inputs of lines, and holds them to be of one call."""

    unseen: Sequence[str] = ()
    doubted: bool = False

    def __init__(self, *, may_be_unknown: bool) -> None:
        self.call: FailedCall | None = None
        self.last_doubted: int | None = None
        self._count = 0
        self._may_be_unknown = may_be_unknown

    def build(self, given: object) -> KeyedInput:
        if not isinstance(given, dict):
            raise BadRow(f"{json_kind(given)}, not a failure")
        call = _call_of(given)
        if self.call is None:
            self.call = call
        if call != self.call:
            raise BadRow(
                f"of {call}, but the first is of {self.call}. Put them into files of "
                "their own"
            )
        # Associating twice is no more than once.
        creates = call.verb == "create" and not call.object_type.startswith(PAIRS)
        self.doubted = creates and given.get("status") == "unknown"
        if self.doubted and not self._may_be_unknown:
            raise BadRow(
                "a create that may have been made already. Use --reconcile-by NAME "
                "with a unique property that every record sets, or delete the line"
            )
        self._count += 1
        if self.doubted:
            self.last_doubted = self._count - 1
        key = given.get("input_id")
        return None if key is None else str(key), again(given["input"])


def _call_of(line: dict[str, Any]) -> FailedCall:
    for name in ("operation", "object_type", "input"):
        if name not in line:
            raise BadRow(f'no "{name}", so it is no line of failures')
    if line["operation"] not in get_args(JobVerb):
        raise BadRow(f"no such operation: {line['operation']!r}")
    portal = line.get("portal")
    properties = line.get("properties") or ()
    id_property = line.get("id_property")
    texts = [line["object_type"], *([] if id_property is None else [id_property])]
    if (
        not (portal is None or type(portal) is int)
        or not isinstance(properties, list | tuple)
        or not all(isinstance(text, str) for text in (*texts, *properties))
    ):
        raise BadRow("its portal, object_type, id_property or properties were damaged")
    return FailedCall(
        verb=cast("JobVerb", line["operation"]),
        object_type=line["object_type"],
        portal=portal,
        id_property=id_property,
        properties=tuple(properties),
        legacy=line.get("legacy") is True,
    )
