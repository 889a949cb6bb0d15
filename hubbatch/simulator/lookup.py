"""The call behind a request."""

import re

from typing import Final

import attrs

from hubbatch.simulator.routes import ROWS
from hubbatch.simulator.row import VERSION, Family, Row


_UNKNOWN_PATH: Final = Row("unknown path")
_WRONG_METHOD: Final = Row("wrong method")
# Verbs that read, whatever their method.
_READS: Final = frozenset({"read", "list", "labels", "search"})


@attrs.frozen
class Route:
    """The call behind a request: its row, and the names in its path.

    Attributes:
        verb: The verb; empty for requests without a row.
        name: The id or name of what is neither a type nor a record.
        part: The second id, of a stage or a list.
        version: The date of a dated association path; None for v3 and v4, and for
            families with the same answers in all versions.
    """

    row: Row
    verb: str = ""
    object_type: str = ""
    record_id: str = ""
    name: str | None = None
    part: str | None = None
    to_type: str = ""
    to_id: str = ""
    version: str | None = None

    @property
    def family(self) -> Family:
        """The name of the function in `api.table`."""
        return self.row.family

    @property
    def reads(self) -> bool:
        """Whether the scopes to read are enough."""
        return self.verb in _READS


def since_2026_09(path: str) -> bool:
    """Return whether the version in a path is 2026-09 or later.

    These versions have all verbs for every type and enforce the portal's rules.
    """
    # Versions compare as strings: "2026-09-beta" counts as 2026-09.
    dated = re.search(f"/({VERSION})/", path)
    return dated is not None and dated[1] >= "2026-09"


def find(method: str, path: str) -> Route:
    """Return the route of a request; unknown ones have a family of their own."""
    missing = _UNKNOWN_PATH
    for row in ROWS:
        match = row.pattern.fullmatch(path)
        if match is None:
            continue
        if method in row.methods:
            groups = match.groupdict()
            fields = {name: text for name, text in groups.items() if text is not None}
            return Route(row, **{"verb": row.methods[method], **row.implied, **fields})
        if method in row.lacks:
            return Route(_UNKNOWN_PATH)
        missing = _WRONG_METHOD
    return Route(missing)
