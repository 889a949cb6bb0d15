"""The store of an account: its object types, records, associations and lists."""

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Final

import attrs

from hubbatch.simulator.crm.catalogue import STANDARD_IDS, custom, standard_type
from hubbatch.simulator.crm.links import Links
from hubbatch.simulator.crm.property_types import (
    ObjectType,
    Property,
    Rule,
    parse_instant,
)
from hubbatch.simulator.crm.records import (
    ADDITIONAL_EMAILS,
    Record,
    Shelf,
    addresses,
    as_string,
)
from hubbatch.simulator.wire import iso


# Who defines what an account adds.
_USER_ID: Final = "1"


@attrs.define
class Store:
    """The records of one account, which tests create and inspect.

    Each object type has a shelf with its records. Methods take any name of an object
    type and raise KeyError if it is unknown.

    Invariant: `_by_name` maps every name of every type, in lower case, to its id.
    `_shelves` is keyed by object type id; a standard type gets its shelf when it is
    first used, because its many properties are read then.

    Attributes:
        links: The associations.
        lists: The lists of each record, by object type id and record id: list ids, with
            the date the record was added.
        splits: The splits of each deal, by deal id and owner id: the id of the split
            and its percentage.
    """

    portal_id: int
    now: Callable[[], int]
    rng: Random
    _shelves: dict[str, Shelf] = attrs.field(init=False, repr=False, factory=dict)
    _by_name: dict[str, str] = attrs.field(
        init=False, repr=False, factory=STANDARD_IDS.copy
    )
    links: Links = attrs.field(init=False, repr=False, factory=Links)
    lists: dict[tuple[str, str], dict[str, int]] = attrs.field(
        init=False, repr=False, factory=dict
    )
    splits: dict[str, dict[int, tuple[str, float]]] = attrs.field(
        init=False, repr=False, factory=dict
    )
    _last_id: int = attrs.field(init=False, repr=False)
    _last_type: int = attrs.field(init=False, repr=False, default=3604284)

    def __attrs_post_init__(self) -> None:
        """Choose the first record id."""
        self._last_id = self.rng.randrange(10_000_000_000, 40_000_000_000)

    def shelf(self, object_type: str) -> Shelf | None:
        """Return the shelf of an object type by any name, in any case, or None."""
        type_id = self._by_name.get(object_type.lower())
        if type_id is None:
            return None
        if type_id not in self._shelves:
            self._shelves[type_id] = Shelf(standard_type(type_id))
        return self._shelves[type_id]

    def define(
        self,
        object_type: str,
        properties: Iterable[Property | str] = (),
        *,
        required: Iterable[str] = (),
    ) -> ObjectType:
        """Add a custom object type, or custom properties to an existing type.

        Args:
            object_type: The object type; an unknown name becomes a custom object type.
            properties: Properties, or names of string properties.
            required: The names of the properties that a create must set.
        """
        more = [
            attrs.evolve(Property(p) if isinstance(p, str) else p, custom=True)
            for p in properties
        ]
        shelf = self.shelf(object_type)
        if shelf is None:
            self._last_type += self.rng.randint(1, 900)
            shelf = Shelf(custom(object_type, self._last_type, self.portal_id))
            self._add_shelf(shelf)
        self.extend(shelf, more, required)
        return shelf.type

    def extend(
        self,
        shelf: Shelf,
        properties: Iterable[Property],
        required: Iterable[str] = (),
    ) -> None:
        """Add properties to an object type, or replace those with the same names."""
        now = iso(self.now())
        marks = {
            "createdAt": now,
            "updatedAt": now,
            "createdUserId": _USER_ID,
            "updatedUserId": _USER_ID,
        }
        marked = [
            attrs.evolve(schema, descriptive={**marks, **schema.descriptive})
            if schema.custom
            else schema
            for schema in properties
        ]
        shelf.type = shelf.type.extended(marked, required)

    def require(
        self,
        object_type: str,
        *names: str,
        when: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Add rules of the portal, which versions from 2026-09 on enforce.

        Args:
            object_type: The object type.
            names: The properties to require.
            when: The condition: property names, with the values that make `names`
                required when they are written (empty: any value). By default every
                new record needs `names`.
        """
        shelf = self._known(object_type)
        condition = {name: tuple(values) for name, values in (when or {}).items()}
        rules = tuple(Rule(name, condition) for name in names)
        shelf.type = attrs.evolve(shelf.type, rules=(*shelf.type.rules, *rules))

    def create(self, object_type: str, properties: Mapping[str, object]) -> Record:
        """Create a record without validating its values; None values are ignored."""
        shelf = self._known(object_type)
        written = {
            name: as_string(value)
            for name, value in properties.items()
            if value is not None
        }
        return self.add(shelf, self.new_id(), written, self.now())

    def get(self, object_type: str, record_id: str | int) -> Record | None:
        """Return a record, archived or not; None if it is unknown."""
        return self._known(object_type).records.get(str(record_id))

    def all(self, object_type: str) -> list[Record]:
        """Return the records that are not archived."""
        records = list(self._known(object_type).records.values())
        return [record for record in records if not record.archived]

    def count(self, object_type: str) -> int:
        """Return the number of records that are not archived."""
        return len(self.all(object_type))

    def sizes(self) -> dict[str, int]:
        """Return the number of unarchived records by object type, omitting zeros."""
        counts = {
            shelf.type.plural: len(shelf.records) - shelf.archived
            for shelf in self._shelves.values()
        }
        return {name: count for name, count in counts.items() if count}

    def archive(self, object_type: str, record_id: str | int) -> None:
        """Archive a record; an unknown or archived one is ignored."""
        shelf = self._known(object_type)
        record = shelf.live(str(record_id))
        if record is not None:
            record.archived_on = self.now()
            shelf.archived += 1
            shelf.release(record)

    def merge(self, object_type: str, loser: str | int, survivor: str | int) -> None:
        """Merge one record into another, which keeps its values.

        The survivor also gets the loser's e-mail addresses.

        Raises:
            KeyError: If a record is unknown.
        """
        shelf = self._known(object_type)
        merged = shelf.records.pop(str(loser))
        shelf.archived -= merged.archived
        kept = shelf.records[str(survivor)]
        for name, owned in shelf.owners.items():
            for key in [key for key, owner in owned.items() if owner == merged.id]:
                if name == "email":
                    owned[key] = kept.id
                else:
                    del owned[key]
        emails = [*addresses(kept.properties), *addresses(merged.properties)]
        if "email" in merged.properties:
            emails.append(merged.properties["email"])
        if emails:
            kept.properties[ADDITIONAL_EMAILS] = ";".join(emails)
        shelf.merged[merged.id] = kept.id

    def define_label(self, source: str, target: str, label: str) -> int:
        """Add an association label and return its type id, from source to target."""
        from_type, to_type = self._known(source).type.id, self._known(target).type.id
        return self.links.label(from_type, to_type, label)

    def put_on_list(
        self, object_type: str, record_id: str | int, list_id: str | int
    ) -> None:
        """Add a record to a list."""
        key = self._known(object_type).type.id, str(record_id)
        self.lists.setdefault(key, {})[str(list_id)] = self.now()

    def new_id(self) -> str:
        """Return an unused id; ids ascend with random gaps."""
        self._last_id += self.rng.randint(1, 97)
        return str(self._last_id)

    def add(
        self, shelf: Shelf, record_id: str, written: Mapping[str, str], now: int
    ) -> Record:
        """Create a record with the values that HubSpot sets itself."""
        schema = shelf.type
        written = shelf.appended({}, written)
        properties = {
            # Recorded: callers can set the creation date of deals.
            schema.created: iso(now),
            **schema.fixed,
            **{name: value for name, value in written.items() if value},
            schema.modified: iso(now),
            "hs_object_id": record_id,
        }
        for name, derive in schema.derived.items():
            value = derive(properties)
            if value is not None:
                properties[name] = value
        created = parse_instant(properties[schema.created])
        record = Record(record_id, {}, now if created is None else created, now)
        shelf.claim(record, properties)
        record.properties = properties
        record.changes.append((now, dict(written)))
        shelf.records[record_id] = record
        return record

    def _add_shelf(self, shelf: Shelf) -> None:
        self._shelves[shelf.type.id] = shelf
        for name in shelf.type.all_names():
            self._by_name[name.lower()] = shelf.type.id

    def _known(self, object_type: str) -> Shelf:
        shelf = self.shelf(object_type)
        if shelf is None:
            raise KeyError(f"unknown object type {object_type!r}: define() it first")
        return shelf
