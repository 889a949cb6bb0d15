"""From the columns of a file, or the fields of a JSON line, to what HubSpot takes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from attrs import field, frozen

from hubbatch.errors import ConfigurationError


JobVerb: TypeAlias = Literal[
    "create",
    "read",
    "update",
    "upsert",
    "archive",
    "create_default",
    "archive_labels",
]
"""What can be done with rows; the last two with pairs of records."""

# What an input is, and the text that names it to its owner.
KeyedInput = tuple[str | None, Any]
# HubSpot answers these of a record, and no verb takes them: what was read can be
# edited and sent back as it is.
_ONLY_ANSWERED = frozenset(
    {
        "archived",
        "archivedAt",
        "createdAt",
        "new",
        "propertiesWithHistory",
        "updatedAt",
        "url",
    }
)
# By this a record that was read is known: in what is to be sent nobody writes it.
_ANSWERED = "createdAt"
# A message names at most so many columns.
_NAMED = 12


class BadRow(Exception):
    """What is wrong with one row; whoever reads the file adds where it is."""


def _as_mapping(given: Mapping[str, str] | Iterable[str] | None) -> dict[str, str]:
    if isinstance(given, str):
        raise ConfigurationError(f"properties is a collection of names, not {given!r}")
    if isinstance(given, Mapping):
        return dict(given)
    return {name: name for name in given or ()}


@frozen(kw_only=True)
class Columns:
    """How the columns of a source become inputs of a verb.

    Attributes:
        verb: what is to be done with the rows.
        id_column: the column with the record's id or unique value. By default one
            that is named like `id_property`, or else `id`. A create does not send it.
        id_property: the unique property that the ids are values of.
        properties: the columns to send, if not all: names, or a mapping of columns to
            the names of properties.
        empty: what an empty cell of a CSV does: `skip` leaves the property as it is,
            `clear` clears it. (JSON says it itself: null skips, "" clears.)
        legacy: whether inputs are those of `crm-objects/v1`.
        reconcile_by: the unique property that a create is found by; sent even if it
            is the id column.
    """

    verb: JobVerb
    id_column: str | None = None
    id_property: str | None = None
    properties: dict[str, str] = field(converter=_as_mapping, default=None)
    empty: Literal["skip", "clear"] = "skip"
    legacy: bool = False
    reconcile_by: str | None = None

    def options(self) -> dict[str, Any]:
        """Give what changes the meaning of a file, as JSON values."""
        return {
            "id_column": self.id_column,
            "properties": self.properties,
            "empty": self.empty,
        }

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Make the function from a CSV's cells to an input.

        Raises:
            BadRow: if the header is not that of a file for this verb.
        """
        return cells_builder(self, header)

    def of_fields(self) -> "InputBuilder":
        """Make what makes inputs of JSON lines."""
        return FieldsBuilder(self)

    def used(self, present: Sequence[str]) -> set[str]:
        """Name the columns of a table whose values are sent.

        Raises:
            BadRow: if the verb needs an id column and there is none.
        """
        if "properties" in present and not self.only_ids:  # in HubSpot's shape
            return {*present} - _ONLY_ANSWERED
        id_column = self.choose_id(present)
        names = {*self.chosen(present, id_column)}
        if id_column is not None and self.verb != "create":
            names.add(id_column)
        return names

    @property
    def only_ids(self) -> bool:
        """Whether the verb takes ids and nothing else."""
        return self.verb in ("read", "archive")

    def choose_id(self, present: Sequence[str]) -> str | None:
        """Choose the id column among those that a file has.

        None if a create has no such column; it needs none.

        Raises:
            BadRow: if the verb needs one and there is none.
        """
        if self.verb == "upsert" and self.id_property is None:
            raise BadRow(
                "an upsert needs to know which unique property the ids are values "
                "of. Use --id-property NAME"
            )
        wanted = [self.id_column] if self.id_column else [self.id_property, "id"]
        wanted = [name for name in wanted if name]
        for name in wanted:
            if name in present:
                return name
        if self.verb == "create" and not self.id_column:
            return None
        columns = " or ".join(f'"{name}"' for name in wanted)
        # The column that looks most like one.
        likely = [name for name in present if name.lower().endswith("id")]
        hint = (likely or [name for name in present if name] or ["NAME"])[0]
        raise BadRow(
            f"no column {columns} (has: {_list(present)}). Use --id-column {hint}"
        )

    def chosen(self, present: Iterable[str], id_column: str | None) -> dict[str, str]:
        """Map the columns that are sent to the names of their properties."""
        if self.only_ids:
            return {}
        if self.properties:
            return {
                name: self.properties[name]
                for name in present
                if name in self.properties
            }
        return {
            name: name
            for name in present
            if name != id_column or name == self.reconcile_by
        }

    def build(self, record_id: Any, properties: Mapping[str, Any]) -> Any:
        """Make the input of one row."""
        if self.only_ids:
            return record_id
        if self.verb == "create":
            return {"properties": properties}
        name = "objectId" if self.legacy else "id"
        return {name: record_id, "properties": properties}


def cells_builder(
    columns: Columns, header: Sequence[str]
) -> Callable[[Sequence[str]], KeyedInput]:
    """Make the function from a CSV's cells to an input.

    Raises:
        BadRow: if the header is not that of a file for this verb.
    """
    id_column = columns.choose_id(header)
    for name in columns.properties if not columns.only_ids else ():
        if name not in header:
            raise BadRow(f'no column "{name}" (has: {_list(header)})')
    chosen = columns.chosen(header, id_column)
    for place, name in enumerate(header):
        if (name in chosen or name == id_column) and header.index(name) != place:
            raise BadRow(f'two columns are named "{name}"')
        if name in chosen and not name:
            raise BadRow(
                f"column {place + 1} has no name. Name it, or say with --property "
                "which columns to send"
            )
    at = header.index(id_column) if id_column is not None else None
    places = [(header.index(name), chosen[name]) for name in chosen]
    clear = columns.empty == "clear"

    def build(cells: Sequence[str]) -> KeyedInput:
        count = len(cells)
        record_id = cells[at] if at is not None and at < count else ""
        # A cell that is not there is not an empty one: it clears nothing.
        properties = {
            name: cells[place]
            for place, name in places
            if place < count and (clear or cells[place])
        }
        return record_id or None, columns.build(record_id, properties)

    return build


class InputBuilder(Protocol):
    """Makes an input of what a JSON line says.

    Attributes:
        doubted: whether the last of them may have been sent already.
    """

    doubted: bool

    @property
    def unseen(self) -> Sequence[str]:
        """The columns that were asked for, and that no line had."""
        ...

    def build(self, given: object) -> KeyedInput:
        """Make an input of one line.

        Raises:
            BadRow: if it is nothing of the kind.
        """
        ...


class ColumnMapping(Protocol):
    """What the columns of a file mean."""

    def options(self) -> dict[str, Any]:
        """Give what changes the meaning of a file, as JSON values."""
        ...

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Make the function from a CSV's cells to an input.

        Raises:
            BadRow: if the header is not that of such a file.
        """
        ...

    def of_fields(self) -> InputBuilder:
        """Make what makes inputs of JSON lines."""
        ...

    def used(self, present: Sequence[str]) -> set[str]:
        """Name the columns of a table whose values are sent.

        Raises:
            BadRow: if they are not those of such a file.
        """
        ...


class FieldsBuilder:
    """Makes inputs of what JSON lines say: flat, in HubSpot's shape, or bare ids."""

    doubted: bool = False

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._chosen = False
        self._id_column: str | None = None
        self._unseen = set(() if columns.only_ids else columns.properties)

    @property
    def unseen(self) -> list[str]:
        """The columns that were asked for, and that no line had."""
        return sorted(self._unseen)

    def build(self, given: object) -> KeyedInput:
        """Make an input of one line.

        Raises:
            BadRow: if it is nothing of the kind.
        """
        columns = self._columns
        if type(given) in (str, int) and columns.only_ids:
            return _key(given), given
        if not isinstance(given, dict):
            raise BadRow(f"{json_kind(given)}, not an object")
        properties = given.get("properties")
        if isinstance(properties, dict) or (
            columns.legacy and isinstance(properties, list)
        ):
            return self._nested(given)
        return self._flat(given)

    def _flat(self, given: dict[str, Any]) -> KeyedInput:
        columns = self._columns
        if not self._chosen:  # the first flat line decides for all
            self._id_column = columns.choose_id([*given])
            self._chosen = True
        name = self._id_column
        record_id = given.get(name) if name is not None else None
        self._unseen.difference_update(given)
        properties = {
            to: given[column] for column, to in columns.chosen(given, name).items()
        }
        return _key(record_id), columns.build(record_id, properties)

    def _nested(self, given: dict[str, Any]) -> KeyedInput:
        columns = self._columns
        taken = {name: given[name] for name in given if name not in _ONLY_ANSWERED}
        name = "objectId" if columns.legacy and "id" not in given else "id"
        record_id = taken.pop(name, None)
        properties = taken["properties"]
        unique = columns.id_property
        if _ANSWERED in given and unique in properties and not columns.id_column:
            record_id = properties[unique]  # its `id` is the record's, and no value
        if columns.only_ids:
            if columns.id_column is not None:
                record_id = given.get(columns.id_column)
            return _key(record_id), record_id
        if isinstance(properties, dict) and columns.properties:
            self._unseen.difference_update(properties)
            taken["properties"] = {
                columns.properties[column]: properties[column]
                for column in properties
                if column in columns.properties
            }
        if columns.verb != "create":
            taken = {"objectId" if columns.legacy else "id": record_id, **taken}
        return _key(record_id), taken


def json_kind(given: object) -> str:
    """Say what kind of JSON value it is, with its article."""
    return _KINDS.get(type(given), "a number")


_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a truth value",
    type(None): "null",
}


def _key(record_id: Any) -> str | None:
    return str(record_id) if record_id not in (None, "") else None


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(name or '""' for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown}, … {len(names):,} in all"
