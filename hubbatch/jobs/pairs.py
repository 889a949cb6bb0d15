"""Pairs of records as a source: what to associate, and as what."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from hubbatch.errors import ConfigurationError
from hubbatch.models import AssociationSpec

from .column_mapping import BadRow, InputBuilder, KeyedInput, json_kind
from .id_map import IdMap


def _as_types(
    given: Iterable[AssociationSpec] | None,
) -> tuple[AssociationSpec, ...]:
    return tuple(given or ())


@frozen(kw_only=True)
class PairColumns:
    """How the columns of a source become pairs of records.

    Attributes:
        from_column: the column with the one id; by default `from_id`, or `from`.
        to_column: the column with the other; by default `to_id`, or `to`.
        types: as what to associate them, or which associations to take apart; none
            for the usual one, or all.
        from_map: what the ids of the one column have become.
        to_map: what those of the other have become.
        label_column: the column that says as what, row by row, in place of `types`:
            labels with `;` between them, as a read of associations writes them. An
            empty one is the usual association.
        labels: what associations there are by their labels, None for the usual one.
    """

    from_column: str | None = None
    to_column: str | None = None
    types: tuple[AssociationSpec, ...] = field(converter=_as_types, default=())
    from_map: IdMap | None = None
    to_map: IdMap | None = None
    label_column: str | None = None
    labels: Mapping[str | None, AssociationSpec] = field(factory=dict, repr=False)

    def options(self) -> dict[str, Any]:
        """Give what changes the meaning of a file, as JSON values."""
        return {
            "from_column": self.from_column,
            "to_column": self.to_column,
            "types": [
                f"{one.association_category} {one.association_type_id}"
                for one in self.types
            ],
            "from_map": self.from_map and self.from_map.digest,
            "to_map": self.to_map and self.to_map.digest,
            "label_column": self.label_column,
        }

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Make the function from a CSV's cells to a pair.

        Raises:
            BadRow: if it has not both columns.
        """
        places = [header.index(name) for name in self._names(header)]

        def build(cells: Sequence[str]) -> KeyedInput:
            return self.pair(
                *(cells[place] if place < len(cells) else "" for place in places)
            )

        return build

    def of_fields(self) -> InputBuilder:
        """Make what makes pairs of JSON lines."""
        return _PairBuilder(self)

    def used(self, present: Sequence[str]) -> set[str]:
        """Name the columns of a table whose values are sent.

        Raises:
            BadRow: if it has not both columns.
        """
        return {*self._names(present)}

    def pair(self, one: Any, other: Any, labels: Any = "") -> KeyedInput:
        """Make the input of a pair.

        Raises:
            BadRow: for a label that there is not.
        """
        pair: dict[str, Any] = {
            "from": {"id": _mapped(self.from_map, one)},
            "to": {"id": _mapped(self.to_map, other)},
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
        return f"{one}:{other}", pair

    def _labelled(self, given: Any) -> list[AssociationSpec]:
        parts = [part.strip() for part in str(given or "").split(";")]
        wanted: list[str | None] = [*dict.fromkeys(filter(None, parts))] or [None]
        for label in wanted:
            if label not in self.labels:
                known = ", ".join(sorted(filter(None, self.labels)))
                what = f'the label "{label}"' if label else "no label"
                there = f"labels are: {known}" if known else "there are no labels"
                raise BadRow(f"no one association has {what}; {there}")
        return [self.labels[label] for label in wanted]

    def _names(self, present: Sequence[str]) -> Iterator[str]:
        for name, given in (("from", self.from_column), ("to", self.to_column)):
            wanted = [given] if given else [f"{name}_id", name]
            found = next((one for one in wanted if one in present), None)
            if found is None:
                columns = " or ".join(f'"{one}"' for one in wanted)
                raise BadRow(
                    f"no column {columns} (has: {', '.join(present)}). Use "
                    f"--{name}-column NAME"
                )
            yield found
        if self.label_column is not None:
            if self.label_column not in present:
                raise BadRow(
                    f'no column "{self.label_column}" (has: {", ".join(present)})'
                )
            yield self.label_column


class _PairBuilder:
    """Makes pairs of JSON lines: flat, or in HubSpot's shape."""

    doubted: bool = False
    unseen: Sequence[str] = ()

    def __init__(self, columns: PairColumns) -> None:
        self._columns = columns

    def build(self, given: object) -> KeyedInput:
        if not isinstance(given, dict):
            raise BadRow(f"{json_kind(given)}, not an object")
        names = self._columns._names([*given])  # noqa: SLF001 -- its own
        return self._columns.pair(*(_id_of(given[name]) for name in names))


def _id_of(given: object) -> object:
    """Take the id out of HubSpot's own `{"id": ...}`."""
    return given.get("id") if isinstance(given, Mapping) else given


def _mapped(ids: IdMap | None, given: Any) -> Any:
    return given if ids is None or given in (None, "") else ids[str(given)]


def by_label(kinds: Iterable[Any]) -> dict[str | None, AssociationSpec]:
    """Give the kinds of association by their labels, None for the usual one.

    A label that two of them have is left out: it does not say which is meant.

    Args:
        kinds: what `hub.associations(...).kinds()` has answered.
    """
    known = [*kinds]
    count = Counter(kind.label for kind in known)
    return {
        kind.label: AssociationSpec(kind.category, kind.type_id)
        for kind in reversed(known)  # the first without a label is the usual one
        if kind.label is None or count[kind.label] == 1
    }


def find_type(
    kinds: Iterable[Any], *, label: str | None = None, type_id: int | None = None
) -> AssociationSpec:
    """Find a kind of association by its label, or its number.

    Args:
        kinds: what `hub.associations(...).kinds()` has answered.
        label: the label, as HubSpot shows it.
        type_id: or the number.

    Raises:
        ConfigurationError: if there is none, or more than one; says which there are.
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
        many = "more than one kind" if found else "no kind"
        raise ConfigurationError(
            f"{many} of association is {wanted}; there are {labels}"
        )
    return AssociationSpec(found[0].category, found[0].type_id)
