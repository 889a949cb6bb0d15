"""The store of an account: its object types, records, associations and lists."""

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final

import attrs

from hubbatch.simulator.crm.catalogue import STANDARD_IDS, custom, standard_type
from hubbatch.simulator.crm.links import Links
from hubbatch.simulator.crm.lists import Lists
from hubbatch.simulator.crm.owners import Owners
from hubbatch.simulator.crm.pipelines import Pipelines
from hubbatch.simulator.crm.property_types import (
    DAY_MS,
    ObjectType,
    Property,
    Rule,
    parse_instant,
)
from hubbatch.simulator.crm.records import (
    ADDITIONAL_EMAILS,
    MERGED_IDS,
    Record,
    Shelf,
    addresses,
    as_string,
)
from hubbatch.simulator.crm.search.index import SearchIndex
from hubbatch.simulator.wire import iso


# The number of ids that the records of one day are spread over.
IDS_PER_DAY: Final = 1_000_000_000
# Who defines what an account adds.
_USER_ID: Final = "1"


@attrs.define
class Store:
    """The records of one account, which tests create and inspect.

    Each object type has a shelf with its records. Methods take any name of an object
    type and raise KeyError if it is unknown.

    Invariant: `_by_name` maps every name of every type, in lower case, to its id.
    `_shelves` is keyed by object type id; a standard type gets its shelf when it is
    first used, because its many properties are read then. An archived object type is
    in `_archived_types` only.

    Attributes:
        links: The associations.
        lists: The lists, and the records on them.
        owners: The owners of records.
        pipelines: The pipelines of each object type, with their stages.
        events: The custom events received, as sent.
        splits: The splits of each deal, by deal id and owner id: the id of the split
            and its percentage.
        indexes: The search indexes by object type id, built by the first searches.
    """

    portal_id: int
    now: Callable[[], int]
    rng: Random
    _shelves: dict[str, Shelf] = attrs.field(init=False, repr=False, factory=dict)
    _archived_types: dict[str, Shelf] = attrs.field(
        init=False, repr=False, factory=dict
    )
    _by_name: dict[str, str] = attrs.field(
        init=False, repr=False, factory=STANDARD_IDS.copy
    )
    links: Links = attrs.field(init=False, repr=False, factory=Links)
    lists: Lists = attrs.field(init=False, repr=False)
    owners: Owners = attrs.field(init=False, repr=False)
    pipelines: Pipelines = attrs.field(init=False, repr=False)
    events: list[Mapping[str, Any]] = attrs.field(init=False, repr=False, factory=list)
    splits: dict[str, dict[int, tuple[str, float]]] = attrs.field(
        init=False, repr=False, factory=dict
    )
    indexes: dict[str, SearchIndex] = attrs.field(init=False, repr=False, factory=dict)
    _first_id: int = attrs.field(init=False, repr=False)
    _opened: int = attrs.field(init=False, repr=False)
    _ids: set[int] = attrs.field(init=False, repr=False, factory=set)
    _last_type: int = attrs.field(init=False, repr=False, default=3604284)

    def __attrs_post_init__(self) -> None:
        """Choose the first record id."""
        self.lists = Lists(self.now)
        self.owners = Owners(self.now)
        self.pipelines = Pipelines(self.now)
        self._first_id = self.rng.randrange(10_000_000_000, 40_000_000_000)
        self._opened = self.now()

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
            shelf = self.new_type(object_type)
        self.extend(shelf, more, required)
        return shelf.type

    def new_type(self, name: str, descriptive: Mapping[str, Any] = {}) -> Shelf:
        """Add a custom object type without properties of its own."""
        self._last_type += self.rng.randint(1, 900)
        now = iso(self.now())
        descriptive = {"createdAt": now, "updatedAt": now, **descriptive}
        shelf = Shelf(custom(name, self._last_type, self.portal_id, descriptive))
        self._shelves[shelf.type.id] = shelf
        for each in shelf.type.all_names():
            self._by_name[each.lower()] = shelf.type.id
        return shelf

    def custom_shelves(self, *, archived: bool = False) -> list[Shelf]:
        """Return the custom object types, or the archived ones."""
        shelves = self._archived_types if archived else self._shelves
        return [shelf for shelf in shelves.values() if shelf.type.is_custom]

    def is_known(self, name: str) -> bool:
        """Return whether an object type has a name, archived or not."""
        names = {name.lower(), f"{name.lower()}s"}
        archived = (shelf.type.all_names() for shelf in self._archived_types.values())
        return any(self.shelf(each) for each in names) or any(
            names.intersection(each) for each in archived
        )

    def is_archived(self, owner: ObjectType) -> bool:
        """Return whether an object type is archived."""
        return owner.id in self._archived_types

    def archive_type(self, shelf: Shelf) -> None:
        """Archive a custom object type: no call finds it by its names any more."""
        del self._shelves[shelf.type.id]
        for name in shelf.type.all_names():
            self._by_name.pop(name, None)
        self._archived_types[shelf.type.id] = shelf

    def purge_type(self, name: str) -> bool:
        """Delete an archived object type for good; return False if it is unknown."""
        for type_id, shelf in self._archived_types.items():
            if name.lower() in shelf.type.all_names():
                del self._archived_types[type_id]
                return True
        return False

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

    def scopes(self) -> set[str]:
        """Return the scopes of all object types."""
        types = [self._known(type_id).type for type_id in {*self._by_name.values()}]
        return {name for each in types for names in each.scopes for name in names}

    def archive(self, object_type: str, record_id: str | int) -> None:
        """Archive a record; an unknown or archived one is ignored."""
        shelf = self._known(object_type)
        record = shelf.live(str(record_id))
        if record is not None:
            record.archived_on = self.now()
            shelf.archived += 1
            shelf.touched.add(record.id)
            shelf.release(record)

    def merge(self, object_type: str, loser: str | int, survivor: str | int) -> None:
        """Merge one record into another, which keeps its id and its values.

        The survivor also gets the loser's e-mail addresses and associations.

        Raises:
            KeyError: If a record is unknown.
        """
        shelf = self._known(object_type)
        merged = shelf.remove(str(loser))
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
        self._succeed(shelf, merged.id, kept)

    def renumber(self, object_type: str, record_id: str | int) -> Record:
        """Change the id of a record; the old id identifies it like a merged one."""
        shelf = self._known(object_type)
        record = shelf.remove(str(record_id))
        former, record.id = record.id, self.new_id()
        for name in ("hs_object_id", *shelf.type.derived):
            if record.properties.get(name) == former:
                record.properties[name] = record.id
        for owned in shelf.owners.values():
            for key in [key for key, owner in owned.items() if owner == former]:
                owned[key] = record.id
        shelf.put(record)
        self._succeed(shelf, former, record)
        return record

    def _succeed(self, shelf: Shelf, former: str, record: Record) -> None:
        """Pass what a former id had on to a record."""
        old, new = (shelf.type.id, former), (shelf.type.id, record.id)
        self.links.move(old, new)
        self.lists.move(shelf.type.id, former, record.id)
        shelf.merged[former] = record.id
        shelf.touched.add(record.id)
        known = record.properties.get(MERGED_IDS, "").split(";")
        record.properties[MERGED_IDS] = ";".join(filter(None, [*known, former]))

    def purge(self, object_type: str, record_id: str | int) -> None:
        """Delete a record for good; an unknown one is ignored."""
        shelf = self._known(object_type)
        if str(record_id) in shelf.records:
            shelf.release(shelf.remove(str(record_id)))
            key = (shelf.type.id, str(record_id))
            self.links.forget(key)
            self.lists.forget(*key)

    def define_label(self, source: str, target: str, label: str) -> int:
        """Add an association label and return its type id, from source to target."""
        from_type, to_type = self._known(source).type.id, self._known(target).type.id
        return self.links.label(from_type, to_type, label)

    def put_on_list(
        self, object_type: str, record_id: str | int, list_id: str | int
    ) -> None:
        """Add a record to a list, which is created if it is unknown."""
        type_id, list_id = self._known(object_type).type.id, str(list_id)
        of = self.lists.by_id.get(list_id) or self.lists.add(
            f"List {list_id}", type_id, list_id=list_id
        )
        self.lists.put(of, [str(record_id)])

    def new_id(self) -> str:
        """Return an unused id.

        Recorded in 2026: ids do not ascend with creation. Of 55 companies, one created
        two minutes after another had a lower id, by a day's worth of ids.
        """
        # By whole days: the ids of a run follow its seed, not its speed.
        days = (self.now() - self._opened) // DAY_MS
        lowest = self._first_id + days * IDS_PER_DAY
        number = lowest + self.rng.randrange(IDS_PER_DAY)
        while number in self._ids:
            number = lowest + self.rng.randrange(IDS_PER_DAY)
        self._ids.add(number)
        return str(number)

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
        shelf.put(record)
        return record

    def _known(self, object_type: str) -> Shelf:
        shelf = self.shelf(object_type)
        if shelf is None:
            raise KeyError(f"unknown object type {object_type!r}: define() it first")
        return shelf
