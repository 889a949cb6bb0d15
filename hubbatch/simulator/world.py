"""One account's records: what exists, who owns which unique value, what was merged."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from random import Random

import attrs

from hubbatch.simulator.catalogue import STANDARD, custom
from hubbatch.simulator.schemas import ObjectType, Property
from hubbatch.simulator.wire import iso


# "up to 45 of the most recent historical values", contacts guide; older ones go.
CHANGES_KEPT = 45

ADDITIONAL_EMAILS = "hs_additional_emails"


def as_text(value: object) -> str:
    """Write a scalar of JSON the way HubSpot keeps it: every value is a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@attrs.define
class Record:
    """A record of the CRM; `properties` never holds an empty value."""

    id: str
    properties: dict[str, str]
    created: int
    updated: int
    archived_on: int | None = None
    changes: list[tuple[int, dict[str, str]]] = attrs.field(factory=list, repr=False)

    @property
    def created_at(self) -> datetime:
        """When it was created."""
        return datetime.fromtimestamp(self.created / 1000, UTC)

    @property
    def updated_at(self) -> datetime:
        """When a value last changed."""
        return datetime.fromtimestamp(self.updated / 1000, UTC)

    @property
    def archived(self) -> bool:
        """Whether it was archived."""
        return self.archived_on is not None

    def history(self, name: str) -> list[tuple[int, str]]:
        """Return the values a property had, the latest first."""
        values = [
            (at, written[name])
            for at, written in reversed(self.changes)
            if name in written
        ]
        if not values and name in self.properties:
            return [(self.created, self.properties[name])]
        return values


@attrs.define
class Shelf:
    """All records of one object type."""

    type: ObjectType
    records: dict[str, Record] = attrs.field(factory=dict, repr=False)
    merged: dict[str, str] = attrs.field(factory=dict, repr=False)
    owners: dict[str, dict[str, str]] = attrs.field(factory=dict, repr=False)

    def live(self, record_id: str) -> Record | None:
        """Return the record, unless it was archived or never was."""
        record = self.records.get(record_id)
        return None if record is None or record.archived_on is not None else record

    def owner(self, name: str, value: str) -> str | None:
        """Return the id of the record that has this unique value."""
        return self.owners.get(name, {}).get(self.type.properties[name].key(value))

    def find(self, key: str, id_property: str | None) -> Record | None:
        """Return the live record that a key names."""
        if id_property is None or id_property == "hs_object_id":
            return self.live(key)
        owner = self.owner(id_property, key)
        return None if owner is None else self.live(owner)

    def survivor(self, record_id: str) -> Record | None:
        """Follow merges to the record that is left."""
        while record_id in self.merged:
            record_id = self.merged[record_id]
        return self.live(record_id)

    def claim(self, record: Record, written: Mapping[str, str]) -> None:
        """Enter the unique values a record was given."""
        for name in self.type.unique:
            if name in written:
                owned = self.owners.setdefault(name, {})
                key = self.type.properties[name].key
                old = record.properties.get(name)
                if old is not None and owned.get(key(old)) == record.id:
                    del owned[key(old)]
                if written[name]:
                    owned[key(written[name])] = record.id
        if ADDITIONAL_EMAILS in written and "email" in self.type.properties:
            # A contact is found by each of its addresses, not only by the first.
            owned = self.owners.setdefault("email", {})
            for address in written[ADDITIONAL_EMAILS].split(";"):
                if address.strip():
                    owned.setdefault(address.strip().lower(), record.id)

    def release(self, record: Record) -> None:
        """Free every unique value of a record."""
        for name in self.type.unique:
            owned = self.owners.get(name, {})
            values = [record.properties.get(name, "")]
            if name == "email":
                values += record.properties.get(ADDITIONAL_EMAILS, "").split(";")
            for key in map(self.type.properties[name].key, values):
                if owned.get(key) == record.id:
                    del owned[key]

    def write(self, record: Record, written: Mapping[str, str], now: int) -> None:
        """Change a record; a write that changes nothing keeps its date."""
        has = record.properties
        changed = {
            name: value for name, value in written.items() if has.get(name, "") != value
        }
        if not changed:
            return
        self.claim(record, changed)
        for name, value in changed.items():
            if value:
                has[name] = value
            else:
                has.pop(name, None)
        for name in self.type.recomputed:
            derived = self.type.derived[name](has)
            if derived is None:
                has.pop(name, None)
            else:
                has[name] = derived
        record.updated = now
        has[self.type.modified] = iso(now)
        record.changes.append((now, changed))
        del record.changes[:-CHANGES_KEPT]


@attrs.define
class Store:
    """The records of one account, to seed and to look at."""

    portal_id: int
    now: Callable[[], int]
    chance: Random
    _shelves: dict[str, Shelf] = attrs.field(init=False, repr=False)
    _by_name: dict[str, str] = attrs.field(init=False, repr=False, factory=dict)
    _last_id: int = attrs.field(init=False, repr=False)
    _last_type: int = attrs.field(init=False, repr=False, default=3604284)

    def __attrs_post_init__(self) -> None:
        """Put up one shelf per standard type."""
        self._shelves = {}
        self._last_id = self.chance.randrange(10_000_000_000, 40_000_000_000)
        for standard in STANDARD:
            self._put_up(Shelf(standard))

    def shelf(self, object_type: str) -> Shelf | None:
        """Return the shelf of a type by any of its names, in any case."""
        type_id = self._by_name.get(object_type.lower())
        return None if type_id is None else self._shelves[type_id]

    def define(
        self,
        object_type: str,
        properties: Iterable[Property | str] = (),
        *,
        required: Iterable[str] = (),
    ) -> ObjectType:
        """Add a custom object type, or custom properties to a type there is."""
        more = [Property(one) if isinstance(one, str) else one for one in properties]
        shelf = self.shelf(object_type)
        if shelf is None:
            self._last_type += self.chance.randint(1, 900)
            shelf = Shelf(custom(object_type, self._last_type, self.portal_id))
            self._put_up(shelf)
        shelf.type = shelf.type.extended(more, required)
        return shelf.type

    def create(self, object_type: str, properties: Mapping[str, object]) -> Record:
        """Put a record there without asking whether HubSpot would take it."""
        shelf = self._known(object_type)
        written = {
            name: as_text(value)
            for name, value in properties.items()
            if value is not None
        }
        return self.add(shelf, self.new_id(), written, self.now())

    def get(self, object_type: str, record_id: str | int) -> Record | None:
        """Return a record, archived or not."""
        return self._known(object_type).records.get(str(record_id))

    def all(self, object_type: str) -> list[Record]:
        """Return the records that are not archived."""
        records = list(self._known(object_type).records.values())
        return [record for record in records if not record.archived]

    def count(self, object_type: str) -> int:
        """Count the records that are not archived."""
        return len(self.all(object_type))

    def archive(self, object_type: str, record_id: str | int) -> None:
        """Archive a record; what is not there is passed over."""
        shelf = self._known(object_type)
        record = shelf.live(str(record_id))
        if record is not None:
            record.archived_on = self.now()
            shelf.release(record)

    def merge(self, object_type: str, loser: str | int, survivor: str | int) -> None:
        """Merge one record into another, whose values win."""
        shelf = self._known(object_type)
        gone = shelf.records.pop(str(loser))
        kept = shelf.records[str(survivor)]
        for name, owned in shelf.owners.items():
            for key in [key for key, owner in owned.items() if owner == gone.id]:
                if name == "email":
                    owned[key] = kept.id
                else:
                    del owned[key]
        email = gone.properties.get("email")
        if email is not None:
            others = kept.properties.get(ADDITIONAL_EMAILS)
            joined = f"{others};{email}" if others else email
            kept.properties[ADDITIONAL_EMAILS] = joined
        shelf.merged[gone.id] = kept.id

    def new_id(self) -> str:
        """Return an id that nobody has; they grow, with gaps."""
        self._last_id += self.chance.randint(1, 97)
        return str(self._last_id)

    def add(
        self, shelf: Shelf, record_id: str, written: Mapping[str, str], now: int
    ) -> Record:
        """Make a record with what HubSpot gives every one of its type."""
        schema = shelf.type
        properties = {
            **schema.fixed,
            **{name: value for name, value in written.items() if value},
            schema.created: iso(now),
            schema.modified: iso(now),
            "hs_object_id": record_id,
        }
        for name, derive in schema.derived.items():
            value = derive(properties)
            if value is not None:
                properties[name] = value
        record = Record(record_id, {}, now, now)
        shelf.claim(record, properties)
        record.properties = properties
        record.changes.append((now, dict(written)))
        shelf.records[record_id] = record
        return record

    def _put_up(self, shelf: Shelf) -> None:
        self._shelves[shelf.type.id] = shelf
        for name in shelf.type.known_as():
            self._by_name[name.lower()] = shelf.type.id

    def _known(self, object_type: str) -> Shelf:
        shelf = self.shelf(object_type)
        if shelf is None:
            raise KeyError(f"{object_type}: no such object type; define() it first")
        return shelf
