"""The records of one object type, with their unique values, history and merges."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import attrs

from hubbatch.simulator.crm.property_types import ObjectType
from hubbatch.simulator.wire import iso


# "up to 45 of the most recent historical values", contacts guide.
CHANGES_KEPT = 45

ADDITIONAL_EMAILS = "hs_additional_emails"
MERGED_IDS = "hs_merged_object_ids"


def as_string(value: object) -> str:
    """Return a JSON scalar as HubSpot stores it: all values are strings."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def addresses(properties: Mapping[str, str]) -> list[str]:
    """Return a contact's additional e-mail addresses, in lower case."""
    listed = properties.get(ADDITIONAL_EMAILS, "").split(";")
    return [address.strip().lower() for address in listed if address.strip()]


def with_swap(
    properties: Mapping[str, str], written: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the values to write, swapping the primary and an additional address.

    A contact's additional address written as its `email` becomes the primary one, and
    the former primary address takes its place.
    """
    email = written.get("email")
    additional = addresses(properties)
    if not email or email not in additional:
        return written
    primary = properties.get("email")
    swapped = [primary if address == email else address for address in additional]
    joined = ";".join(dict.fromkeys(address for address in swapped if address))
    return {ADDITIONAL_EMAILS: joined, **written}


@attrs.define
class Record:
    """A record of the CRM.

    Invariant: `properties` has no empty values; clearing a property removes it. Dates
    are in milliseconds since 1970.

    Attributes:
        created: When it was created.
        updated: When a value last changed.
        archived_on: When it was archived; None if it is not.
        changes: The latest writes, oldest first: a date and the values written.
    """

    id: str
    properties: dict[str, str]
    created: int
    updated: int
    archived_on: int | None = None
    changes: list[tuple[int, dict[str, str]]] = attrs.field(factory=list, repr=False)

    @property
    def created_at(self) -> datetime:
        """When the record was created."""
        return datetime.fromtimestamp(self.created / 1000, UTC)

    @property
    def updated_at(self) -> datetime:
        """When a value of the record last changed."""
        return datetime.fromtimestamp(self.updated / 1000, UTC)

    @property
    def archived(self) -> bool:
        """Whether the record is archived."""
        return self.archived_on is not None

    def history(self, name: str) -> list[tuple[int, str]]:
        """Return the values of a property with their dates, latest first."""
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
    """The records of one object type.

    Invariant: `owners[name][key]` is the id of the live record that the unique property
    `name` identifies by this key. For contacts, `owners["email"]` includes additional
    addresses. A merged record is in `merged` and no longer in `records`. `put` and
    `remove` change `records`; `_order` is None or the sorted ids of `records`.

    Attributes:
        records: All records by id, including archived ones.
        merged: The ids of merged records, with the id that each was merged into.
        owners: The record ids by unique property and key.
        archived: The number of archived records.
        touched: The ids of the records written since the search index took them over.
    """

    type: ObjectType
    records: dict[str, Record] = attrs.field(factory=dict, repr=False)
    merged: dict[str, str] = attrs.field(factory=dict, repr=False)
    owners: dict[str, dict[str, str]] = attrs.field(factory=dict, repr=False)
    archived: int = 0
    touched: set[str] = attrs.field(factory=set, repr=False)
    _order: list[int] | None = attrs.field(default=None, init=False, repr=False)

    def put(self, record: Record) -> None:
        """Add a record."""
        self.records[record.id] = record
        self.archived += record.archived
        self.touched.add(record.id)
        self._order = None

    def remove(self, record_id: str) -> Record:
        """Take out a record, archived or not."""
        record = self.records.pop(record_id)
        self.archived -= record.archived
        self._order = None
        self.touched.add(record_id)
        return record

    def ordered(self) -> Sequence[int]:
        """Return the ids of all records in ascending order."""
        if self._order is None:
            self._order = sorted(map(int, self.records))
        return self._order

    def live(self, record_id: str) -> Record | None:
        """Return the record; None if it is unknown or archived."""
        record = self.records.get(record_id)
        return None if record is None or record.archived_on is not None else record

    def owner(self, name: str, value: str) -> str | None:
        """Return the id of the live record with a unique value."""
        return self.owners.get(name, {}).get(self.type.properties[name].key(value))

    def find(self, key: str, id_property: str | None) -> Record | None:
        """Return the live record with this id or value of the id property."""
        if id_property is None or id_property == "hs_object_id":
            return self.live(key)
        owner = self.owner(id_property, key)
        return None if owner is None else self.live(owner)

    def key(self, name: str | None, value: str) -> str:
        """Return the normalized id or value: equal ones have equal keys."""
        return value if name is None else self.type.properties[name].key(value)

    def archived_by(self, name: str | None) -> dict[str, Record]:
        """Return the archived records by id, or by the key of a unique property.

        Of several records with the same key, the one archived last wins.
        """
        archived = [record for record in self.records.values() if record.archived]
        if name is None:
            return {record.id: record for record in archived}
        archived.sort(key=lambda record: record.archived_on or 0)
        return {
            key: record
            for record in archived
            for key in self.keys(name, record.properties)
        }

    def survivor(self, record_id: str) -> Record | None:
        """Return the live record that a merged record ended up in."""
        while record_id in self.merged:
            record_id = self.merged[record_id]
        return self.live(record_id)

    def keys(self, name: str, properties: Mapping[str, str]) -> list[str]:
        """Return the keys of a unique property; a contact has one per address."""
        value = properties.get(name)
        keys = [self.type.properties[name].key(value)] if value else []
        if name == "email" and ADDITIONAL_EMAILS in properties:
            keys += addresses(properties)
        return keys

    def find_conflict(
        self,
        record_id: str,
        written: Mapping[str, str],
        claimed: dict[tuple[str, str], str],
    ) -> tuple[str, str] | None:
        """Return the property and the owner of a unique value of another record.

        Args:
            record_id: The record to write.
            written: The values to write.
            claimed: The owners of values that the batch writes, by property and key.
                Without a conflict, this adds the values of this record.
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
        """Update the owners of unique values before a record is written."""
        for name in self.type.unique:
            if name in written or (name == "email" and ADDITIONAL_EMAILS in written):
                owned = self.owners.setdefault(name, {})
                for key in self.keys(name, record.properties):
                    if owned.get(key) == record.id:
                        del owned[key]
                for key in self.keys(name, {**record.properties, **written}):
                    owned.setdefault(key, record.id)

    def release(self, record: Record) -> None:
        """Remove a record from the owners of unique values."""
        for name in self.type.unique:
            owned = self.owners.get(name, {})
            for key in self.keys(name, record.properties):
                if owned.get(key) == record.id:
                    del owned[key]

    def appended(
        self, properties: Mapping[str, str], written: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return the values to write, with appended options added to the stored."""
        known = self.type.properties
        more = {
            name: known[name].appended(properties.get(name, ""), value)
            for name, value in written.items()
            if value.startswith(";") and name in known
        }
        return {**written, **more} if more else written

    def write(
        self, record: Record, written: Mapping[str, str], now: int
    ) -> Mapping[str, str]:
        """Write values and return those that changed, with those computed from them.

        If none changed, the record keeps its modification date.
        """
        properties = record.properties
        written = self.appended(properties, written)
        if "email" in written:
            written = with_swap(properties, written)
        changed = {
            name: value
            for name, value in written.items()
            if properties.get(name, "") != value
        }
        if not changed:
            return changed
        self.claim(record, changed)
        for name, value in changed.items():
            if value:
                properties[name] = value
            else:
                properties.pop(name, None)
        properties[self.type.modified] = iso(now)
        computed = {}
        for name in self.type.recomputed:
            derived = self.type.derived[name](properties) or ""
            if derived != properties.get(name, ""):
                computed[name] = derived
        properties |= computed
        for name in [name for name, value in computed.items() if not value]:
            del properties[name]
        record.updated = now
        self.touched.add(record.id)
        record.changes.append((now, changed))
        del record.changes[:-CHANGES_KEPT]
        return {**computed, **changed}
