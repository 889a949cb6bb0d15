"""The lists of an account ("segments"), and the records on them."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Literal, get_args

import attrs

from attrs.validators import in_


ProcessingType = Literal["MANUAL", "SNAPSHOT", "DYNAMIC"]

# Lists can be restored for this long after they were deleted.
RESTORABLE_MS: Final = 90 * 86_400_000


@attrs.define
class RecordList:
    """A list of records of one type; dates are in milliseconds since 1970.

    Attributes:
        members: The ids of the records on it, with the date each was added.
        filters: The root of the filter branches; None without filters.
        last_added: When a record was last added; None for never.
    """

    id: str
    name: str
    type_id: str
    processing: ProcessingType = attrs.field(validator=in_(get_args(ProcessingType)))
    created: int
    updated: int
    filters_updated: int
    filters: Mapping[str, Any] | None = None
    deleted_on: int | None = None
    members: dict[str, int] = attrs.field(factory=dict, repr=False)
    last_added: int | None = None
    last_removed: int | None = None


@attrs.define
class Lists:
    """The lists of an account by id; `add` adds some."""

    now: Callable[[], int]
    by_id: dict[str, RecordList] = attrs.field(factory=dict)

    def add(
        self,
        name: str,
        type_id: str = "0-1",
        processing: ProcessingType = "MANUAL",
        *,
        filters: Mapping[str, Any] | None = None,
        list_id: str | None = None,
    ) -> RecordList:
        """Add a list of records of an object type.

        Raises:
            ValueError: If the processing type is unknown.
        """
        # Ids are short numbers; numbers of a caller's own are skipped.
        number = len(self.by_id) + 1
        while str(number) in self.by_id:
            number += 1
        now = self.now()
        made = RecordList(
            list_id or str(number), name, type_id, processing, now, now, now, filters
        )
        self.by_id[made.id] = made
        return made

    def named(self, type_id: str, name: str) -> RecordList | None:
        """Return the list with this name, which is unique among those not deleted."""
        for each in self.by_id.values():
            if each.deleted_on is None and (each.type_id, each.name) == (type_id, name):
                return each
        return None

    def put(self, of: RecordList, record_ids: Collection[str]) -> list[str]:
        """Put records on a list and return the ids of those that were not on it."""
        now = self.now()
        added = [each for each in dict.fromkeys(record_ids) if each not in of.members]
        of.members |= dict.fromkeys(added, now)
        if added:
            of.last_added = now
        return added

    def take(self, of: RecordList, record_ids: Collection[str]) -> list[str]:
        """Take records off a list and return the ids of those that were on it."""
        removed = [each for each in dict.fromkeys(record_ids) if each in of.members]
        for record_id in removed:
            del of.members[record_id]
        if removed:
            of.last_removed = self.now()
        return removed

    def of(self, type_id: str, record_id: str) -> Mapping[str, int]:
        """Return the ids of a record's lists, with the date it was added to each."""
        return {
            each.id: each.members[record_id]
            for each in self.by_id.values()
            if each.type_id == type_id
            and each.deleted_on is None
            and record_id in each.members
        }

    def move(self, type_id: str, former: str, record_id: str) -> None:
        """Replace a record by another one on all of its lists."""
        for list_id, added in self.of(type_id, former).items():
            members = self.by_id[list_id].members
            members.setdefault(record_id, added)
            del members[former]

    def forget(self, type_id: str, record_id: str) -> None:
        """Take a record off all of its lists."""
        for list_id in self.of(type_id, record_id):
            del self.by_id[list_id].members[record_id]
