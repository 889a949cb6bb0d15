"""HubSpot's words as attrs classes: what its batch APIs take and what they answer.

Names are HubSpot's own in snake_case. Results are mutable because a frozen attrs
class costs more to make than the two dates in it cost to parse. Every field of an
answer may be missing; a missing one is None. Timestamps are aware datetimes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import Factory, define, frozen


R = TypeVar("R")

Context: TypeAlias = Mapping[str, list[str]] | str
"""What an error is about: HubSpot sends lists by name, or (in old APIs) a text."""

Record: TypeAlias = Mapping[str, Any]
"""An input in HubSpot's JSON shape."""


@frozen
class AssociationSpec:
    """One type of an association, e.g. `("HUBSPOT_DEFINED", 16)`."""

    association_category: str
    association_type_id: int


@frozen
class AssociationTo:
    """An association that a new record is created with: to which record, as what."""

    to: str
    types: Sequence[AssociationSpec]


@frozen
class CreateInput:
    """A record to create.

    `properties` maps names to values: text, or what `property_text` turns into text.
    """

    properties: Mapping[str, object]
    associations: Sequence[AssociationTo] = ()
    object_write_trace_id: str | None = None


@frozen
class UpdateInput:
    """New values for the record `id`, or for the one whose `id_property` it is."""

    id: str | int
    properties: Mapping[str, object]
    id_property: str | None = None
    object_write_trace_id: str | None = None


@frozen
class UpsertInput:
    """Values for the record whose `id_property` is `id`, created if missing."""

    id: str | int
    properties: Mapping[str, object]
    id_property: str | None = None
    object_write_trace_id: str | None = None


@frozen
class LegacyUpdateInput:
    """New property values for the record `object_id`, for `crm-objects/v1`."""

    object_id: int | str
    properties: Mapping[str, object]


@define
class ValueWithTimestamp:
    """One value that a property has or had, and who set it when."""

    value: str | None
    timestamp: datetime | None = None
    source_type: str | None = None
    source_id: str | None = None
    source_label: str | None = None
    updated_by_user_id: int | None = None


@define
class SimplePublicObject:
    """A record as HubSpot answers it.

    `properties` holds text, or None for a property that was asked for and is not set.
    `warnings` are HubSpot's own objects as they came (dated API versions only).
    """

    id: str
    properties: dict[str, str | None]
    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived: bool | None = None
    archived_at: datetime | None = None
    properties_with_history: dict[str, list[ValueWithTimestamp]] | None = None
    object_write_trace_id: str | None = None
    url: str | None = None
    warnings: list[dict[str, Any]] | None = None


@define
class SimplePublicUpsertObject(SimplePublicObject):
    """A record as an upsert answers it.

    `new` says whether it was created. It is None when an earlier attempt, whose answer
    was lost, may have created it.
    """

    new: bool | None = None


@define
class LegacyProperty:
    """One property of a `crm-objects/v1` record, with the values it had before."""

    value: str | None
    timestamp: datetime | None = None
    source: str | None = None
    source_id: str | None = None
    versions: list["LegacyProperty"] = Factory(list)


@define
class LegacyObject:
    """A record as `crm-objects/v1` answers it."""

    object_type: str | None
    portal_id: int | None
    object_id: int
    properties: dict[str, LegacyProperty] = Factory(dict)
    is_deleted: bool | None = None


@define
class Account:
    """The account that a token is of.

    `time_zone` is a name such as `America/New_York`; its midnight begins the day that
    daily limits are counted in. `utc_offset` is text such as `-05:00`.
    """

    portal_id: int
    account_type: str | None = None
    time_zone: str | None = None
    company_currency: str | None = None
    additional_currencies: list[str] = Factory(list)
    utc_offset: str | None = None
    ui_domain: str | None = None
    data_hosting_location: str | None = None


@frozen
class ErrorDetail:
    """One cause inside an error."""

    message: str | None = None
    code: str | None = None
    in_: str | None = None
    context: Context | None = None
    sub_category: Any = None


@frozen
class StandardError:
    """An error object of a 207 answer; it may be about several inputs at once."""

    status: str | None = None
    category: str | None = None
    message: str | None = None
    sub_category: Any = None
    id: str | None = None
    context: Context | None = None
    links: Mapping[str, str] | None = None
    errors: Sequence[ErrorDetail] = ()


@define
class BatchResponse(Generic[R]):
    """HubSpot's answer to one call, or several merged by `hubbatch.merge`.

    `num_errors` counts error objects as HubSpot does, not inputs: one
    OBJECT_NOT_FOUND may name many ids.
    """

    status: str = "COMPLETE"
    results: list[R] = Factory(list)
    num_errors: int = 0
    errors: list[StandardError] = Factory(list)
    requested_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    links: dict[str, str] = Factory(dict)
