"""What an account has beside its records: lists, owners and pipelines, as classes.

As in `models`, names are HubSpot's, in snake_case, and any field of a result that
HubSpot omits is None.
"""

from collections.abc import Mapping
from datetime import datetime

from attrs import Factory

from hubbatch._classes import define


@define
class ObjectList:
    """A list of records ("segment").

    `processing_type` is `MANUAL`, `SNAPSHOT` or `DYNAMIC`; the filters of a dynamic
    list decide its members. `additional_properties` holds HubSpot's strings, such as
    `hs_list_size`.
    """

    list_id: str
    name: str | None = None
    object_type_id: str | None = None
    processing_type: str | None = None
    processing_status: str | None = None
    list_version: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    filters_updated_at: datetime | None = None
    created_by_id: str | None = None
    updated_by_id: str | None = None
    additional_properties: Mapping[str, str] = Factory(dict)


@define
class ListMember:
    """A record on a list, and when it was added."""

    record_id: str
    membership_timestamp: datetime | None = None


@define
class ListChange:
    """A record that was added to a list or removed from it.

    `changed` is whether the call did that: False if the record was on the list already,
    or was not on it; None if an earlier attempt, whose answer was lost, may have done
    it.
    """

    record_id: str
    changed: bool | None


@define
class OwnerTeam:
    """A team of an owner; `primary` is whether it is the owner's main team."""

    id: str
    name: str | None = None
    primary: bool | None = None


@define
class Owner:
    """A user, or a queue, that records can be assigned to.

    `id` is the value of `hubspot_owner_id`. An archived owner has no `user_id`; the
    former one is `user_id_including_inactive`.
    """

    id: str
    email: str | None = None
    type: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_id: int | None = None
    user_id_including_inactive: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived: bool | None = None
    teams: list[OwnerTeam] = Factory(list)


@define
class PipelineStage:
    """A stage of a pipeline.

    `metadata` holds HubSpot's strings, e.g. `{"isClosed": "false"}`, or `probability`
    for deals.
    """

    id: str
    label: str | None = None
    display_order: int | None = None
    metadata: Mapping[str, str] = Factory(dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived: bool | None = None
    archived_at: datetime | None = None
    write_permissions: str | None = None


@define
class Pipeline:
    """A pipeline of an object type, with its stages."""

    id: str
    label: str | None = None
    display_order: int | None = None
    stages: list[PipelineStage] = Factory(list)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived: bool | None = None
    archived_at: datetime | None = None
