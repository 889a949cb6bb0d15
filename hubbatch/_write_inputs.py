"""The inputs of the writes that are not batches of records: merges and events."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field

from hubbatch._classes import frozen


@frozen
class MergeInput:
    """Two records to merge: the second one goes into the first."""

    primary_object_id: str | int
    object_id_to_merge: str | int


@frozen
class EventInput:
    """An occurrence of a custom event, of the record that one of three fields names.

    `event_name` is the full name, `pe{HubID}_{name}`. `email`, `utk` (the cookie of a
    visitor) or `object_id` names the record. `occurred_at` has a time zone; without it,
    HubSpot takes the current time.
    """

    event_name: str
    properties: Mapping[str, object] = field(factory=dict)
    email: str | None = None
    utk: str | None = None
    object_id: str | int | None = None
    occurred_at: datetime | str | None = None
    uuid: str | None = None
