"""The inputs and results of HubSpot's batch APIs, as classes.

Names are HubSpot's, in snake_case. HubSpot may omit any field of a result, which then
is None. Timestamps are aware datetimes. Results are mutable because creating a frozen
attrs class takes longer than parsing its two dates.

The two record classes are in `_records`; all others are attrs.
"""

from collections.abc import ItemsView, Iterator, Mapping, Sequence
from datetime import datetime
from reprlib import Repr
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from attrs import Factory, field

from hubbatch._classes import define, frozen
from hubbatch._records import SimplePublicObject as SimplePublicObject  # noqa: PLC0414 -- exported
from hubbatch._records import SimplePublicUpsertObject as SimplePublicUpsertObject  # noqa: PLC0414 -- exported
from hubbatch._records import ValueWithTimestamp as ValueWithTimestamp  # noqa: PLC0414 -- exported


R = TypeVar("R")

Context: TypeAlias = Mapping[str, list[str]] | str
"""The details of an error, as lists of strings by name or (old APIs) one string."""


class Fields(Protocol):
    """A mapping that has strings among its keys, as type checkers see it.

    A `Mapping[str, Any]` is one. So is a `dict[Hashable, Any]`, as pandas-stubs has it
    for `df.to_dict("records")`, but not a `dict[int, Any]`.
    """

    def __getitem__(self, name: str, /) -> Any: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the value of a field, or the default."""
        ...

    def items(self) -> ItemsView[Any, Any]:
        """Return the fields with their values."""
        ...


Record: TypeAlias = Mapping[str, Any] | Fields
"""An input in the shape of HubSpot's JSON, e.g. a dict of `id` and `properties`."""


@frozen
class AssociationSpec:
    """An association type, e.g. `AssociationSpec("HUBSPOT_DEFINED", 16)`."""

    association_category: str
    association_type_id: int


@frozen
class AssociationTo:
    """An association to create with a record: the other record's id, and types."""

    to: str
    types: Sequence[AssociationSpec]


@frozen
class CreateInput:
    """A record to create.

    `properties` maps names to values. Values may be Python's (dates, numbers, lists,
    enums); they are sent as the strings that HubSpot expects.
    """

    properties: Mapping[str, object]
    associations: Sequence[AssociationTo] = ()
    object_write_trace_id: str | None = None


@frozen
class UpdateInput:
    """New values for the record whose id, or whose `id_property`, is `id`."""

    id: str | int
    properties: Mapping[str, object]
    id_property: str | None = None
    object_write_trace_id: str | None = None


@frozen
class UpsertInput:
    """Values for the record whose `id_property` is `id`; it is created if missing.

    `id` may be left out if the properties have the value of `id_property`.
    """

    id: str | int | None = None
    properties: Mapping[str, object] = field(factory=dict)
    id_property: str | None = None
    object_write_trace_id: str | None = None


@frozen
class LegacyUpdateInput:
    """New values for the record `object_id`, for `crm-objects/v1`."""

    object_id: int | str
    properties: Mapping[str, object]


@frozen
class LegacyCreateInput:
    """A record to create, for `crm-objects/v1`."""

    properties: Mapping[str, object]


@frozen
class AssociationInput:
    """Two records, and the association types to add or remove between them.

    `types` stays empty for `create_default` and `archive`.
    """

    from_: str | int
    to: str | int
    types: Sequence[AssociationSpec] = ()


@frozen
class PublicAssociation:
    """An association of the v3 API; `type` is a name such as `contact_to_company`."""

    from_: str | int
    to: str | int
    type: str


@frozen
class AssociationLimitInput:
    """The number of records that one record may have of an association type.

    `category` is one of HUBSPOT_DEFINED, USER_DEFINED, INTEGRATOR_DEFINED, WORK.
    """

    category: str
    type_id: int
    max_to_object_ids: int


@frozen
class PropertyCreate:
    """A property to create.

    HubSpot's values for `type`: bool, date, datetime, enumeration, number,
    phone_number, string; of `field_type`: booleancheckbox, calculation_equation,
    checkbox, date, file, html, number, phonenumber, radio, select, text, textarea.
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
    """A value that a property of type enumeration may have."""

    label: str
    value: str
    display_order: int | None = None
    hidden: bool = False
    description: str | None = None


@frozen
class DealSplit:
    """A user's share of a deal; `percentage` is from 0 to 100."""

    owner_id: int
    percentage: float


@frozen
class DealSplitsInput:
    """The splits to set for a deal; their percentages add up to 100."""

    id: str | int
    splits: Sequence[DealSplit]


@define
class LegacyProperty:
    """A property of a `crm-objects/v1` record; `versions` are its values over time."""

    value: str | None
    timestamp: datetime | None = None
    source: str | None = None
    source_id: str | None = None
    versions: list["LegacyProperty"] = Factory(list)


@define
class LegacyObject:
    """A record as `crm-objects/v1` returns it."""

    object_type: str | None
    portal_id: int | None
    object_id: int
    properties: dict[str, LegacyProperty] = Factory(dict)
    is_deleted: bool | None = None


@define
class LabelsBetweenObjectPair:
    """A created association with its labels. Ids are strings in all API versions."""

    from_object_id: str
    to_object_id: str
    from_object_type_id: str | None = None
    to_object_type_id: str | None = None
    labels: list[str] = Factory(list)


@define
class PublicDefaultAssociation:
    """A created association without a label, and the type that HubSpot chose."""

    from_: str
    to: str
    association_spec: AssociationSpec | None = None


@define
class AssociationSpecWithLabel:
    """An association type; `label` is None for the default, unlabelled type."""

    category: str | None
    type_id: int | None
    label: str | None = None
    from_object_type_id: str | None = None
    to_object_type_id: str | None = None


@define
class MultiAssociatedObjectWithLabel:
    """An associated record, and the types of the association."""

    to_object_id: str
    association_types: list[AssociationSpecWithLabel] = Factory(list)


@define
class PublicAssociationMultiWithLabel:
    """All of a record's associations with records of one type.

    `to` holds the associations of all pages, so `paging` is None.
    """

    from_: str
    to: list[MultiAssociatedObjectWithLabel] = Factory(list)
    paging: dict[str, Any] | None = None


@define
class AssociatedId:
    """An associated record, in the v3 API."""

    id: str
    type: str | None = None


@define
class PublicAssociationMulti:
    """The associations of one record, in the v3 API.

    If `paging` is set there are more, which this API's batch read cannot return.
    """

    from_: str
    to: list[AssociatedId] = Factory(list)
    paging: dict[str, Any] | None = None


@define
class PublicAssociationDefinitionUserConfiguration:
    """The limit of an association type; None if it has no limit of its own.

    HubSpot returns `label` when a limit is created, not when it is updated.
    """

    category: str
    type_id: int
    user_enforced_max_to_object_ids: int | None = None
    label: str | None = None


@define
class PropertyModificationMetadata:
    """The kinds of changes that a property allows."""

    archivable: bool | None = None
    read_only_definition: bool | None = None
    read_only_options: bool | None = None
    read_only_value: bool | None = None


@define
class Property:
    """The definition of a property of an object type."""

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
    """An association type that a schema defines, between two object types."""

    id: str
    from_object_type_id: str
    to_object_type_id: str
    name: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@define
class ObjectTypeDefinitionLabels:
    """The names of an object type in HubSpot's user interface."""

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
    """A list that contains the record."""

    list_id: str
    list_version: int | None = None
    first_added_timestamp: datetime | None = None
    last_added_timestamp: datetime | None = None
    is_public_list: bool | None = None


@define
class RecordIdWithMemberships:
    """A record, and the lists that contain it."""

    object_type_id: str | None
    record_id: str
    record_list_memberships: list[RecordListMembership] = Factory(list)


@define
class DealToDealSplits:
    """A deal, and the records of its splits."""

    id: str
    splits: list[SimplePublicObject] = Factory(list)


@define
class ConnectionStatus:
    """A user's connection to a calling app: `details` is all that HubSpot returned."""

    user_id: str
    details: dict[str, Any]


@define
class Account:
    """The account that an access token belongs to.

    `time_zone` is a name such as `America/New_York`; daily limits are counted from
    midnight there. `utc_offset` is a string such as `-05:00`.
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
    """One cause of an error; `in_` is the field or parameter that is wrong."""

    message: str | None = None
    code: str | None = None
    in_: str | None = None
    context: Context | None = None
    sub_category: Any = None


@frozen
class StandardError:
    """An error object of a 207 response; one may be about several inputs."""

    status: str | None = None
    category: str | None = None
    message: str | None = None
    sub_category: Any = None
    id: str | None = None
    context: Context | None = None
    links: Mapping[str, str] | None = None
    errors: Sequence[ErrorDetail] = ()


# Keeps the repr of a response short: asyncio includes the result in the repr of a
# finished task, and a response may have a million results.
_short = Repr()
_short.maxlist, _short.maxother = 3, 500


@define
class BatchResponse(Generic[R]):
    """HubSpot's response to one call, or several merged by `hubbatch.merge`.

    `num_errors` counts error objects, as HubSpot does, not inputs: one
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
