"""Records by object type: who has which unique value, and what was merged."""

from collections.abc import Mapping
from datetime import UTC, datetime

import attrs

from hubbatch.simulator.schemas import ObjectType
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


def addresses(properties: Mapping[str, str]) -> list[str]:
    """Return a contact's additional addresses."""
    listed = properties.get(ADDITIONAL_EMAILS, "").split(";")
    return [address.strip().lower() for address in listed if address.strip()]


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
            for address in addresses(record.properties):
                if owned.get(address) == record.id:
                    del owned[address]
            for address in addresses(written):
                owned.setdefault(address, record.id)

    def release(self, record: Record) -> None:
        """Free every unique value of a record."""
        for name in self.type.unique:
            owned = self.owners.get(name, {})
            values = [record.properties.get(name, "")]
            if name == "email":
                values += addresses(record.properties)
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
