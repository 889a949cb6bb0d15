"""One account's records, to seed, to look at and to write to."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

import attrs

from hubbatch.simulator.catalogue import STANDARD, custom
from hubbatch.simulator.links import Links
from hubbatch.simulator.others import OTHERS
from hubbatch.simulator.schemas import ObjectType, Property, Rule
from hubbatch.simulator.shelves import (
    ADDITIONAL_EMAILS,
    Record,
    Shelf,
    addresses,
    as_text,
)
from hubbatch.simulator.wire import iso


@attrs.define
class Store:
    """The records of one account, to seed and to look at."""

    portal_id: int
    now: Callable[[], int]
    chance: Random
    _shelves: dict[str, Shelf] = attrs.field(init=False, repr=False)
    _by_name: dict[str, str] = attrs.field(init=False, repr=False, factory=dict)
    links: Links = attrs.field(init=False, repr=False, factory=Links)
    # By object type id and record id: the lists that it is on, and since when.
    lists: dict[tuple[str, str], dict[str, int]] = attrs.field(
        init=False, repr=False, factory=dict
    )
    # By deal: each owner's split, its id and its share.
    splits: dict[str, dict[int, tuple[str, float]]] = attrs.field(
        init=False, repr=False, factory=dict
    )
    _last_id: int = attrs.field(init=False, repr=False)
    _last_type: int = attrs.field(init=False, repr=False, default=3604284)

    def __attrs_post_init__(self) -> None:
        """Put up one shelf per standard type."""
        self._shelves = {}
        self._last_id = self.chance.randrange(10_000_000_000, 40_000_000_000)
        for standard in (*STANDARD, *OTHERS):
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
        named = [Property(one) if isinstance(one, str) else one for one in properties]
        more = [attrs.evolve(one, custom=True) for one in named]
        shelf = self.shelf(object_type)
        if shelf is None:
            self._last_type += self.chance.randint(1, 900)
            shelf = Shelf(custom(object_type, self._last_type, self.portal_id))
            self._put_up(shelf)
        shelf.type = shelf.type.extended(more, required)
        return shelf.type

    def require(
        self,
        object_type: str,
        *names: str,
        when: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Require properties, as the rules of a portal do; checked from 2026-09 on.

        Args:
            object_type: The type of record.
            names: The properties that every new record needs.
            when: The properties whose writing makes `names` required, and which of
                their values do (empty: any value). By default every create does.
        """
        shelf = self._known(object_type)
        depends = {name: tuple(values) for name, values in (when or {}).items()}
        rules = tuple(Rule(name, depends) for name in names)
        shelf.type = attrs.evolve(shelf.type, rules=(*shelf.type.rules, *rules))

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

    def sizes(self) -> dict[str, int]:
        """Count the records of each type that are not archived, where there are any."""
        counts = {
            shelf.type.plural: len(shelf.records) - shelf.archived
            for shelf in self._shelves.values()
        }
        return {name: count for name, count in counts.items() if count}

    def archive(self, object_type: str, record_id: str | int) -> None:
        """Archive a record; what is not there is passed over."""
        shelf = self._known(object_type)
        record = shelf.live(str(record_id))
        if record is not None:
            record.archived_on = self.now()
            shelf.archived += 1
            shelf.release(record)

    def merge(self, object_type: str, loser: str | int, survivor: str | int) -> None:
        """Merge one record into another, whose values win."""
        shelf = self._known(object_type)
        gone = shelf.records.pop(str(loser))
        shelf.archived -= gone.archived
        kept = shelf.records[str(survivor)]
        for name, owned in shelf.owners.items():
            for key in [key for key, owner in owned.items() if owner == gone.id]:
                if name == "email":
                    owned[key] = kept.id
                else:
                    del owned[key]
        emails = [*addresses(kept.properties), *addresses(gone.properties)]
        if "email" in gone.properties:
            emails.append(gone.properties["email"])
        if emails:
            kept.properties[ADDITIONAL_EMAILS] = ";".join(emails)
        shelf.merged[gone.id] = kept.id

    def define_label(self, source: str, target: str, label: str) -> int:
        """Add an association label between two object types and return its type id."""
        one, other = self._known(source).type.id, self._known(target).type.id
        return self.links.label(one, other, label)

    def put_on_list(
        self, object_type: str, record_id: str | int, list_id: str | int
    ) -> None:
        """Put a record on a list."""
        key = self._known(object_type).type.id, str(record_id)
        self.lists.setdefault(key, {})[str(list_id)] = self.now()

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
