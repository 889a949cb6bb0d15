"""Pairs of records as rows: the records to associate, and the association types."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from hubbatch._tables.column_mapping import BadRow, InputBuilder, KeyedInput, json_kind
from hubbatch._wire.rows import END_COLUMNS, find_column
from hubbatch.errors import ConfigurationError
from hubbatch.models import AssociationSpec

from .id_map import IdMap


def _as_types(
    types: Iterable[AssociationSpec] | None,
) -> tuple[AssociationSpec, ...]:
    return tuple(types or ())


@frozen(kw_only=True)
class PairColumns:
    """How the columns of a source become pairs of records.

    Attributes:
        from_column: The column with the id of the first record; by default `from_id`,
            or `from`.
        to_column: The column with the id of the second; by default `to_id`, or `to`.
        types: The association types to create or remove; empty for the default type, or
            to remove all.
        from_map: Maps the ids in the first column to new ids.
        to_map: Maps the ids in the second column to new ids.
        label_column: The column with the labels of each pair, instead of `types`:
            separated by `;`, as a read of associations writes them. An empty cell
            stands for the default type.
        labels: The association types by label, None for the default type.
    """

    from_column: str | None = None
    to_column: str | None = None
    types: tuple[AssociationSpec, ...] = field(converter=_as_types, default=())
    from_map: IdMap | None = None
    to_map: IdMap | None = None
    label_column: str | None = None
    labels: Mapping[str | None, AssociationSpec] = field(factory=dict, repr=False)

    def options(self) -> dict[str, Any]:
        """Return the options that affect how a file becomes inputs, as JSON values."""
        return {
            "from_column": self.from_column,
            "to_column": self.to_column,
            "types": [
                f"{spec.association_category} {spec.association_type_id}"
                for spec in self.types
            ],
            "from_map": self.from_map and self.from_map.digest,
            "to_map": self.to_map and self.to_map.digest,
            "label_column": self.label_column,
        }

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Return a function that turns a CSV row's cells into a key and a pair.

        Raises:
            BadRow: If one of the two columns is missing.
        """
        places = [header.index(name) for name in self._names(header)]

        def build(cells: Sequence[str]) -> KeyedInput:
            return self.pair(
                *(cells[place] if place < len(cells) else "" for place in places)
            )

        return build

    def of_fields(self) -> InputBuilder:
        """Return a builder of pairs from JSON lines or other mappings."""
        return _PairBuilder(self)

    def used(self, present: Sequence[str]) -> set[str]:
        """Return the names of the columns whose values are sent.

        Raises:
            BadRow: If one of the two columns is missing.
        """
        return {*self._names(present)}

    def pair(self, from_id: Any, to_id: Any, labels: Any = "") -> KeyedInput:
        """Return the key and the input of a pair.

        Raises:
            BadRow: If not exactly one association type has the label.
        """
        pair: dict[str, Any] = {
            "from": {"id": _mapped(self.from_map, from_id)},
            "to": {"id": _mapped(self.to_map, to_id)},
        }
        types = self.types if self.label_column is None else self._labelled(labels)
        if types:
            pair["types"] = [
                {
                    "associationCategory": spec.association_category,
                    "associationTypeId": spec.association_type_id,
                }
                for spec in types
            ]
        return f"{from_id}:{to_id}", pair

    def _labelled(self, cell: Any) -> list[AssociationSpec]:
        parts = [part.strip() for part in str(cell or "").split(";")]
        wanted: list[str | None] = [*dict.fromkeys(filter(None, parts))] or [None]
        for label in wanted:
            if label not in self.labels:
                known = ", ".join(sorted(filter(None, self.labels)))
                what = f'the label "{label}"' if label else "no label"
                there = f"the labels are: {known}" if known else "there are no labels"
                raise BadRow(f"no single association type has {what}; {there}")
        return [self.labels[label] for label in wanted]

    def _names(self, present: Sequence[str]) -> Iterator[str]:
        for name, chosen in (("from", self.from_column), ("to", self.to_column)):
            wanted = (chosen,) if chosen else END_COLUMNS[name]
            found = find_column(wanted, present)
            if found is None:
                columns = " or ".join(f'"{column}"' for column in wanted)
                raise BadRow(
                    f"no column {columns} (has: {', '.join(present)})",
                    option=(f"{name}_column", "NAME"),
                )
            yield found
        if self.label_column is not None:
            if self.label_column not in present:
                raise BadRow(
                    f'no column "{self.label_column}" (has: {", ".join(present)})'
                )
            yield self.label_column


class _PairBuilder:
    """Builds pairs from JSON lines: flat, or in HubSpot's shape."""

    doubted: bool = False
    unseen: Sequence[str] = ()

    def __init__(self, columns: PairColumns) -> None:
        self._columns = columns

    def build(self, line: object) -> KeyedInput:
        if not isinstance(line, dict):
            raise BadRow(f"{json_kind(line)}, not an object")
        names = self._columns._names([*line])  # noqa: SLF001 -- of this module
        return self._columns.pair(*(_id_of(line[name]) for name in names))


def _id_of(end: object) -> object:
    """Return the id in HubSpot's own `{"id": ...}`."""
    return end.get("id") if isinstance(end, Mapping) else end


def _mapped(ids: IdMap | None, old: Any) -> Any:
    return old if ids is None or old in (None, "") else ids[str(old)]


def by_label(kinds: Iterable[Any]) -> dict[str | None, AssociationSpec]:
    """Return the association types by label, None for the default type.

    A label that two types have is ambiguous, so it is left out.

    Args:
        kinds: The return value of `hub.associations(...).kinds()`.
    """
    known = [*kinds]
    count = Counter(kind.label for kind in known)
    return {
        kind.label: AssociationSpec(kind.category, kind.type_id)
        for kind in reversed(known)  # the first without a label is the default
        if kind.label is None or count[kind.label] == 1
    }


def find_type(
    kinds: Iterable[Any], *, label: str | None = None, type_id: int | None = None
) -> AssociationSpec:
    """Return an association type by its label or its number.

    Args:
        kinds: The return value of `hub.associations(...).kinds()`.
        label: The label, as HubSpot shows it.
        type_id: The type's number, instead of the label.

    Raises:
        ConfigurationError: If no type matches, or more than one does; lists the types.
    """
    known = [*kinds]
    wanted = repr(label) if type_id is None else type_id
    found = [
        kind
        for kind in known
        if (kind.label == label if type_id is None else kind.type_id == type_id)
    ]
    if len(found) != 1:
        labels = ", ".join(
            f"{kind.type_id} ({kind.label or 'no label'})" for kind in known
        )
        count = "more than one association type" if found else "no association type"
        raise ConfigurationError(
            f"{count} is {wanted}. Choose one by its number: {labels}"
        )
    return AssociationSpec(found[0].category, found[0].type_id)
