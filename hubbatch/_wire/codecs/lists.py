"""Lists: the records on them, changed in one call and read in pages; and the lists.

A change is a JSON array of record ids. Its answer has no envelope: it names the records
that were added or removed and those that do not exist, shuffled, and leaves out empty
members (recorded in 2026). A record that it does not name was on the list already, or
was not on it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from attrs import evolve
from msgspec.json import decode, encode

from hubbatch._wire.calls import Codec, Encoded, Operation, Query, ResultShape
from hubbatch._wire.inputs import InputForm, dumps, for_any_operation, make_key
from hubbatch._wire.property_values import number_id
from hubbatch._wire.records import converter, every, read_id, register, text_id
from hubbatch._wire.user_classes import is_typed
from hubbatch.account_models import ListChange, ListMember, ObjectList
from hubbatch.models import BatchResponse, SimplePublicObject, StandardError

from .documents import (
    Items,
    document,
    items_of,
    strings_of,
)


# HubSpot documents no maximum; connectors are known to send 1,000.
MAX_CHANGES = 1000
# Specification: the most members on a page.
_MEMBERS_PAGE = 250
# Lists guide: the most results of one search.
_FOUND = 500

# ---- changes

_WITH_ID = SimplePublicObject | ListMember | ListChange
_IDS = InputForm(
    ("id", "recordId"),
    "id",
    {
        SimplePublicObject: lambda value: (value.id, None),
        ListMember: lambda value: (None, value.record_id),
        ListChange: lambda value: (None, value.record_id),
    },
)
# HubSpot spells the first one in two ways.
_CHANGED = ("recordsIdsAdded", "recordIdsAdded", "recordIdsRemoved")
_MISSING = "recordIdsMissing"
_NO_RECORD = "HubSpot has no such record, or it is of another type than the list"


def _encode(_index: int, value: object) -> Encoded:
    if isinstance(value, Mapping | _WITH_ID) or is_typed(type(value)):
        of_record, of_member = _IDS.values(value)
        value = of_member if of_record is None else of_record
    record_id = str(number_id("id", value))
    return make_key(record_id), dumps(record_id, {}), None


def _array(_operation: Operation, joined: bytes) -> bytes:
    return b"[%b]" % joined


def _changes(raw: Any, structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    """Return an answer in the form of others: results, and an error per missing id.

    Raises:
        AttributeError, TypeError, ValueError: If it is not such an answer.
    """
    known = (*_CHANGED, _MISSING)
    if raw and raw.keys().isdisjoint(known):
        # Only an empty answer means that nothing had to be changed.
        raise ValueError("the answer to another call")
    changed = [record for name in _CHANGED for record in _ids_in(raw, name)]
    errors = [
        StandardError(
            category="OBJECT_NOT_FOUND", message=_NO_RECORD, context={"ids": [record]}
        )
        for record in dict.fromkeys(_ids_in(raw, _MISSING))
    ]
    results = structure([*dict.fromkeys(changed)])
    return BatchResponse(results=results, num_errors=len(errors), errors=errors)


def _ids_in(raw: Mapping[str, Any], name: str) -> Iterable[str]:
    listed = raw.get(name) or []
    if not isinstance(listed, list):
        raise TypeError(f"{name} must be a list")
    return [text_id(record) for record in listed]


def _change(record: str) -> ListChange:
    return ListChange(record, changed=True)


def _change_key(result: ListChange) -> str:
    return make_key(result.record_id)


def _unchanged(body: bytes, *, maybe_written: bool) -> ListChange:
    return ListChange(decode(body), changed=None if maybe_written else False)


CHANGES = Codec(
    for_any_operation(_encode),
    _array,
    _changes,
    ResultShape(every(_change), _change_key, unmentioned=_unchanged),
)

# ---- members


register(ListMember, {"record_id": read_id})
register(ListChange, {"record_id": read_id})
_read_members = items_of(ListMember)


def members_query(after: str | None) -> Query:
    """Return the query parameters of a page; `after` is None for the first one."""
    limit = {"limit": str(_MEMBERS_PAGE)}
    return limit if after is None else {**limit, "after": after}


def _members(raw: Any) -> Items:
    page = _read_members(raw)
    # Recorded in 2026: the cursor is percent-encoded, for use in a URL as it is.
    return page if page.after is None else evolve(page, after=unquote(page.after))


MEMBERS = document(_members)

# ---- lists


register(ObjectList, {"list_id": read_id, "additional_properties": strings_of})


def search_options(
    name: str, type_id: str | None, offset: str | None
) -> dict[str, object]:
    """Return the body of a search for lists whose names contain a name."""
    options: dict[str, object] = {
        "query": name,
        "offset": int(offset or 0),
        "count": _FOUND,
        "additionalProperties": [],
    }
    return options if type_id is None else {**options, "objectTypeId": type_id}


def _options(operation: Operation, _joined: bytes) -> bytes:
    return encode(operation.options)


def _list(raw: Any) -> ObjectList:
    found: ObjectList = converter.structure(raw["list"], ObjectList)
    return found


def _found(raw: Any) -> Items:
    lists = [converter.structure(item, ObjectList) for item in raw["lists"]]
    return Items(lists, str(int(raw["offset"])) if raw.get("hasMore") else None)


LIST = document(_list)
FOUND = document(_found, _options)
