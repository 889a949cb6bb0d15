"""A failures file as a source: its rows are sent again, edited or unchanged."""

import os

from collections.abc import Sequence
from typing import Any, cast, get_args

from attrs import frozen

from hubbatch._tables.column_mapping import (
    BadRow,
    InputBuilder,
    JobVerb,
    KeyedInput,
    json_kind,
)
from hubbatch.errors import SourceError
from hubbatch.jobs.options import PAIRS
from hubbatch.jobs.outputs.failure_inputs import restore

from .files import LinesFile


@frozen(kw_only=True)
class FailedCall:
    """The call that the lines of a failures file belong to.

    Attributes:
        verb: The verb of the `Job` that wrote them.
        object_type: E.g. `tickets`, or `associations.contacts.companies`.
        portal: The account's id; None if the token could not read it.
        id_property: The unique property that the ids are values of, if any.
        properties: The properties that a read requested.
        legacy: Whether the call was to `crm-objects/v1`.
    """

    verb: JobVerb
    object_type: str
    portal: int | None
    id_property: str | None
    properties: tuple[str, ...]
    legacy: bool

    def __str__(self) -> str:
        words = f"{self.object_type}.{self.verb}"
        if self.legacy:
            words += " (legacy)"
        if self.id_property is not None:
            words += f" by {self.id_property}"
        if self.properties:
            words += f" of {', '.join(self.properties)}"
        return words if self.portal is None else f"{words} on portal {self.portal}"


class FailuresSource(LinesFile):
    """A failures file that a job wrote. All of its lines must belong to one call.

    Its rows have the `index` of their line in this file, and keep their `input_id`.

    Args:
        path: The file.
        reconcile_by: A unique property that every record sets. Creates that may have
            been written are looked up by it before they are sent again; without it,
            such a line is an error.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, reconcile_by: str | None = None
    ) -> None:
        super().__init__(path, {"replay": True}, "utf-8")
        self._reconcile_by = reconcile_by
        self._found = _LineBuilder(reconcile_by)
        self._complete = False  # the file was read to its end

    def call(self) -> FailedCall:
        """Read the file to its end, and return the call that its lines belong to.

        Raises:
            SourceError: If it is not a failures file, its lines belong to different
                calls, or a create may have been written and `reconcile_by` is not set.
        """
        self.fingerprint()
        if self._found.call is None:
            raise SourceError(f"{self.name}: empty.")
        return self._found.call

    @property
    def last_doubted(self) -> int | None:
        """The index of the last create that may have been written already."""
        self.fingerprint()
        return self._found.last_doubted

    def _scan(self) -> tuple[str, int]:
        scanned = super()._scan()
        self._complete = True
        return scanned

    def _builder(self) -> InputBuilder:
        builder = _LineBuilder(self._reconcile_by)
        if not self._complete:
            self._found = builder
        return builder


class _LineBuilder:
    """Builds inputs from lines, and checks that they belong to one call."""

    unseen: Sequence[str] = ()
    doubted: bool = False

    def __init__(self, reconcile_by: str | None) -> None:
        self.call: FailedCall | None = None
        self.last_doubted: int | None = None
        self._count = 0
        self._reconcile_by = reconcile_by

    def build(self, line: object) -> KeyedInput:
        if not isinstance(line, dict):
            raise BadRow(f"{json_kind(line)}, not a line of a failures file")
        call = _call_of(line)
        self.call = check_same_call(call, self.call)
        self.doubted = check_doubted(call, line.get("status"), self._reconcile_by)
        self._count += 1
        if self.doubted:
            self.last_doubted = self._count - 1
        key = line.get("input_id")
        return None if key is None else str(key), restore(line["input"])


def check_same_call(call: FailedCall, first: FailedCall | None) -> FailedCall:
    """Return the call of a line, which must be that of the first line."""
    if first not in (None, call):
        raise BadRow(
            f"a line of {call}, but the first line is of {first}. Use one file per call"
        )
    if call.verb in ("merge", "gdpr_delete"):
        raise BadRow(
            f"a line of {call}, which cannot be undone, so it is not sent from a "
            "failures file. Put the rows to send into a file of their own, and run "
            f"`hubbatch {call.verb.replace('_', '-')}` with it"
        )
    return call


def check_doubted(call: FailedCall, status: object, reconcile_by: str | None) -> bool:
    """Return whether a line is a create that may have been written already.

    Raises:
        BadRow: If it is, and its record cannot be looked up.
    """
    # Associating twice has the same effect as once.
    creates = call.verb == "create" and not call.object_type.startswith(PAIRS)
    doubted = creates and status == "unknown"
    if doubted and reconcile_by is None:
        raise BadRow(
            "a create that may have been written already. Delete the line, or look "
            "its record up by a unique property that every record sets",
            option=("reconcile_by", "NAME"),
        )
    return doubted


def _call_of(line: dict[str, Any]) -> FailedCall:
    for name in ("operation", "object_type", "input"):
        if name not in line:
            raise BadRow(f'no "{name}", so this is not a failures file')
    if line["operation"] not in get_args(JobVerb):
        raise BadRow(f"no such operation: {line['operation']!r}")
    portal = line.get("portal")
    properties = line.get("properties") or ()
    id_property = line.get("id_property")
    names = [line["object_type"], *([] if id_property is None else [id_property])]
    if (
        not (portal is None or type(portal) is int)
        or not isinstance(properties, list | tuple)
        or not all(isinstance(name, str) for name in (*names, *properties))
    ):
        raise BadRow("its portal, object_type, id_property or properties are not valid")
    return FailedCall(
        verb=cast("JobVerb", line["operation"]),
        object_type=line["object_type"],
        portal=portal,
        id_property=id_property,
        properties=tuple(properties),
        legacy=line.get("legacy") is True,
    )
