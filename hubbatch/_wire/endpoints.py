"""The table of HubSpot's endpoints, and the lookup of operations in it.

A new endpoint is a row of `ROWS`, and a codec if its JSON is new.

Limits: HubSpot's guides "Using object APIs" (100 inputs a call) and "Associations"
(2,000 to create, 1,000 to read, 100 to archive), and its answer to a batch read of more
than 50 inputs with property histories. HubSpot publishes no other limits; the table
assumes 100.
"""

from collections.abc import Mapping
from datetime import date, tzinfo
from functools import partial
from typing import TypedDict, Unpack

from attrs import evolve

from hubbatch._validators import check_object_type

from .calls import Api, ApiName, Call, Operation, Query, Repeats, Verb
from .codecs import (
    association_limits,
    associations,
    connection_statuses,
    definitions,
    documents,
    event_sends,
    gdpr_deletes,
    legacy,
    lists,
    memberships,
    merges,
    oauth,
    records,
    schemas,
    search,
    settings,
    splits,
)
from .object_types import check_merge, check_verb, path_segment


__all__ = [
    "ENDPOINTS",
    "LEGACY_TYPES",
    "OBJECT_CALLS",
    "RETIREMENTS",
    "ROWS",
    "Call",
    "Operation",
    "Repeats",
    "Verb",
    "named_call",
    "operation_for",
]

# ---- the versions

# The day from which HubSpot no longer supports a version, or the first day of the month
# if it has announced no day. Its announcements of 2026: v1 to v3 "in September 2027",
# v4 on 30 March 2027 ("Deprecating support for HubSpot v4 APIs"). Dated versions: 18
# months after their release (the guide "Versioning"), on 30 March and 8 September 2026;
# the month of 2025-09 follows from its name. Betas have no term.
RETIREMENTS: Mapping[str, date] = {
    "v1": date(2027, 9, 1),
    "v3": date(2027, 9, 1),
    "v4": date(2027, 3, 30),
    "2025-09": date(2027, 3, 1),
    "2026-03": date(2027, 9, 30),
    "2026-09": date(2028, 3, 8),
}

# ---- the APIs

OBJECTS = Api(
    "objects",
    "{type}",
    "/crm/v3/objects/{type}",
    "/crm/objects/{version}/{type}",
    check=check_verb,
)
# Its own API, because a type without the verb `read` has a list too.
OBJECT_PAGES = Api("object_pages", OBJECTS.label, OBJECTS.v3, OBJECTS.dated)
SEARCHES = evolve(OBJECT_PAGES, name="searches", family="search")
# Clients of v3 use 2026-03, not v4, which ends in March 2027. HubSpot's specifications
# have the same bodies in v4, 2026-03 and 2026-09 (archives answer 200 instead of 204).
# 2026-03 is supported as long as v3, and unlike 2026-09 it does not begin to check the
# permission to edit associations.
_DATED_ASSOCIATIONS = "/crm/associations/{version}/{source}/{target}"
_V3_ASSOCIATIONS = "2026-03"
ASSOCIATIONS = Api(
    "associations",
    "associations.{source}.{target}",
    _DATED_ASSOCIATIONS,
    _DATED_ASSOCIATIONS,
    v3_version=_V3_ASSOCIATIONS,
    family="associations",
)
ASSOCIATION_KINDS = evolve(ASSOCIATIONS, name="association_kinds")
_CONFIGURATIONS = (
    "/crm/associations/{version}/definitions/configurations/{source}/{target}"
)
ASSOCIATION_LIMITS = Api(
    "association_limits",
    "association_limits.{source}.{target}",
    _CONFIGURATIONS,
    _CONFIGURATIONS,
    v3_version=_V3_ASSOCIATIONS,
)
# Named types instead of labels. It has no dated versions.
ASSOCIATIONS_V3 = evolve(
    ASSOCIATIONS,
    name="v3_associations",
    v3="/crm/v3/associations/{source}/{target}",
    dated=None,
    v3_version="v3",
    successor="Use `hub.associations(...)` without `api_version`, with type ids.",
)
PROPERTIES = Api(
    "properties",
    "properties.{type}",
    "/crm/v3/properties/{type}",
    "/crm/properties/{version}/{type}",
    # HubSpot's reference of 2027-03-beta has only the batch read there so far.
    moved=("2027-03", "/crm/schemas/{version}/objects/{type}/properties"),
)
PROPERTY_LISTS = evolve(PROPERTIES, name="property_lists")
SCHEMAS = Api(
    "schemas",
    "schemas",
    "/crm-object-schemas/v3/schemas",
    "/crm-object-schemas/{version}/schemas",
)
MEMBERSHIPS = Api(
    "memberships",
    "{type}",  # its id
    "/crm/v3/lists/records/memberships",
    "/crm/lists/{version}/records/memberships",
)
LISTS = Api(
    "lists",
    "lists.{type}",  # the list's id
    "/crm/v3/lists/{type}",
    "/crm/lists/{version}/{type}",
)
LIST_SEARCH = Api(
    "list_search", "lists", "/crm/v3/lists/search", "/crm/lists/{version}/search"
)
OWNERS = Api("owners", "owners", "/crm/v3/owners", "/crm/owners/{version}")
PIPELINES = Api(
    "pipelines",
    "pipelines.{type}",
    "/crm/v3/pipelines/{type}",
    "/crm/pipelines/{version}/{type}",
)
DEAL_SPLITS = Api(
    "deal_splits",
    "deal_splits",
    "/crm/objects/v3/deals/splits",
    "/deal-splits/{version}",
)
# It has no dated versions.
CONNECTION_STATUSES = Api(
    "connection_statuses",
    "connection_statuses",
    "/crm/extensions/calling/v3/connection-statuses",
    successor="HubSpot has announced none.",
)
LEGACY_TYPES = frozenset({"tickets", "products", "line_items"})


def _check_legacy_type(_verb: str, object_type: str, _api_version: str) -> None:
    if object_type not in LEGACY_TYPES:
        raise ValueError(
            f"crm-objects/v1 has no {object_type!r}. It has "
            f"{', '.join(sorted(LEGACY_TYPES))}."
        )


LEGACY = Api(
    "legacy",
    "{type}",
    "/crm-objects/v1/objects/{type}",
    v3_version="v1",
    successor="Use `hub.tickets`, `hub.products` or `hub.line_items`.",
    check=_check_legacy_type,
)
ACCOUNT = Api("account", "account", "/account-info/v3", "/account-info/{version}")
OAUTH = Api(
    "oauth",
    "oauth",
    "/oauth/v3",
    "/oauth/{version}",
    first_dated="2026-03",
    family="oauth",
)
# APIs of their own, because the table of object types has batch calls only.
MERGES = evolve(OBJECTS, name="merges", check=check_merge)
GDPR_DELETES = Api("gdpr_deletes", OBJECTS.label, OBJECTS.v3, OBJECTS.dated)
EVENTS = Api("events", "events", "/events/v3", "/events/{version}", family="events")

# ---- the rows

_INDEPENDENT, _WAITS, _SHARES = Repeats.INDEPENDENT, Repeats.WAITS, Repeats.SHARES
_create = partial(Call, repeats=_INDEPENDENT, retry_safe=False)
_read = partial(Call, repeats=_SHARES, writes=False, not_found_is_record=True)
_write = partial(Call, repeats=_WAITS, not_found_is_record=True)
_change = partial(Call, repeats=_SHARES, max_inputs=lists.MAX_CHANGES, method="PUT")
_remove = partial(Call, repeats=_SHARES, may_be_empty=True)
_question = partial(
    Call,
    repeats=_INDEPENDENT,
    max_inputs=1,
    method="GET",
    writes=False,
    has_inputs=False,
)

ROWS: tuple[Call, ...] = (
    _create(OBJECTS, "create", "batch/create", records.CREATES),
    # The 400 of batch read: "supported in a batch request for property histories is
    # 50".
    _read(OBJECTS, "read", "batch/read", records.READS, max_inputs_with_history=50),
    _write(OBJECTS, "update", "batch/update", records.UPDATES),
    Call(OBJECTS, "upsert", "batch/upsert", records.UPSERTS, repeats=_WAITS),
    _remove(OBJECTS, "archive", "batch/archive", records.ARCHIVES),
    _question(OBJECT_PAGES, "list", "", documents.PAGE),
    _question(SEARCHES, "search", "search", search.FOUND, method="POST"),
    # One pair of object types at a time: results do not say which types they are about.
    _write(
        ASSOCIATIONS, "create", "batch/create", associations.CREATES, max_inputs=2000
    ),
    _write(
        ASSOCIATIONS,
        "create_default",
        "batch/associate/default",
        associations.DEFAULTS,
        max_inputs=2000,
    ),
    _read(ASSOCIATIONS, "read", "batch/read", associations.READS, max_inputs=1000),
    _remove(
        ASSOCIATIONS,
        "archive",
        "batch/archive",
        associations.ARCHIVES,
        not_found_is_record=True,
    ),
    _write(
        ASSOCIATIONS,
        "archive_labels",
        "batch/labels/archive",
        associations.LABELS,
        may_be_empty=True,
    ),
    _question(ASSOCIATION_KINDS, "read", "labels", associations.KINDS),
    # Retry-safe: setting the same limit twice changes nothing.
    _write(ASSOCIATION_LIMITS, "create", "batch/create", association_limits.WRITES),
    _write(ASSOCIATION_LIMITS, "update", "batch/update", association_limits.WRITES),
    _write(
        ASSOCIATION_LIMITS,
        "purge",
        "batch/purge",
        association_limits.PURGES,
        may_be_empty=True,
    ),
    _write(
        ASSOCIATIONS_V3,
        "create",
        "batch/create",
        associations.V3_CREATES,
        max_inputs=2000,
    ),
    _read(
        ASSOCIATIONS_V3, "read", "batch/read", associations.V3_READS, max_inputs=1000
    ),
    _write(
        ASSOCIATIONS_V3,
        "archive",
        "batch/archive",
        associations.V3_ARCHIVES,
        may_be_empty=True,
    ),
    # A definition's key is its name. If a create were sent again, it would find its own
    # property and be refused as a conflict.
    Call(
        PROPERTIES,
        "create",
        "batch/create",
        definitions.CREATES,
        repeats=_WAITS,
        retry_safe=False,
    ),
    _read(PROPERTIES, "read", "batch/read", definitions.READS),
    _remove(PROPERTIES, "archive", "batch/archive", definitions.ARCHIVES),
    _question(PROPERTY_LISTS, "read", "", definitions.LISTS),
    _read(SCHEMAS, "read", "batch/read", schemas.READS),
    _read(MEMBERSHIPS, "read", "batch/read", memberships.READS),
    # Retry-safe: a record that is on the list already stays on it.
    _change(LISTS, "add", "memberships/add", lists.CHANGES),
    _change(LISTS, "remove", "memberships/remove", lists.CHANGES),
    _question(LISTS, "list", "memberships", lists.MEMBERS),
    _question(LISTS, "details", "", lists.LIST),
    _question(LIST_SEARCH, "find", "", lists.FOUND, method="POST"),
    _question(OWNERS, "list", "", settings.OWNERS),
    _question(PIPELINES, "list", "", settings.PIPELINES),
    _read(DEAL_SPLITS, "read", "batch/read", splits.READS),
    _write(DEAL_SPLITS, "upsert", "batch/upsert", splits.UPSERTS),
    _read(CONNECTION_STATUSES, "read", "batch/read", connection_statuses.READS),
    _create(LEGACY, "create", "batch-create", legacy.CREATES, not_found_is_record=True),
    _read(LEGACY, "read", "batch-read", legacy.READS),
    _write(LEGACY, "update", "batch-update", legacy.UPDATES, may_be_empty=True),
    _remove(
        LEGACY, "archive", "batch-delete", legacy.DELETES, not_found_is_record=True
    ),
    # A repeated event counts twice, and a repeated merge finds other records.
    _create(
        EVENTS,
        "send",
        "send/batch",
        event_sends.SENDS,
        max_inputs=500,
        may_be_empty=True,
    ),
    Call(
        MERGES,
        "merge",
        "merge",
        merges.MERGES,
        repeats=Repeats.CONNECTED,
        retry_safe=False,
        max_inputs=1,
        not_found_is_record=True,
    ),
    _remove(
        GDPR_DELETES,
        "gdpr_delete",
        "gdpr-delete",
        gdpr_deletes.DELETES,
        max_inputs=1,
        not_found_is_record=True,
    ),
    _question(ACCOUNT, "details", "details", documents.ACCOUNT),
    _question(
        OAUTH,
        "token",
        "token",
        oauth.GRANTS,
        method="POST",
        content_type="application/x-www-form-urlencoded",
    ),
)

# ---- the lookup

ENDPOINTS: Mapping[tuple[ApiName, Verb], Call] = {
    (row.api.name, row.verb): row for row in ROWS
}
OBJECT_CALLS: Mapping[Verb, Call] = {
    row.verb: row for row in ROWS if row.api is OBJECTS
}


class OperationOptions(TypedDict, total=False):
    """The options of an operation; see `Operation`."""

    id_property: str | None
    properties: tuple[str, ...]
    properties_with_history: tuple[str, ...]
    archived: bool
    into: type | None
    parameters: Query
    options: Mapping[str, object]
    zone: tzinfo | None


def operation_for(
    api: ApiName,
    verb: Verb,
    *object_types: str,
    api_version: str = "v3",
    reconcile_by: str | None = None,
    **options: Unpack[OperationOptions],
) -> Operation:
    """Return the operation of an endpoint on object types, in an API version.

    With `reconcile_by`, a unique property, a create has a key and a read that looks it
    up.

    Raises:
        TypeError: If an object type is not a string.
        ValueError: If an object type is not one segment of a path, or HubSpot has no
            such verb for it.
    """
    call = ENDPOINTS[api, verb]
    for object_type in object_types:
        check_object_type(object_type)
        call.api.check(verb, object_type, api_version)
    named = call.api.named(object_types)
    root = call.api.root(
        api_version, {name: path_segment(named[name]) for name in named}
    )
    path = f"{root}/{call.tail}" if call.tail else root
    version = call.api.version(api_version)
    operation = Operation(
        call, call.api.label.format(**named), path, version=version, **options
    )
    if reconcile_by is None:
        return operation
    return evolve(
        operation,
        # Two creates with the same unique value must not be sent together: the second
        # one waits, and HubSpot then refuses it.
        call=evolve(call, repeats=_WAITS),
        id_property=reconcile_by,
        read_back=operation_for(
            api,
            "read",
            *object_types,
            api_version=api_version,
            id_property=reconcile_by,
        ),
    )


def named_call(operation: str) -> Call:
    """Return the call named by an operation, e.g. `tickets.update`.

    Raises:
        ValueError: If it is not an object type and one of its verbs.
    """
    calls: Mapping[str, Call] = {call.verb: call for call in OBJECT_CALLS.values()}
    object_type, _, verb = str(operation).rpartition(".")
    if verb not in calls or not object_type:
        raise ValueError(
            "operation must be an object type and a verb, such as 'tickets.update', "
            f"not {operation!r}. The verbs are {', '.join(calls)}."
        )
    check_object_type(object_type)
    return calls[verb]
