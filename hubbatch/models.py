"""HubSpot's words as classes: what its batch APIs take and what they answer.

Names are HubSpot's own in snake_case. Results are mutable because a frozen attrs
class costs more to make than the two dates in it cost to parse. Every field of an
answer may be missing; a missing one is None. Timestamps are aware datetimes.

All are attrs classes but the two of which there is one per record: those are Structs,
untracked by the garbage collector, which would walk through all that are kept.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from reprlib import Repr
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import Factory, define, field, frozen
from msgspec import Struct


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

    `properties` maps names to values: texts, or Python's, which become the texts that
    HubSpot wants.
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


@frozen
class LegacyCreateInput:
    """A record to create, for `crm-objects/v1`."""

    properties: Mapping[str, object]


@frozen
class AssociationInput:
    """Two records to associate, as what; or to take such labels off.

    `types` stays empty for `create_default` and `archive`.
    """

    from_: str | int
    to: str | int
    types: Sequence[AssociationSpec] = ()


@frozen
class PublicAssociation:
    """An association of the v3 API, of a named type: `contact_to_company`."""

    from_: str | int
    to: str | int
    type: str


@frozen
class AssociationLimitInput:
    """How many records an association type may lead to from one record.

    `category` is one of HUBSPOT_DEFINED, USER_DEFINED, INTEGRATOR_DEFINED, WORK.
    """

    category: str
    type_id: int
    max_to_object_ids: int


@frozen
class PropertyCreate:
    """A property to create.

    `type` is one of bool, date, datetime, enumeration, number, phone_number, string;
    `field_type` one of booleancheckbox, calculation_equation, checkbox, date, file,
    html, number, phonenumber, radio, select, text, textarea.
    """

    name: str
    label: str
    group_name: str
    type: str
    field_type: str
    description: str | None = None
    options: Sequence["PropertyOption"] | None = None
    has_unique_value: bool | None = None
    hidden: bool | None = None
    display_order: int | None = None
    form_field: bool | None = None
    data_sensitivity: str | None = None
    calculation_formula: str | None = None
    external_options: bool | None = None
    referenced_object_type: str | None = None


@frozen
class PropertyOption:
    """One of the values that an enumeration may have."""

    label: str
    value: str
    display_order: int | None = None
    hidden: bool = False
    description: str | None = None


@frozen
class DealSplit:
    """A user's share of a deal, in percent."""

    owner_id: int
    percentage: float


@frozen
class DealSplitsInput:
    """How a deal is split; the percentages make a hundred."""

    id: str | int
    splits: Sequence[DealSplit]


@define
class ValueWithTimestamp:
    """One value that a property has or had, and who set it when."""

    value: str | None
    timestamp: datetime | None = None
    source_type: str | None = None
    source_id: str | None = None
    source_label: str | None = None
    updated_by_user_id: int | None = None


class SimplePublicObject(Struct, rename="camel", gc=False):
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


class SimplePublicUpsertObject(SimplePublicObject, rename="camel", gc=False):
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
class LabelsBetweenObjectPair:
    """An association as creating it answers it; ids are texts in all versions."""

    from_object_id: str
    to_object_id: str
    from_object_type_id: str | None = None
    to_object_type_id: str | None = None
    labels: list[str] = Factory(list)


@define
class PublicDefaultAssociation:
    """An association without a label, and the type that it was given."""

    from_: str
    to: str
    association_spec: AssociationSpec | None = None


@define
class AssociationSpecWithLabel:
    """One type of an association that there is; an unlabelled one has no label."""

    category: str | None
    type_id: int | None
    label: str | None = None
    from_object_type_id: str | None = None
    to_object_type_id: str | None = None


@define
class MultiAssociatedObjectWithLabel:
    """A record at the other end, and as what it is associated."""

    to_object_id: str
    association_types: list[AssociationSpecWithLabel] = Factory(list)


@define
class PublicAssociationMultiWithLabel:
    """All the associations of one record with records of one type.

    `paging` is None: further pages have been asked for, and `to` has them all.
    """

    from_: str
    to: list[MultiAssociatedObjectWithLabel] = Factory(list)
    paging: dict[str, Any] | None = None


@define
class AssociatedId:
    """A record at the other end, in the v3 API."""

    id: str
    type: str | None = None


@define
class PublicAssociationMulti:
    """The associations of one record, in the v3 API.

    With a `paging` there are more of them, for which this API's batch read cannot ask.
    """

    from_: str
    to: list[AssociatedId] = Factory(list)
    paging: dict[str, Any] | None = None


@define
class PublicAssociationDefinitionUserConfiguration:
    """The limit that an association type has; None if it has none of its own.

    HubSpot tells the `label` when a limit is created, not when it is updated.
    """

    category: str
    type_id: int
    user_enforced_max_to_object_ids: int | None = None
    label: str | None = None


@define
class PropertyModificationMetadata:
    """What may be changed about a property."""

    archivable: bool | None = None
    read_only_definition: bool | None = None
    read_only_options: bool | None = None
    read_only_value: bool | None = None


@define
class Property:
    """A property of an object type, as it is defined."""

    name: str
    label: str | None = None
    type: str | None = None
    field_type: str | None = None
    group_name: str | None = None
    description: str | None = None
    options: list[PropertyOption] = Factory(list)
    display_order: int | None = None
    has_unique_value: bool | None = None
    hidden: bool | None = None
    hubspot_defined: bool | None = None
    calculated: bool | None = None
    calculation_formula: str | None = None
    external_options: bool | None = None
    referenced_object_type: str | None = None
    form_field: bool | None = None
    data_sensitivity: str | None = None
    archived: bool | None = None
    archived_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    modification_metadata: PropertyModificationMetadata | None = None


@define
class AssociationDefinition:
    """That records of one type may be associated with those of another."""

    id: str
    from_object_type_id: str
    to_object_type_id: str
    name: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@define
class ObjectTypeDefinitionLabels:
    """What an object type is called on the screen."""

    singular: str | None = None
    plural: str | None = None


@define
class ObjectSchema:
    """The schema of an object type: its names, properties and associations."""

    id: str
    object_type_id: str
    name: str | None = None
    fully_qualified_name: str | None = None
    labels: ObjectTypeDefinitionLabels | None = None
    description: str | None = None
    primary_display_property: str | None = None
    secondary_display_properties: list[str] = Factory(list)
    required_properties: list[str] = Factory(list)
    searchable_properties: list[str] = Factory(list)
    properties: list[Property] = Factory(list)
    associations: list[AssociationDefinition] = Factory(list)
    allows_sensitive_properties: bool | None = None
    archived: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    created_by_user_id: int | None = None
    updated_by_user_id: int | None = None


@define
class RecordListMembership:
    """A list that a record is on."""

    list_id: str
    list_version: int | None = None
    first_added_timestamp: datetime | None = None
    last_added_timestamp: datetime | None = None
    is_public_list: bool | None = None


@define
class RecordIdWithMemberships:
    """A record, and the lists that it is on."""

    object_type_id: str | None
    record_id: str
    record_list_memberships: list[RecordListMembership] = Factory(list)


@define
class DealToDealSplits:
    """A deal, and the records of its splits."""

    id: str
    splits: list[SimplePublicObject] = Factory(list)


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


# The repr of a response stays short: asyncio makes one of a task and its result
# whenever it names the task, and a response may have a million results.
_short = Repr()
_short.maxlist, _short.maxother = 3, 500


@define
class BatchResponse(Generic[R]):
    """HubSpot's answer to one call, or several merged by `hubbatch.merge`.

    `num_errors` counts error objects as HubSpot does, not inputs: one
    OBJECT_NOT_FOUND may name many ids.
    """

    status: str = "COMPLETE"
    results: list[R] = field(factory=list, repr=_short.repr)
    num_errors: int = 0
    errors: list[StandardError] = field(factory=list, repr=_short.repr)
    requested_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    links: dict[str, str] = Factory(dict)
