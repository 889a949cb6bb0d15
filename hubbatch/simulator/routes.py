"""The calls that the simulator answers: one row each.

A new call is a row here and a function in `api.table`.
"""

import re

from collections.abc import Mapping
from typing import Final, Literal

import attrs


Family = Literal[
    "batch",
    "list",
    "search",
    "record",
    "merge",
    "gdpr-delete",
    "record associations",
    "default association",
    "associated records",
    "association",
    "associations",
    "associations v3",
    "labels",
    "own labels",
    "limits",
    "limits list",
    "schemas",
    "properties",
    "properties batch",
    "property",
    "property group",
    "property groups",
    "memberships",
    "splits",
    "legacy",
    "owners",
    "owner",
    "pipelines",
    "pipeline",
    "stages",
    "stage",
    "lists",
    "list search",
    "list by name",
    "one list",
    "change list",
    "members",
    "join order",
    "change members",
    "add members from",
    "lists of record",
    "event",
    "events",
    "account",
    "access token",
    "private app token",
    "oauth",
    # Paths that HubSpot does not have, next to ones that it has.
    "no such path",
    # Requests without a row.
    "unknown path",
    "wrong method",
]
# Calls with windows of their own: see `limits`.
LimitFamily = Literal["associations", "search", "events", "others"]
# The scopes to read and to write, any one of which is enough.
Scopes = tuple[tuple[str, ...], tuple[str, ...]]

VERSION: Final = r"20\d\d-(?:0[1-9]|1[0-2])(?:-beta)?"
# What stands for {name} in the paths of the rows. Named groups become fields of the
# route; {verb} is one of the row's verbs.
_PARTS: Final = {
    "date": VERSION,
    "version": f"(?P<version>{VERSION})",
    "objects": f"/crm/(?:v3/objects|objects/{VERSION})",
    # Generated code in HubSpot's clients has both spellings of v4: for limits and for
    # labels (Node 14.0.1, LabelsApi.js and DefinitionsApi.js).
    "schema": f"/crm/(?:v4/associations|associations/(?:v4|(?P<version>{VERSION})))",
    "v4_objects": f"/crm/(?:v4/objects|objects/(?P<version>{VERSION}))",
    "properties": f"/crm/(?:v3/properties|properties/{VERSION})",
    "pipelines": f"/crm/(?:v3/pipelines|pipelines/{VERSION})",
    "lists": f"/crm/(?:v3/lists|lists/{VERSION})",
    "list": "(?P<name>(?!(?:folders|idmapping|object-type-id|records)(?:/|$))[^/]+)",
    "type": "(?P<object_type>[^/]+)",
    "to_type": "(?P<to_type>[^/]+)",
    "to_id": "(?P<to_id>[^/]+)",
    "name": "(?P<name>[^/]+)",
    "record_id": "(?P<record_id>(?!(?:batch|search|merge|gdpr-delete)(?:/|$))[^/]+)",
}


@attrs.frozen
class Row:
    """A path, and the verb of each of its methods.

    Attributes:
        family: The name of the function in `api.table`.
        path: A regular expression for the whole path, with `_PARTS`.
        methods: The verbs by method. A method has several, separated by spaces, if the
            path contains {verb}.
        prefix: What precedes the verb in `When(verb=...)`, such as "properties/".
        limit: The windows that a call counts in.
        scopes: The scopes of the row; None for those of the object types in the path.
        implied: Fields of the route that the path does not contain.
        lacks: Methods that HubSpot has on this path, and the simulator does not.
        permission: Whether the call itself refuses to read without the scopes.
    """

    family: Family
    path: str = ""
    methods: Mapping[str, str] = attrs.field(factory=dict)
    prefix: str = attrs.field(default="", kw_only=True)
    limit: LimitFamily = attrs.field(default="others", kw_only=True)
    scopes: Scopes | None = attrs.field(default=None, kw_only=True)
    implied: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    lacks: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    permission: bool = attrs.field(default=False, kw_only=True)
    pattern: re.Pattern[str] = attrs.field(init=False, repr=False)

    @pattern.default
    def _compiled(self) -> re.Pattern[str]:
        verbs = "|".join(verb for _, verb in self.verbs())
        return re.compile(self.path.format(verb=f"(?P<verb>{verbs})", **_PARTS) + "/?")

    def verbs(self) -> list[tuple[str, str]]:
        """Return the methods with each of their verbs."""
        return [
            (method, verb)
            for method, verbs in self.methods.items()
            for verb in verbs.split()
        ]


# The scopes of the specification.
_LISTS: Final = (("crm.lists.read",), ("crm.lists.write",))
_OWNERS: Final = (("crm.objects.owners.read", "automation"), ())
_EVENTS: Final = ((), ("analytics.behavioral_events.send",))

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
        "/crm-object-schemas/(?:v3|{date})/schemas/batch/read",
        {"POST": "read"},
        prefix="schemas/",
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
    Row(
        "legacy",
        "/crm-objects/v1/objects/(?P<object_type>tickets|products|line_items)"
        "/batch-{verb}",
        {"POST": "create read update delete"},
    ),
    Row("oauth", "/oauth/(?:v1|v3|{date})/token", {"POST": "token"}),
    Row("no such path", "{objects}/{type}/batch/[^/]+", {"POST": ""}),
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
