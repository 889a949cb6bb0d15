"""Pairs of records to merge as rows."""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from hubbatch._tables.column_mapping import BadRow, InputBuilder, KeyedInput, json_kind
from hubbatch._wire.codecs.merges import MERGED, PRIMARY


@frozen
class MergeColumns:
    """How the columns of a source become pairs of records to merge.

    The columns are named as HubSpot's fields: `primaryObjectId` has the id of the
    record that stays, `objectIdToMerge` that of the record that is merged into it.
    """

    def options(self) -> dict[str, Any]:
        """Return the options that affect how a file becomes inputs: none."""
        return {}

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Return a function that turns a CSV row's cells into a key and a pair.

        Raises:
            BadRow: If one of the two columns is missing.
        """
        self.used(header)
        places = [header.index(name) for name in (PRIMARY, MERGED)]

        def build(cells: Sequence[str]) -> KeyedInput:
            return _pair(
                *(cells[place] if place < len(cells) else "" for place in places)
            )

        return build

    def of_fields(self) -> InputBuilder:
        """Return a builder of pairs from JSON lines or other mappings."""
        return _MergeBuilder(self)

    def used(self, present: Sequence[str]) -> set[str]:
        """Return the names of the columns whose values are sent.

        Raises:
            BadRow: If one of the two columns is missing.
        """
        for name in (PRIMARY, MERGED):
            if name not in present:
                raise BadRow(
                    f'no column "{name}" (has: {", ".join(present)}). Rename the '
                    f'columns to "{PRIMARY}" and "{MERGED}"'
                )
        return {PRIMARY, MERGED}


class _MergeBuilder:
    doubted: bool = False
    unseen: Sequence[str] = ()

    def __init__(self, columns: MergeColumns) -> None:
        self._columns = columns

    def build(self, line: object) -> KeyedInput:
        if not isinstance(line, dict):
            raise BadRow(f"{json_kind(line)}, not an object")
        self._columns.used([*line])
        return _pair(line[PRIMARY], line[MERGED])


def _pair(primary: Any, merged: Any) -> KeyedInput:
    return f"{primary}:{merged}", {PRIMARY: primary, MERGED: merged}
