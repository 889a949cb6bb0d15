"""Maps the columns of a file, or the fields of a JSON line, to inputs of a verb."""

import re

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from attrs import field, frozen

from hubbatch._wire.property_values import append_of
from hubbatch._wire.rows import RECORD_ID, find_column, id_columns, shown_columns
from hubbatch.errors import ConfigurationError, SourceError


JobVerb: TypeAlias = Literal[
    "create",
    "read",
    "update",
    "upsert",
    "archive",
    "merge",
    "gdpr_delete",
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
# The names of the record id: of the property, and of the column in HubSpot's exports.
_RECORD_ID_NAMES = frozenset({"hs_object_id", "Record ID"})
_SEPARATORS = re.compile(r"[\W_]+")


# The columns that hubbatch adds to a table of rows to fix: the call, and why a row did
# not succeed. The second name is for a table that has the first one already.
CALL_COLUMN = "hubbatch"
_REASON_COLUMNS = ("reason", "hubbatch_reason")


def reason_column(header: Collection[str]) -> str:
    """Return the name of the column to add for the reason."""
    return _REASON_COLUMNS[_REASON_COLUMNS[0] in header]


def added_columns(header: Collection[str]) -> tuple[str, ...]:
    """Return the columns that hubbatch has added to a table; often none."""
    if CALL_COLUMN not in header:
        return ()
    return CALL_COLUMN, _REASON_COLUMNS[_REASON_COLUMNS[1] in header]


class BadRow(Exception):
    """One row is invalid. The file's reader adds the row's location.

    Attributes:
        option: The option that solves the problem; see `SourceError`.
    """

    def __init__(self, message: str, *, option: tuple[str, Any] | None = None) -> None:
        super().__init__(message)
        self.option = option

    def at(self, where: str) -> SourceError:
        """Return the error of the source, with the row's location."""
        return SourceError(f"{where}: {self}.", option=self.option)


def _as_mapping(properties: Mapping[str, str] | Iterable[str] | None) -> dict[str, str]:
    if isinstance(properties, str):
        raise ConfigurationError(
            f"properties must be a collection of names, not {properties!r}."
        )
    if isinstance(properties, Mapping):
        return dict(properties)
    return {name: name for name in properties or ()}


def _as_names(names: str | Iterable[str] | None) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ConfigurationError(
            f"append must be a collection of columns, not {names!r}."
        )
    return tuple(names or ())


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
        append: The columns whose options are added to those that a checkbox property
            has, instead of replacing them; see `Append`.
        labels: The labels of properties by name, where their definitions are known. A
            missing id column is suggested by them.
    """

    verb: JobVerb
    id_column: str | None = None
    id_property: str | None = None
    properties: dict[str, str] = field(converter=_as_mapping, default=None)
    empty: Literal["skip", "clear"] = field(default="skip")
    legacy: bool = False
    reconcile_by: str | None = None
    append: tuple[str, ...] = field(converter=_as_names, default=())
    labels: Mapping[str, Sequence[str]] = field(factory=dict, repr=False, eq=False)

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
            "append": [*self.append],
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
        return self.verb in ("read", "archive", "add", "remove", "gdpr_delete")

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
                "an upsert needs the unique property that the ids are values of",
                option=("id_property", "NAME"),
            )
        wanted = (self.id_column,) if self.id_column else id_columns(self.id_property)
        found = find_column(wanted, present)
        if found is not None or (self.verb == "create" and not self.id_column):
            return found
        columns = " or ".join(f'"{name}"' for name in wanted)
        meant = self._spelled_otherwise(wanted[0], present)
        raise BadRow(
            f"no column {columns} (has: {shown_columns(present)})",
            option=("id_column", meant or "NAME"),
        )

    def _spelled_otherwise(self, wanted: str, present: Sequence[str]) -> str | None:
        """Return the only column that can be the wanted one, in another spelling.

        Following a wrong suggestion writes the values of one record to another. So a
        column is suggested only for the same name in other case or with other
        separators, and for the label that HubSpot's exports have in their header.
        """
        names = {wanted, *self.labels.get(wanted, ())}
        if wanted == RECORD_ID:
            names |= _RECORD_ID_NAMES
        spelled = {_folded(name) for name in names}
        found = {name for name in present if _folded(name) in spelled}
        return found.pop() if len(found) == 1 else None

    def chosen(self, present: Collection[str], id_column: str | None) -> dict[str, str]:
        """Return the columns to send, each with the name of its property."""
        if self.only_ids:
            return {}
        if self.properties:
            return {
                name: self.properties[name]
                for name in present
                if name in self.properties
            }
        left_out = {id_column, RECORD_ID, *added_columns(present)}
        left_out.discard(self.reconcile_by)
        return {name: name for name in present if name not in left_out}

    def appended(self, chosen: Mapping[str, str]) -> list[str]:
        """Return the properties whose values are options to add.

        Args:
            chosen: The columns to send, each with the name of its property.

        Raises:
            BadRow: If a column of `append` is not sent.
        """
        missing = next((name for name in self.append if name not in chosen), None)
        if missing is not None:
            raise BadRow(
                f'"{missing}" is a column of --append, but it is not sent. The columns '
                f"that are sent: {shown_columns(chosen)}"
            )
        return [chosen[name] for name in self.append]

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
                "send",
                option=("properties", ["NAME"]),
            )
    at = header.index(id_column) if id_column is not None else None
    places = [(header.index(name), chosen[name]) for name in chosen]
    clear = columns.empty == "clear"
    width, name_of_id, only_ids = len(header), columns.id_field, columns.only_ids
    appended = columns.appended(chosen)

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
        if appended:
            _mark_appended(properties, appended)
        if name_of_id is None:
            return record_id or None, {"properties": properties}
        return record_id or None, {name_of_id: record_id, "properties": properties}

    return build


def _mark_appended(properties: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if properties.get(name) is not None:
            properties[name] = append_of(properties[name])


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
        wanted = {*columns.properties, *columns.append}
        self._unseen = set() if columns.only_ids else wanted

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
        chosen = columns.chosen(line, name)
        properties = {to: line[column] for column, to in chosen.items()}
        _mark_appended(properties, [chosen.get(name, name) for name in columns.append])
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
        if isinstance(properties, dict) and (columns.properties or columns.append):
            self._unseen.difference_update(properties)
            names = columns.properties or {name: name for name in properties}
            taken["properties"] = {
                names[column]: properties[column]
                for column in properties
                if column in names
            }
            appended = [names.get(name, name) for name in columns.append]
            _mark_appended(taken["properties"], appended)
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


def _folded(name: str) -> str:
    """Return a name without case, spaces and separators."""
    return _SEPARATORS.sub("", name).casefold()


def _key(record_id: Any) -> str | None:
    return str(record_id) if record_id not in (None, "") else None
