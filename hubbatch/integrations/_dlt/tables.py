"""What a table of a dlt pipeline is to HubSpot: which verb, of what, by which column.

It knows dlt's table schemas as mappings, and does not import dlt.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from attrs import frozen

from hubbatch.errors import ConfigurationError
from hubbatch.jobs.column_mapping import BadRow, Columns, InputBuilder, KeyedInput


HINT = "x-hubspot"
WriteVerb = Literal["upsert", "update", "create", "archive"]

# Columns that dlt adds; its tables begin like this as well.
_OWN = "_dlt_"
# Strategies of a merge that end with what an upsert does.
_STRATEGIES = ("delete-insert", "upsert")
# What dlt can be told to do in a table, and HubSpot has nothing for.
_MARKS = {
    "hard_delete": "Archive those rows with a resource of their own, verb='archive'",
    "dedup_sort": "Choose the rows in the query",
}


@frozen(kw_only=True)
class Table:
    """What is done with the rows of one table.

    Attributes:
        name: the table's.
        verb: upsert, update, create or archive.
        object_type: e.g. `contacts`.
        id_property: the unique property that the ids are values of, if they are.
        reconcile_by: the unique property that a create is found by.
        columns: what its columns mean.
        timezone: the time zone of times that have none.
    """

    name: str
    verb: WriteVerb
    object_type: str
    id_property: str | None
    reconcile_by: str | None
    columns: "TableColumns"
    timezone: str | None = None


@frozen
class TableColumns:
    """The columns of a table as those of any source; dlt's own are left out.

    dlt leaves NULL out of the rows, so which columns there are is the table's to say.
    """

    columns: Columns
    names: tuple[str, ...]

    def options(self) -> dict[str, Any]:
        """Give what changes the meaning of a file, as JSON values."""
        return self.columns.options()

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Make the function from a CSV's cells to an input."""
        return self.columns.of_cells(header)

    def of_fields(self) -> InputBuilder:
        """Make what makes inputs of rows."""
        return _TableBuilder(self.columns.of_fields(), self.names)

    def used(self, present: Sequence[str]) -> set[str]:
        """Name the columns whose values are sent."""
        return self.columns.used([name for name in present if name in self.names])


class _TableBuilder:
    """Shows the rows of a table with all of its columns, and no others."""

    doubted: bool = False
    unseen: Sequence[str] = ()  # the table was asked

    def __init__(self, builder: InputBuilder, names: Sequence[str]) -> None:
        self._builder = builder
        self._names = names

    def build(self, given: object) -> KeyedInput:
        if not isinstance(given, Mapping):
            raise BadRow("no row of a table")
        if isinstance(given.get("properties"), Mapping):  # in HubSpot's own shape
            present = [name for name in self._names if given.get(name) is not None]
        else:
            present = [*self._names]
        return self._builder.build({name: given.get(name) for name in present})


def hint(
    *,
    verb: str,
    object_type: str | None,
    id_property: str | None,
    id_column: str | None,
    properties: Mapping[str, str] | Iterable[str] | None,
    reconcile_by: str | None,
) -> dict[str, Any]:
    """Make what a table's schema says of HubSpot.

    Raises:
        ConfigurationError: if that can never be done.
    """
    if isinstance(properties, str):
        raise ConfigurationError(
            f"properties is a collection of names, not {properties!r}"
        )
    if properties is not None and not isinstance(properties, Mapping):
        properties = {name: name for name in properties}
    given = {
        "verb": verb,
        "object_type": object_type,
        "id_property": id_property,
        "id_column": id_column,
        "properties": properties,
        "reconcile_by": reconcile_by,
    }
    _check_verb(given, "hubspot_adapter")
    return {name: value for name, value in given.items() if value is not None}


def read_table(schema: Mapping[str, Any], timezone: str | None = None) -> Table:
    """Read what is to be done with the rows of a table.

    Args:
        schema: the table's, as dlt has it.
        timezone: the time zone of times that have none.

    Raises:
        ConfigurationError: if it cannot be done; says what to change.
    """
    name = schema["name"]
    told = {"verb": "upsert", **schema.get(HINT, {})}
    _check_verb(told, f"table {name!r}")
    _check_table(schema, name)
    columns: Mapping[str, Mapping[str, Any]] = schema["columns"]
    names = tuple(column for column in columns if not column.startswith(_OWN))
    keys = [column for column in names if columns[column].get("primary_key")]
    key = keys[0] if len(keys) == 1 else None
    id_property, id_column = told.get("id_property"), told.get("id_column", key)
    if told["verb"] == "upsert" and id_property is None:
        if key is None:
            raise ConfigurationError(
                f"table {name!r}: an upsert needs to know which unique property its "
                "rows are found by. Give the resource a primary_key of one column, or "
                "hubspot_adapter(..., id_property=...)"
            )
        id_property = key
    if told["verb"] == "create":
        id_column = told.get("id_column", told["reconcile_by"])
    properties = told.get("properties")
    _check_columns(name, id_column, properties, names)
    meant = TableColumns(
        Columns(
            verb=told["verb"],
            id_column=id_column,
            id_property=id_property,
            properties=properties,
            reconcile_by=told.get("reconcile_by"),
        ),
        names,
    )
    if timezone is None:
        _check_times(name, meant, columns)
    return Table(
        name=name,
        verb=told["verb"],
        object_type=told.get("object_type", name),
        id_property=id_property,
        reconcile_by=told.get("reconcile_by"),
        columns=meant,
        timezone=timezone,
    )


def _check_verb(told: Mapping[str, Any], who: str) -> None:
    verb = told["verb"]
    if verb not in get_args(WriteVerb):
        known = ", ".join(get_args(WriteVerb))
        raise ConfigurationError(f"{who}: verb must be one of {known}, not {verb!r}")
    reconciled = told.get("reconcile_by") is not None
    if verb == "create" and not reconciled:
        raise ConfigurationError(
            f"{who}: dlt repeats a load that was interrupted, so a create needs "
            "reconcile_by, a unique property that every row sets; or upsert by it"
        )
    if verb != "create" and reconciled:
        raise ConfigurationError(f"{who}: only a create has reconcile_by")
    if verb in ("create", "archive") and told.get("id_property") is not None:
        raise ConfigurationError(f"{who}: {verb} has no id_property")


def _check_table(schema: Mapping[str, Any], name: str) -> None:
    if schema.get("parent") is not None:
        raise ConfigurationError(
            f"table {name!r} is nested in {schema['parent']!r}, and HubSpot has no "
            "nested tables. Use max_table_nesting=0, and give a resource of its own "
            "to what are records of their own"
        )
    if schema.get("write_disposition") == "replace":
        raise ConfigurationError(
            f"table {name!r}: HubSpot's records are not replaced by a load. Use "
            "write_disposition='merge' or 'append'"
        )
    strategy = schema.get("x-merge-strategy", "upsert")
    if strategy not in _STRATEGIES:  # scd2 would make records of old rows
        raise ConfigurationError(
            f"table {name!r}: HubSpot has nothing for the merge strategy {strategy!r}. "
            f"Use {' or '.join(_STRATEGIES)}"
        )
    for column, hints in schema["columns"].items():
        for mark, instead in _MARKS.items():
            if hints.get(mark):
                raise ConfigurationError(
                    f"table {name!r}: column {column!r} is a {mark}, which HubSpot "
                    f"does not have. {instead}"
                )


def _check_columns(
    table: str,
    id_column: str | None,
    properties: Mapping[str, str] | None,
    names: Sequence[str],
) -> None:
    has = f"(has: {', '.join(names)})"
    if id_column is not None and id_column not in names:
        raise ConfigurationError(f"table {table!r} has no column {id_column!r} {has}")
    # Of a column that was NULL all along dlt does not know: some may be missing.
    if properties and not any(name in names for name in properties):
        wanted = ", ".join(properties)
        raise ConfigurationError(
            f"table {table!r} has none of the columns {wanted} {has}"
        )


def _check_times(
    table: str, meant: TableColumns, columns: Mapping[str, Mapping[str, Any]]
) -> None:
    try:
        used = meant.used([*columns])
    except BadRow as error:
        raise ConfigurationError(f"table {table!r}: {error}") from None
    for name in used:
        # A time that a table's schema says nothing of is UTC to dlt.
        if columns[name].get("timezone") is False:
            raise ConfigurationError(
                f"table {table!r}: the times in column {name!r} have no time zone. "
                'Say which it is: hubspot(timezone="UTC")'
            )
