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


def with_swap(
    properties: Mapping[str, str], written: Mapping[str, str]
) -> Mapping[str, str]:
    """Let a contact's own additional address change places with its first one."""
    email = written.get("email")
    others = addresses(properties)
    if not email or email not in others:
        return written
    first = properties.get("email")
    kept = [first if one == email else one for one in others]
    listed = ";".join(dict.fromkeys(one for one in kept if one))
    return {ADDITIONAL_EMAILS: listed, **written}


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
    # How many of the records are archived; nothing brings them back.
    archived: int = 0

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

    def key(self, name: str | None, value: str) -> str:
        """Return what two equal values of a property, or two ids, have in common."""
        return value if name is None else self.type.properties[name].key(value)

    def archived_by(self, name: str | None) -> dict[str, Record]:
        """Return the archived records by id or unique value; the last one has it."""
        archived = [one for one in self.records.values() if one.archived_on is not None]
        if name is None:
            return {one.id: one for one in archived}
        archived.sort(key=lambda one: one.archived_on or 0)
        return {key: one for one in archived for key in self.keys(name, one.properties)}

    def survivor(self, record_id: str) -> Record | None:
        """Follow merges to the record that is left."""
        while record_id in self.merged:
            record_id = self.merged[record_id]
        return self.live(record_id)

    def keys(self, name: str, properties: Mapping[str, str]) -> list[str]:
        """Return what a record is found by; a contact, by each of its addresses."""
        value = properties.get(name)
        keys = [self.type.properties[name].key(value)] if value else []
        if name == "email" and ADDITIONAL_EMAILS in properties:
            keys += addresses(properties)
        return keys

    def taken(
        self,
        record_id: str,
        written: Mapping[str, str],
        claimed: dict[tuple[str, str], str],
    ) -> tuple[str, str] | None:
        """Return the property and the owner of a value that is another record's.

        If there is none, the values are the record's for the rest of the batch.
        """
        claims = [
            (name, key) for name in self.type.unique for key in self.keys(name, written)
        ]
        for name, key in claims:
            owner = claimed.get((name, key)) or self.owners.get(name, {}).get(key)
            if owner is not None and owner != record_id:
                return name, owner
        claimed.update(dict.fromkeys(claims, record_id))
        return None

    def claim(self, record: Record, written: Mapping[str, str]) -> None:
        """Enter the unique values a record was given."""
        for name in self.type.unique:
            if name in written or (name == "email" and ADDITIONAL_EMAILS in written):
                owned = self.owners.setdefault(name, {})
                for key in self.keys(name, record.properties):
                    if owned.get(key) == record.id:
                        del owned[key]
                for key in self.keys(name, {**record.properties, **written}):
                    owned.setdefault(key, record.id)

    def release(self, record: Record) -> None:
        """Free every unique value of a record."""
        for name in self.type.unique:
            owned = self.owners.get(name, {})
            for key in self.keys(name, record.properties):
                if owned.get(key) == record.id:
                    del owned[key]

    def write(
        self, record: Record, written: Mapping[str, str], now: int
    ) -> Mapping[str, str]:
        """Change a record and return what changed; else it keeps its date."""
        has = record.properties
        if "email" in written:
            written = with_swap(has, written)
        changed = {
            name: value for name, value in written.items() if has.get(name, "") != value
        }
        if not changed:
            return changed
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
        return changed
