"""HubSpot's schemas of the calls that are not about records, and their paths.

Written by hand from HubSpot's public API specification (v3, August 2026), like those in
`wire_schemas`.
"""

from .schema_words import (
    NUMBER,
    PAGING,
    STRING,
    STRINGS,
    TIMESTAMP,
    Schema,
    array,
    mapping,
    struct,
)


DETAILS = struct(
    {
        "accountType": {
            "enum": ["APP_DEVELOPER", "DEVELOPER_TEST", "SANDBOX", "STANDARD"]
        },
        "additionalCurrencies": STRINGS,
        "companyCurrency": STRING,
        "dataHostingLocation": STRING,
        "portalId": NUMBER,
        "timeZone": STRING,
        "uiDomain": STRING,
        "utcOffset": STRING,
        "utcOffsetMilliseconds": NUMBER,
    }
)

USAGE = struct(
    {
        "results": array(
            struct(
                {
                    "collectedAt": TIMESTAMP,
                    "currentUsage": NUMBER,
                    "fetchStatus": {
                        "enum": ["CACHED", "FAILURE", "NOTFOUND", "SUCCESS", "TIMEOUT"]
                    },
                    "name": STRING,
                    "usageLimit": NUMBER,
                },
                resetsAt=TIMESTAMP,
            )
        )
    }
)

# v1 has no specification: this is the documented example.
LEGACY_VERSION = struct(
    {
        "name": STRING,
        "source": STRING,
        "sourceVid": {"type": "array"},
        "timestamp": NUMBER,
        "value": STRING,
    }
)
LEGACY_OBJECT = struct(
    {
        "isDeleted": {"type": "boolean"},
        "objectId": NUMBER,
        "objectType": STRING,
        "portalId": NUMBER,
        "properties": mapping(
            struct(
                {
                    "source": STRING,
                    "sourceId": {"type": "null"},
                    "timestamp": NUMBER,
                    "value": STRING,
                    "versions": array(LEGACY_VERSION),
                }
            )
        ),
    }
)
LEGACY = array(LEGACY_OBJECT)

OWNER = struct(
    {
        "archived": {"type": "boolean"},
        "createdAt": TIMESTAMP,
        "id": STRING,
        "type": {"enum": ["PERSON", "QUEUE"]},
        "updatedAt": TIMESTAMP,
    },
    email=STRING,
    firstName=STRING,
    lastName=STRING,
    teams=array(struct({"id": STRING, "name": STRING, "primary": {"type": "boolean"}})),
    userId=NUMBER,
    userIdIncludingInactive=NUMBER,
)

# Dates without milliseconds are shown without them.
DATE: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$",
}
PART: dict[str, Schema] = {
    "archived": {"type": "boolean"},
    "createdAt": DATE,
    "displayOrder": NUMBER,
    "id": STRING,
    "label": STRING,
    "updatedAt": DATE,
}
STAGE = struct(
    {**PART, "metadata": mapping(STRING)},
    archivedAt=DATE,
    writePermissions={
        "enum": ["CRM_PERMISSIONS_ENFORCEMENT", "INTERNAL_ONLY", "READ_ONLY"]
    },
)
PIPELINE = struct({**PART, "stages": array(STAGE)}, archivedAt=DATE)

LIST_HEAD: dict[str, Schema] = {
    **dict.fromkeys(("listId", "name", "objectTypeId"), STRING),
    **dict.fromkeys(("processingStatus", "processingType"), STRING),
    "listVersion": NUMBER,
}
LIST_OPTIONAL: dict[str, Schema] = {
    **dict.fromkeys(("createdAt", "deletedAt", "filtersUpdatedAt"), TIMESTAMP),
    "updatedAt": TIMESTAMP,
    **dict.fromkeys(("createdById", "updatedById"), STRING),
}
LIST = struct(
    LIST_HEAD,
    **LIST_OPTIONAL,
    filterBranch={"type": "object"},
    listPermissions=struct(
        {
            "teamsWithEditAccess": array(NUMBER),
            "usersWithEditAccess": array(NUMBER),
        }
    ),
    membershipSettings=struct(
        {}, includeUnassigned={"type": "boolean"}, membershipTeamId=NUMBER
    ),
    size=NUMBER,
)
LIST_OF_RECORD = struct(
    {
        "firstAddedTimestamp": TIMESTAMP,
        "lastAddedTimestamp": TIMESTAMP,
        "listId": STRING,
        "listVersion": NUMBER,
    },
    isPublicList={"type": "boolean"},
)


# The schemas of paths that are no batches, with those of v1.
PATHS = (
    ("/crm/v3/schemas|/crm-object-schemas/[^/]+/schemas", "all schemas"),
    ("/crm.*/schemas/[^/]+", "schema"),
    ("/crm.*/schemas/[^/]+/associations", "schema association"),
    ("/crm-objects/v1/.*/batch-read", "legacy map"),
    ("/crm-objects/v1/.*", "legacy"),
    ("/account-info/.*/details", "details"),
    ("/account-info/.*", "usage"),
    ("/crm/.*objects/.*/search", "search"),
    ("/oauth/v1/access-tokens/.*", "access token"),
    ("/oauth/v1/refresh-tokens/.*", "refresh token"),
    ("/oauth/v2/private-apps/.*", "private app token"),
    ("/crm/.*owners(/20[^/]+)?", "owners"),
    ("/crm/.*owners/.*", "owner"),
    ("/crm/(v3/pipelines|pipelines/[^/]+)/[^/]+", "pipelines"),
    ("/crm/(v3/pipelines|pipelines/[^/]+)/[^/]+/[^/]+", "pipeline"),
    ("/crm/.*pipelines/.*/stages", "stages"),
    ("/crm/.*pipelines/.*/stages/[^/]+", "stage"),
    ("/crm/(v3/lists|lists/20[^/]+)", "lists"),
    ("/crm/.*lists/.*update-list-[a-z]+", "changed list"),
    ("/crm/.*lists/search", "list search"),
    ("/crm/.*lists/records/.*/.*/memberships", "lists of record"),
    ("/crm/.*lists/[^/]+/memberships(/join-order)?", "members"),
    ("/crm/.*lists/[^/]+/memberships/(add|remove).*", "changed members"),
    ("/crm/.*lists/(object-type-id/.*|[^/]+)", "one list"),
)


TOKEN: dict[str, Schema] = {
    **dict.fromkeys(("app_id", "hub_id", "user_id"), NUMBER),
    **dict.fromkeys(("client_id", "token", "token_type", "token_use"), STRING),
    "active": {"type": "boolean"},
    "scopes": STRINGS,
}
BESIDE: dict[str, Schema] = {
    "details": DETAILS,
    "usage": USAGE,
    "legacy": LEGACY,
    "legacy map": mapping(LEGACY_OBJECT),
    "access token": struct(
        {
            **dict.fromkeys(("app_id", "expires_in", "hub_id", "user_id"), NUMBER),
            **dict.fromkeys(("token", "token_type"), STRING),
            "scopes": STRINGS,
        },
        hub_domain=STRING,
        is_private_distribution={"type": "boolean"},
        signed_access_token={"type": "object"},
        user=STRING,
    ),
    "token": struct(
        {
            "access_token": STRING,
            "expires_in": NUMBER,
            "refresh_token": STRING,
            "token_type": STRING,
        },
        hub_id=NUMBER,
        scopes=STRINGS,
        token_use=STRING,
        user_id=NUMBER,
    ),
    # RFC 6749 since v3, with what HubSpot adds.
    "token error": struct(
        {"error": STRING, "status": STRING, "message": STRING},
        correlationId=STRING,
        error_description=STRING,
    ),
    "token error v1": struct(
        {"status": STRING, "message": STRING}, correlationId=STRING
    ),
    # The last one is RFC 7662's.
    "introspection": {
        "anyOf": [
            struct(
                {
                    **TOKEN,
                    "expires_in": NUMBER,
                    "is_private_distribution": {"type": "boolean"},
                    "signed_access_token": {"type": "object"},
                },
                hub_domain=STRING,
                user=STRING,
            ),
            struct(TOKEN, hub_domain=STRING, user=STRING),
            struct({"active": {"const": False}}),
        ]
    },
    "refresh token": struct(
        {
            **dict.fromkeys(("hub_id", "user_id"), NUMBER),
            **dict.fromkeys(("client_id", "token", "token_type"), STRING),
            "scopes": STRINGS,
        },
        hub_domain=STRING,
        user=STRING,
    ),
    # Not in the specification: as the guide to private apps shows it.
    "private app token": struct(
        {
            **dict.fromkeys(("userId", "hubId", "appId"), NUMBER),
            "scopes": STRINGS,
        }
    ),
    "owners": struct({"results": array(OWNER)}, paging=PAGING),
    "owner": OWNER,
    # The simulator answers to a POST with one, and to a GET with all.
    "pipelines": {"anyOf": [struct({"results": array(PIPELINE)}), PIPELINE]},
    "pipeline": PIPELINE,
    "stages": {"anyOf": [struct({"results": array(STAGE)}), STAGE]},
    "stage": STAGE,
    "lists": {
        "anyOf": [struct({"lists": array(LIST)}), struct({"list": LIST})],
    },
    "one list": struct({"list": LIST}),
    "changed list": struct({"updatedList": LIST}),
    "list search": struct(
        {
            "hasMore": {"type": "boolean"},
            "lists": array(
                struct(
                    {**LIST_HEAD, "additionalProperties": mapping(STRING)},
                    **LIST_OPTIONAL,
                )
            ),
            "offset": NUMBER,
            "total": NUMBER,
        }
    ),
    "members": struct(
        {
            "results": array(
                struct({"membershipTimestamp": TIMESTAMP, "recordId": STRING})
            )
        },
        paging=PAGING,
        total=NUMBER,
    ),
    "changed members": struct(
        {
            "recordIdsMissing": STRINGS,
            "recordIdsRemoved": STRINGS,
            "recordsIdsAdded": STRINGS,
        }
    ),
    "lists of record": struct({"results": array(LIST_OF_RECORD)}, total=NUMBER),
}


def schema_of_oauth(path: str, status: int) -> str:
    """Return the name of the schema of an answer of the token endpoint."""
    if status >= 400:
        return "token error v1" if "/v1/" in path else "token error"
    return "introspection" if path.endswith("introspect") else "token"
