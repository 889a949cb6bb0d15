"""The calls that the simulator answers: one row each.

A new call is a row here and a function in `api.table`.
"""

from typing import Final

from hubbatch.simulator.row import Row


# The scopes of the specification.
_LISTS: Final = (("crm.lists.read",), ("crm.lists.write",))
_OWNERS: Final = (("crm.objects.owners.read", "automation"), ())
_EVENTS: Final = ((), ("analytics.behavioral_events.send",))
_SCHEMAS: Final = (
    *(("crm.schemas.custom.read", "crm.objects.custom.read"),),
    ("crm.schemas.custom.write",),
)
_SCHEMA: Final = ((*_SCHEMAS[0], "oauth"), _SCHEMAS[1])
# Recorded in 2026: the refusal names a scope of former times.
_CUSTOM: Final = ("custom-object-read", "custom-object-write")

# The first row that matches path and method answers: literal paths come before paths
# that match any name in the same place.
ROWS: Final = (
    Row(
        "batch",
        "{objects}/{type}/batch/{verb}",
        {"POST": "create read update upsert archive"},
    ),
    Row("list", "{objects}/{type}", {"GET": "list"}),
    Row("search", "{objects}/{type}/search", {"POST": "search"}, limit="search"),
    Row("record", "{objects}/{type}", {"POST": "create"}, prefix="record/"),
    Row("merge", "{objects}/{type}/merge", {"POST": "merge"}, prefix="record/"),
    Row(
        "gdpr-delete",
        "{objects}/{type}/gdpr-delete",
        {"POST": "gdpr-delete"},
        prefix="record/",
    ),
    Row(
        "record",
        "{objects}/{type}/{record_id}",
        {"GET": "read", "PATCH": "update", "DELETE": "archive"},
        prefix="record/",
    ),
    Row(
        "record associations",
        "/crm/v3/objects/{type}/{record_id}/associations/{to_type}",
        {"GET": "list"},
        prefix="record/associations/",
    ),
    Row(
        "record associations",
        "/crm/v3/objects/{type}/{record_id}/associations/{to_type}/{to_id}/{name}",
        {"PUT": "create", "DELETE": "archive"},
        prefix="record/associations/",
    ),
    Row(
        "splits",
        # HubSpot's clients use the second spelling.
        "/(?:crm/objects/v3/deals/splits|crm/v3/objects/deals/splits|deal-splits/{date})"
        "/batch/{verb}",
        {"POST": "read upsert"},
        prefix="splits/",
        implied={"object_type": "deals"},
    ),
    Row(
        "memberships",
        "{lists}/records/memberships/batch/read",
        {"POST": "read"},
        prefix="memberships/",
    ),
    Row(
        "connection statuses",
        "/crm/extensions/calling/v3/connection-statuses/batch/read",
        {"POST": "read"},
        prefix="connection-statuses/",
        scopes=_OWNERS,
    ),
    Row(
        "default association",
        "{v4_objects}/{type}/{record_id}/associations/default/{to_type}/{to_id}",
        {"PUT": "associate/default"},
        prefix="association/",
        limit="associations",
    ),
    Row(
        "associated records",
        "{v4_objects}/{type}/{record_id}/associations/{to_type}",
        {"GET": "list"},
        prefix="association/",
        limit="associations",
    ),
    Row(
        "association",
        "{v4_objects}/{type}/{record_id}/associations/{to_type}/{to_id}",
        {"PUT": "create", "DELETE": "archive"},
        prefix="association/",
        limit="associations",
    ),
    Row(
        "lists",
        "{lists}",
        {"GET": "read", "POST": "create"},
        prefix="lists/",
        scopes=_LISTS,
    ),
    Row(
        "list search",
        "{lists}/search",
        {"POST": "search"},
        prefix="lists/",
        scopes=_LISTS,
    ),
    Row(
        "list by name",
        "{lists}/object-type-id/{type}/name/{name}",
        {"GET": "read"},
        prefix="lists/",
        scopes=_LISTS,
    ),
    Row(
        "lists of record",
        "{lists}/records/{type}/{name}/memberships",
        {"GET": "read"},
        prefix="memberships/",
        scopes=_LISTS,
    ),
    Row(
        "one list",
        "{lists}/{list}",
        {"GET": "read", "DELETE": "delete"},
        prefix="lists/",
        scopes=_LISTS,
    ),
    Row(
        "change list",
        "{lists}/{list}/{verb}",
        {"PUT": "restore update-list-name update-list-filters"},
        prefix="lists/",
        scopes=_LISTS,
    ),
    Row(
        "members",
        "{lists}/{list}/memberships",
        {"GET": "read", "DELETE": "delete"},
        prefix="memberships/",
        scopes=_LISTS,
    ),
    Row(
        "join order",
        "{lists}/{list}/memberships/join-order",
        {"GET": "read"},
        prefix="memberships/",
        scopes=_LISTS,
    ),
    Row(
        "change members",
        "{lists}/{list}/memberships/{verb}",
        {"PUT": "add-and-remove add remove"},
        prefix="memberships/",
        scopes=_LISTS,
    ),
    Row(
        "add members from",
        "{lists}/{list}/memberships/add-from/(?P<part>[^/]+)",
        {"PUT": "add-from"},
        prefix="memberships/",
        scopes=_LISTS,
    ),
    Row(
        "owners",
        "/crm/(?:v3/owners|owners/{date})",
        {"GET": "read"},
        prefix="owners/",
        scopes=_OWNERS,
    ),
    Row(
        "owner",
        "/crm/(?:v3/owners|owners/{date})/{name}",
        {"GET": "read"},
        prefix="owners/",
        scopes=_OWNERS,
    ),
    Row(
        "pipelines",
        "{pipelines}/{type}",
        {"GET": "read", "POST": "create"},
        prefix="pipelines/",
    ),
    Row(
        "pipeline",
        "{pipelines}/{type}/{name}",
        {"GET": "read", "PATCH": "update", "PUT": "replace", "DELETE": "delete"},
        prefix="pipelines/",
    ),
    Row(
        "stages",
        "{pipelines}/{type}/{name}/stages",
        {"GET": "read", "POST": "create"},
        prefix="stages/",
    ),
    Row(
        "stage",
        "{pipelines}/{type}/{name}/stages/(?P<part>[^/]+)",
        {"GET": "read", "PATCH": "update", "PUT": "replace", "DELETE": "delete"},
        prefix="stages/",
    ),
    Row(
        "event",
        "/events/(?:v3|{date})/send",
        {"POST": "send"},
        prefix="events/",
        limit="events",
        scopes=_EVENTS,
    ),
    Row(
        "events",
        "/events/(?:v3|{date})/send/batch",
        {"POST": "send-batch"},
        prefix="events/",
        limit="events",
        scopes=_EVENTS,
    ),
    Row("access token", "/oauth/v1/access-tokens/{name}", {"GET": "token-info"}),
    Row(
        "private app token",
        "/oauth/v2/private-apps/get/access-token-info",
        {"POST": "private-token-info"},
    ),
    Row(
        "associations v3",
        "/crm/v3/associations/{type}/{to_type}/batch/{verb}",
        {"POST": "create read archive"},
        prefix="associations/",
        limit="associations",
    ),
    Row(
        "associations",
        "/crm/(?:v4/associations|associations/{version})/{type}/{to_type}/batch/{verb}",
        {"POST": "create read archive associate/default labels/archive"},
        prefix="associations/",
        limit="associations",
    ),
    Row(
        "labels",
        "{schema}/{type}/{to_type}/labels",
        {"GET": "labels"},
        prefix="associations/",
        limit="associations",
    ),
    Row(
        "own labels",
        "{schema}/{type}/{to_type}/labels",
        {"POST": "labels/create", "PUT": "labels/update"},
        prefix="associations/",
        limit="associations",
    ),
    Row(
        "own labels",
        "{schema}/{type}/{to_type}/labels/{name}",
        {"DELETE": "labels/delete"},
        prefix="associations/",
        limit="associations",
    ),
    Row(
        "limits",
        "{schema}/definitions/configurations/{type}/{to_type}/batch/{verb}",
        {"POST": "create update purge"},
        prefix="limits/",
    ),
    Row(
        "limits list",
        "{schema}/definitions/configurations/(?:all|{type}/{to_type})",
        {"GET": "list"},
        prefix="limits/",
    ),
    Row(
        "schemas",
        "{schemas}/batch/read",
        {"POST": "read"},
        prefix="schemas/",
        scopes=_SCHEMA,
        refused=_CUSTOM,
    ),
    Row(
        "all schemas",
        "{schemas}",
        {"GET": "list", "POST": "create"},
        prefix="schemas/",
        scopes=_SCHEMAS,
        refused=_CUSTOM,
    ),
    Row(
        "schema",
        "{schemas}/{type}",
        {"GET": "read", "PATCH": "update", "DELETE": "archive"},
        prefix="schemas/",
        scopes=_SCHEMA,
        refused=_CUSTOM,
    ),
    Row(
        "schema associations",
        "{schemas}/{type}/associations",
        {"POST": "create"},
        prefix="schemas/associations/",
        scopes=_SCHEMA,
        refused=_CUSTOM,
    ),
    Row(
        "schema association",
        "{schemas}/{type}/associations/{name}",
        {"DELETE": "archive"},
        prefix="schemas/associations/",
        scopes=_SCHEMA,
        refused=_CUSTOM,
    ),
    Row(
        "properties batch",
        "{properties}/{type}/batch/{verb}",
        {"POST": "create read archive"},
        prefix="properties/",
    ),
    Row(
        "property groups",
        "{properties}/{type}/groups",
        {"GET": "read", "POST": "create"},
        prefix="properties/groups/",
    ),
    Row(
        "property group",
        "{properties}/{type}/groups/{name}",
        {"GET": "read", "PATCH": "update", "DELETE": "archive"},
        prefix="properties/groups/",
    ),
    Row(
        "properties",
        "{properties}/{type}",
        {"GET": "read", "POST": "create"},
        prefix="properties/",
        permission=True,
    ),
    Row(
        "property",
        "{properties}/{type}/{name}",
        {"GET": "read", "PATCH": "update", "DELETE": "archive"},
        prefix="properties/",
        permission=True,
    ),
    # Documented: the batch read of 2027-03-beta. Assumed: that the others move with it.
    Row(
        "properties batch",
        "{schema_properties}/batch/{verb}",
        {"POST": "create read archive"},
        prefix="properties/",
    ),
    Row(
        "properties",
        "{schema_properties}",
        {"GET": "read", "POST": "create"},
        prefix="properties/",
        permission=True,
    ),
    Row(
        "property",
        "{schema_properties}/{name}",
        {"GET": "read", "PATCH": "update", "DELETE": "archive"},
        prefix="properties/",
        permission=True,
    ),
    Row(
        "legacy",
        "/crm-objects/v1/objects/(?P<object_type>tickets|products|line_items)"
        "/batch-{verb}",
        {"POST": "create read update delete"},
    ),
    Row("oauth", "/oauth/(?:v1|v3|{date})/token", {"POST": "token"}),
    Row("introspect", "/oauth/(?:v3|{date})/token/introspect", {"POST": "introspect"}),
    Row("revoke", "/oauth/(?:v3|{date})/token/revoke", {"POST": "revoke"}),
    Row(
        "refresh token",
        "/oauth/v1/refresh-tokens/{name}",
        {"GET": "token-info", "DELETE": "revoke"},
    ),
    Row(
        "authorize", r"/oauth/(?:(?P<name>\d{{1,12}})/)?authorize", {"GET": "authorize"}
    ),
    Row("no such path", "{objects}/{type}/batch/[^/]+", {"POST": ""}),
    # Live: the spelling that one would guess.
    Row("no such path", "/crm/object-schemas/.*", {"GET": "", "POST": ""}),
    Row("no such path", "/crm-objects/v1/objects/{type}/batch-[^/]+", {"POST": ""}),
    Row(
        "no such path",
        "/crm/(?:objects/v3|v3/objects)/{type}/splits/batch/[^/]+",
        {"POST": ""},
    ),
    Row(
        "account",
        "/account-info/(?:v3|{date})/{verb}",
        {"GET": "details api-usage/daily/private-apps"},
    ),
)

# The values of `When(verb=...)`.
VERBS: Final = tuple(
    dict.fromkeys(row.prefix + verb for row in ROWS for _, verb in row.verbs())
)
