"""Failures as a source: what did not succeed is sent again, edited or as it was."""

import os

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from attrs import frozen

from hubbatch.core.operations import Verb

from .rows import Row
from .shaping import Columns, SourceError
from .sources import JsonLinesSource


@frozen(kw_only=True)
class FailedCall:
    """What call the lines of a file of failures are of.

    Attributes:
        verb: create, read, update, upsert or archive.
        object_type: e.g. `tickets`.
        portal: the account's id, or None where it was not known.
        id_property: the unique property that the ids are values of, if not the id.
        properties: which were asked for, in a read.
        legacy: whether it was one of `crm-objects/v1`.
        unknown_line: the first line whose create may have been made already.
    """

    verb: Verb
    object_type: str
    portal: int | None
    id_property: str | None
    properties: tuple[str, ...]
    legacy: bool
    unknown_line: int | None = None

    def __str__(self) -> str:
        said = f"{self.object_type}.{self.verb}"
        if self.legacy:
            said += " (legacy)"
        if self.id_property is not None:
            said += f" by {self.id_property}"
        if self.properties:
            said += f" of {', '.join(self.properties)}"
        return said if self.portal is None else f"{said} on portal {self.portal}"


class FailureSource:
    """A file of failures that a job wrote; all its lines are of one call.

    Args:
        path: the file.
        reconcile_by: the unique property by which creates are looked for that may
            have been made.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, reconcile_by: str | None = None
    ) -> None:
        # HubSpot's shape is passed through as it is, so the lines arrive whole.
        self._lines = _Lines(path, Columns(verb="create"))
        self._reconcile_by = reconcile_by
        self._call: FailedCall | None = None
        self.name: str = self._lines.name
        self.options: Mapping[str, Any] = {"replay": True}

    def __repr__(self) -> str:
        return f"<FailureSource {self.name!r}>"

    def fingerprint(self) -> str:
        """Read the file to its end, and give the SHA-256 of its bytes.

        Raises:
            SourceError: as `call`.
        """
        self.call()
        return self._lines.fingerprint()
