"""Maps the columns of a file, or the fields of a JSON line, to inputs of a verb."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from attrs import field, frozen

from hubbatch._wire.rows import RECORD_ID, find_column, id_columns, shown_columns
from hubbatch.errors import ConfigurationError


JobVerb: TypeAlias = Literal[
    "create",
    "read",
    "update",
    "upsert",
    "archive",
    "create_default",
    "archive_labels",
    "add",
    "remove",
]
"""The verb of a job; `create_default` and `archive_labels` are for pairs of records
only, `add` and `remove` for lists."""

KeyedInput: TypeAlias = tuple[str | None, Any]
"""The key of a row (`Row.key`) and its input."""
# HubSpot returns these fields of a record, but no verb accepts them. They are dropped,
# so that a record that was read can be edited and sent back as is.
_READ_ONLY_FIELDS = frozenset(
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
# A line with this field is a record that was read, because inputs never have it.
_READ_MARK = "createdAt"


class BadRow(Exception):
    """One row is invalid. The file's reader adds the row's location."""


def _as_mapping(properties: Mapping[str, str] | Iterable[str] | None) -> dict[str, str]:
    if isinstance(properties, str):
        raise ConfigurationError(
            f"properties must be a collection of names, not {properties!r}."
        )
    if isinstance(properties, Mapping):
        return dict(properties)
    return {name: name for name in properties or ()}


@frozen(kw_only=True)
class Columns:
    """How the columns of a source become inputs of a verb.

    Attributes:
        verb: The verb to call with the rows.
        id_column: The column with the record's id or unique value. By default the
            column with the name of `id_property`, or else `id`. A create does not send
            it.
        id_property: The unique property that the ids are values of.
        properties: The columns to send if not all: names, or a mapping from columns to
            the names of properties. By default all are sent but the id column and `id`,
            because HubSpot has no property `id`.
        empty: The effect of an empty CSV cell: `skip` keeps the property's value,
            `clear` clears it. (JSON can express both: null skips, "" clears.)
        legacy: Whether the inputs are for `crm-objects/v1`.
        reconcile_by: The unique property that creates are looked up by. It is sent even
            if it is the id column's property.
    """

    verb: JobVerb
    id_column: str | None = None
    id_property: str | None = None
    properties: dict[str, str] = field(converter=_as_mapping, default=None)
    empty: Literal["skip", "clear"] = field(default="skip")
    legacy: bool = False
    reconcile_by: str | None = None

    @empty.validator
    def _check_empty(self, _: object, value: object) -> None:
        if value not in ("skip", "clear"):
            raise ConfigurationError(f"empty must be 'skip' or 'clear', not {value!r}.")

    def options(self) -> dict[str, Any]:
        """Return the options that affect how a file becomes inputs, as JSON values."""
        return {
            "id_column": self.id_column,
            "properties": self.properties,
            "empty": self.empty,
        }

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Return a function that turns a CSV row's cells into a key and an input.

        Raises:
            BadRow: If a column is missing, or occurs twice.
        """
        return cells_builder(self, header)

    def of_fields(self) -> "InputBuilder":
        """Return a builder of inputs from JSON lines or other mappings."""
        return FieldsBuilder(self)

    def used(self, present: Sequence[str]) -> set[str]:
        """Return the names of the columns whose values are sent.

        Raises:
            BadRow: If the verb needs an id column and the file has none.
        """
        if "properties" in present and not self.only_ids:  # in HubSpot's shape
            return {*present} - _READ_ONLY_FIELDS
        id_column = self.choose_id(present)
        names = {*self.chosen(present, id_column)}
        if id_column is not None and self.verb != "create":
            names.add(id_column)
        return names

    @property
    def only_ids(self) -> bool:
        """Whether the verb takes bare ids."""
        return self.verb in ("read", "archive", "add", "remove")

    @property
    def id_field(self) -> str | None:
        """The field of an input that has the record's id; None in a create."""
        if self.verb == "create":
            return None
        return "objectId" if self.legacy else "id"

    def choose_id(self, present: Sequence[str]) -> str | None:
        """Return the id column of a file with these columns.

        Return None if a create has no such column, because it does not need one.

        Raises:
            BadRow: If the verb needs an id column and the file has none.
        """
        if self.verb == "upsert" and self.id_property is None:
            raise BadRow(
                "an upsert needs the unique property that the ids are values of. Use "
                "--id-property NAME"
            )
        wanted = (self.id_column,) if self.id_column else id_columns(self.id_property)
        found = find_column(wanted, present)
        if found is not None or (self.verb == "create" and not self.id_column):
            return found
        columns = " or ".join(f'"{name}"' for name in wanted)
        # Suggest the column whose name most resembles an id.
        likely = [name for name in present if name.lower().endswith("id")]
        hint = (likely or [name for name in present if name] or ["NAME"])[0]
        raise BadRow(
            f"no column {columns} (has: {shown_columns(present)}). Use --id-column "
            f"{hint}"
        )

    def chosen(self, present: Iterable[str], id_column: str | None) -> dict[str, str]:
        """Return the columns to send, each with the name of its property."""
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
            if name not in (id_column, RECORD_ID) or name == self.reconcile_by
        }

    def build(self, record_id: Any, properties: Mapping[str, Any]) -> Any:
        """Return the input of one row."""
        if self.only_ids:
            return record_id
        name = self.id_field
        if name is None:
            return {"properties": properties}
        return {name: record_id, "properties": properties}


def cells_builder(
    columns: Columns, header: Sequence[str]
) -> Callable[[Sequence[str]], KeyedInput]:
    """Return a function that turns a CSV row's cells into a key and an input.

    Raises:
        BadRow: If a column is missing, occurs twice or has no name.
    """
    id_column = columns.choose_id(header)
    wanted = () if columns.only_ids else columns.properties
    missing = next((name for name in wanted if name not in header), None)
    if missing is not None:
        raise BadRow(f'no column "{missing}" (has: {shown_columns(header)})')
    chosen = columns.chosen(header, id_column)
    for place, name in enumerate(header):
        if (name in chosen or name == id_column) and header.index(name) != place:
            raise BadRow(f'two columns are named "{name}"')
        if name in chosen and not name:
            raise BadRow(
                f"column {place + 1} has no name. Name it, or choose the columns to "
                "send with --property"
            )
    at = header.index(id_column) if id_column is not None else None
    places = [(header.index(name), chosen[name]) for name in chosen]
    clear = columns.empty == "clear"
    width, name_of_id, only_ids = len(header), columns.id_field, columns.only_ids

    def build(cells: Sequence[str]) -> KeyedInput:
        # Once per row, so speed counts.
        count = len(cells)
        record_id = cells[at] if at is not None and at < count else ""
        if only_ids:
            return record_id or None, record_id
        # A missing cell is not an empty one, so it does not clear the property.
        cut = (
            places if count == width else [(n, name) for n, name in places if n < count]
        )
        if clear:
            properties = {name: cells[place] for place, name in cut}
        else:
            properties = {name: cells[place] for place, name in cut if cells[place]}
        if name_of_id is None:
            return record_id or None, {"properties": properties}
        return record_id or None, {name_of_id: record_id, "properties": properties}

    return build


class InputBuilder(Protocol):
    """Builds the inputs of JSON lines, one after the other.

    Attributes:
        doubted: Whether an earlier job may have sent the last input already.
    """

    doubted: bool

    @property
    def unseen(self) -> Sequence[str]:
        """The requested columns that no line had."""
        ...

    def build(self, value: object) -> KeyedInput:
        """Return the key and the input of one line.

        Raises:
            BadRow: If the line is not an input.
        """
        ...


class ColumnMapping(Protocol):
    """Converts the columns of a file to inputs; see `Columns` and `PairColumns`."""

    def options(self) -> dict[str, Any]:
        """Return the options that affect how a file becomes inputs, as JSON values."""
        ...

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Return a function that turns a CSV row's cells into a key and an input.

        Raises:
            BadRow: If a column is missing, or occurs twice.
        """
        ...

    def of_fields(self) -> InputBuilder:
        """Return a builder of inputs from JSON lines or other mappings."""
        ...

    def used(self, present: Sequence[str]) -> set[str]:
        """Return the names of the columns whose values are sent.

        Raises:
            BadRow: If a column is missing.
        """
        ...


class FieldsBuilder:
    """Builds inputs from JSON lines: flat, in HubSpot's shape, or bare ids."""

    doubted: bool = False

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._chosen = False
        self._id_column: str | None = None
        self._unseen = set(() if columns.only_ids else columns.properties)

    @property
    def unseen(self) -> list[str]:
        """The requested columns that no line had."""
        return sorted(self._unseen)

    def build(self, line: object) -> KeyedInput:
        """Return the key and the input of one line.

        Raises:
            BadRow: If the line is not an input.
        """
        columns = self._columns
        if type(line) in (str, int) and columns.only_ids:
            return _key(line), line
        if not isinstance(line, dict):
            raise BadRow(f"{json_kind(line)}, not an object")
        properties = line.get("properties")
        if isinstance(properties, dict) or (
            columns.legacy and isinstance(properties, list)
        ):
            return self._nested(line)
        return self._flat(line)

    def _flat(self, line: dict[str, Any]) -> KeyedInput:
        columns = self._columns
        if not self._chosen:  # the first flat line decides for all lines
            self._id_column = columns.choose_id([*line])
            self._chosen = True
        name = self._id_column
        record_id = line.get(name) if name is not None else None
        self._unseen.difference_update(line)
        properties = {
            to: line[column] for column, to in columns.chosen(line, name).items()
        }
        return _key(record_id), columns.build(record_id, properties)

    def _nested(self, line: dict[str, Any]) -> KeyedInput:
        columns = self._columns
        taken = {name: line[name] for name in line if name not in _READ_ONLY_FIELDS}
        name = "objectId" if columns.legacy and "id" not in line else "id"
        record_id = taken.pop(name, None)
        properties = taken["properties"]
        unique = columns.id_property
        if _READ_MARK in line and unique in properties and not columns.id_column:
            record_id = properties[unique]  # `id` is the record id
        if columns.only_ids:
            if columns.id_column is not None:
                record_id = line.get(columns.id_column)
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


def json_kind(value: object) -> str:
    """Return the kind of a JSON value, with its article."""
    return _KINDS.get(type(value), "a number")


_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    type(None): "null",
}


def _key(record_id: Any) -> str | None:
    return str(record_id) if record_id not in (None, "") else None
