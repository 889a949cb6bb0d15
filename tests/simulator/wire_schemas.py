"""HubSpot's schemas for what the simulator answers, and where reality differs.

Written by hand from HubSpot's public API specification (tickets and account info,
v3, August 2026). Stricter than the originals in one point: keys that HubSpot's
schema does not name are not allowed.
"""

import re

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker


Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
MOMENT: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}
TEXTS: Schema = {"type": "array", "items": TEXT}


def mapping(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def thing(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


ERROR_DETAIL = thing(
    {"message": TEXT},
    code=TEXT,
    context=mapping(TEXTS),
    subCategory=TEXT,
    **{"in": TEXT},
)

# Spec: category, correlationId and message are required.
ERROR = thing(
    {
        "category": TEXT,
        "correlationId": {"type": "string", "format": "uuid"},
        "message": TEXT,
    },
    context=mapping(TEXTS),
    errors=listed(ERROR_DETAIL),
    links=mapping(TEXT),
    subCategory=TEXT,
)

STANDARD_ERROR = thing(
    {
        "category": TEXT,
        "context": mapping(TEXTS),
        "errors": listed(ERROR_DETAIL),
        "links": mapping(TEXT),
        "message": TEXT,
        "status": TEXT,
    },
    id=TEXT,
    subCategory={"type": "object"},
)

VALUE_WITH_TIMESTAMP = thing(
    {"sourceType": TEXT, "timestamp": MOMENT, "value": TEXT},
    sourceId=TEXT,
    sourceLabel=TEXT,
    updatedByUserId=NUMBER,
)

OBJECT: dict[str, Schema] = {
    "archived": {"type": "boolean"},
    "createdAt": MOMENT,
    "id": TEXT,
    "properties": mapping(TEXT),
    "updatedAt": MOMENT,
}
OBJECT_OPTIONAL: dict[str, Schema] = {
    "archivedAt": MOMENT,
    "objectWriteTraceId": TEXT,
    "propertiesWithHistory": mapping(listed(VALUE_WITH_TIMESTAMP)),
    "url": TEXT,
    "warnings": listed(
        thing({"category": TEXT, "context": mapping(TEXT), "message": TEXT})
    ),
}
SIMPLE_PUBLIC_OBJECT = thing(OBJECT, **OBJECT_OPTIONAL)
UPSERT_OBJECT = thing({**OBJECT, "new": {"type": "boolean"}}, **OBJECT_OPTIONAL)


def batch_response(items: Schema, *, errors: bool) -> Schema:
    more: dict[str, Schema] = {}
    if errors:
        more = {"errors": listed(STANDARD_ERROR), "numErrors": NUMBER}
    return thing(
        {
            "completedAt": MOMENT,
            "results": listed(items),
            "startedAt": MOMENT,
            "status": {"enum": ["CANCELED", "COMPLETE", "PENDING", "PROCESSING"]},
        },
        links=mapping(TEXT),
        requestedAt=MOMENT,
        **more,
    )


DETAILS = thing(
    {
        "accountType": {
            "enum": ["APP_DEVELOPER", "DEVELOPER_TEST", "SANDBOX", "STANDARD"]
        },
        "additionalCurrencies": TEXTS,
        "companyCurrency": TEXT,
        "dataHostingLocation": TEXT,
        "portalId": NUMBER,
        "timeZone": TEXT,
        "uiDomain": TEXT,
        "utcOffset": TEXT,
        "utcOffsetMilliseconds": NUMBER,
    }
)

USAGE = thing(
    {
        "results": listed(
            thing(
                {
                    "collectedAt": MOMENT,
                    "currentUsage": NUMBER,
                    "fetchStatus": {
                        "enum": ["CACHED", "FAILURE", "NOTFOUND", "SUCCESS", "TIMEOUT"]
                    },
                    "name": TEXT,
                    "usageLimit": NUMBER,
                },
                resetsAt=MOMENT,
            )
        )
    }
)

# There is no specification of v1: this is the documented example.
LEGACY_VERSION = thing(
    {
        "name": TEXT,
        "source": TEXT,
        "sourceVid": {"type": "array"},
        "timestamp": NUMBER,
        "value": TEXT,
    }
)
LEGACY_OBJECT = thing(
    {
        "isDeleted": {"type": "boolean"},
        "objectId": NUMBER,
        "objectType": TEXT,
        "portalId": NUMBER,
        "properties": mapping(
            thing(
                {
                    "source": TEXT,
                    "sourceId": {"type": "null"},
                    "timestamp": NUMBER,
                    "value": TEXT,
                    "versions": listed(LEGACY_VERSION),
                }
            )
        ),
    }
)
LEGACY = listed(LEGACY_OBJECT)

PUBLIC_OBJECT_ID = thing({"id": TEXT})
PAGING = thing({"next": thing({"after": TEXT}, link=TEXT)})
CATEGORY: Schema = {
    "enum": ["HUBSPOT_DEFINED", "INTEGRATOR_DEFINED", "USER_DEFINED", "WORK"]
}
LABELS = thing(
    {
        "fromObjectId": TEXT,
        "fromObjectTypeId": TEXT,
        "labels": TEXTS,
        "toObjectId": TEXT,
        "toObjectTypeId": TEXT,
    }
)
ASSOCIATED = thing(
    {
        "from": PUBLIC_OBJECT_ID,
        "to": listed(
            thing(
                {
                    "associationTypes": listed(
                        thing({"category": CATEGORY, "typeId": NUMBER}, label=TEXT)
                    ),
                    "toObjectId": TEXT,
                }
            )
        ),
    },
    paging=PAGING,
)
V3_ASSOCIATION = thing({"from": PUBLIC_OBJECT_ID, "to": PUBLIC_OBJECT_ID, "type": TEXT})
V3_ASSOCIATED = thing(
    {
        "from": PUBLIC_OBJECT_ID,
        "to": listed(thing({"id": TEXT, "type": TEXT})),
    },
    paging=PAGING,
)
MEMBERSHIPS = thing(
    {
        "objectTypeId": TEXT,
        "recordId": TEXT,
        "recordListMemberships": listed(
            thing(
                {
                    "listId": TEXT,
                    "listVersion": NUMBER,
                    "firstAddedTimestamp": MOMENT,
                    "lastAddedTimestamp": MOMENT,
                },
                isPublicList={"type": "boolean"},
            )
        ),
    }
)
SPLITS = thing({"id": TEXT, "splits": listed(SIMPLE_PUBLIC_OBJECT)})
DEFAULT_ASSOCIATION = thing(
    {
        "associationSpec": thing(
            {"associationCategory": CATEGORY, "associationTypeId": NUMBER}
        ),
        "from": PUBLIC_OBJECT_ID,
        "to": PUBLIC_OBJECT_ID,
    }
)
LIMIT = thing(
    {"category": CATEGORY, "typeId": NUMBER},
    label=TEXT,
    userEnforcedMaxToObjectIds=NUMBER,
)
ASSOCIATIONS: dict[str, Schema] = {
    "archive": {"not": {}},
    "create": LABELS,
    "default": DEFAULT_ASSOCIATION,
    "read": ASSOCIATED,
}

PROPERTY = thing(
    {
        "description": TEXT,
        "fieldType": TEXT,
        "groupName": TEXT,
        "label": TEXT,
        "name": TEXT,
        "options": listed(
            thing(
                {"hidden": {"type": "boolean"}, "label": TEXT, "value": TEXT},
                description=TEXT,
                displayOrder=NUMBER,
            )
        ),
        "type": TEXT,
    },
    calculated={"type": "boolean"},
    dataSensitivity={"enum": ["highly_sensitive", "non_sensitive", "sensitive"]},
    displayOrder=NUMBER,
    externalOptions={"type": "boolean"},
    formField={"type": "boolean"},
    hasUniqueValue={"type": "boolean"},
    hidden={"type": "boolean"},
    hubspotDefined={"type": "boolean"},
    modificationMetadata=thing(
        {
            "archivable": {"type": "boolean"},
            "readOnlyDefinition": {"type": "boolean"},
            "readOnlyValue": {"type": "boolean"},
        }
    ),
)

ASSOCIATION_DEFINITION = thing(
    {"fromObjectTypeId": TEXT, "id": TEXT, "toObjectTypeId": TEXT},
    name=TEXT,
)
OBJECT_SCHEMA = thing(
    {
        "allowsSensitiveProperties": {"type": "boolean"},
        "archived": {"type": "boolean"},
        "associations": listed(ASSOCIATION_DEFINITION),
        "fullyQualifiedName": TEXT,
        "id": TEXT,
        "labels": thing({}, singular=TEXT, plural=TEXT),
        "name": TEXT,
        "objectTypeId": TEXT,
        "properties": listed(PROPERTY),
        "requiredProperties": TEXTS,
        "searchableProperties": TEXTS,
        "secondaryDisplayProperties": TEXTS,
    },
    createdAt=MOMENT,
    createdByUserId=NUMBER,
    description=TEXT,
    primaryDisplayProperty=TEXT,
    updatedAt=MOMENT,
    updatedByUserId=NUMBER,
)

SPEC: dict[str, Schema] = {
    "schemas": thing({"results": listed(OBJECT_SCHEMA)}),
    "properties": thing({"results": listed(PROPERTY)}),
    "associations kinds": thing(
        {"results": listed(thing({"category": CATEGORY, "typeId": NUMBER}, label=TEXT))}
    ),
    "property": PROPERTY,
    "property batch": batch_response(PROPERTY, errors=False),
    "property batch with errors": batch_response(PROPERTY, errors=True),
    "details": DETAILS,
    "error": ERROR,
    "legacy": LEGACY,
    "legacy map": mapping(LEGACY_OBJECT),
    "page": thing({"results": listed(SIMPLE_PUBLIC_OBJECT)}, paging=PAGING),
    **{
        f"{name}{more}": batch_response(items, errors=bool(more))
        for more in ("", " with errors")
        for name, items in (
            ("associations v3", V3_ASSOCIATION),
            ("associations v3 read", V3_ASSOCIATED),
            ("limits", LIMIT),
            ("memberships", MEMBERSHIPS),
            ("splits", SPLITS),
        )
    },
    "objects": batch_response(SIMPLE_PUBLIC_OBJECT, errors=False),
    "objects with errors": batch_response(SIMPLE_PUBLIC_OBJECT, errors=True),
    "upserts": batch_response(UPSERT_OBJECT, errors=False),
    "upserts with errors": batch_response(UPSERT_OBJECT, errors=True),
    "usage": USAGE,
    "token": thing(
        {
            "access_token": TEXT,
            "expires_in": NUMBER,
            "refresh_token": TEXT,
            "token_type": TEXT,
        },
        hub_id=NUMBER,
        token_use=TEXT,
    ),
    # RFC 6749, with what HubSpot adds.
    "token error": thing(
        {"error": TEXT, "status": TEXT, "message": TEXT},
        correlationId=TEXT,
        error_description=TEXT,
    ),
    **{
        f"associations {verb}": batch_response(items, errors=False)
        for verb, items in ASSOCIATIONS.items()
    },
    **{
        f"associations {verb} with errors": batch_response(items, errors=True)
        for verb, items in ASSOCIATIONS.items()
    },
}

# Where recordings and the specification differ, recordings win. Each difference:
# why, and what has to change in the schemas for an answer to conform.
DIFFERENCES: dict[str, str] = {
    "null-values": "a property that was asked for and is not set is null",
    "bare-errors": "errors of a 207 have no `errors` and no `links`",
    "status-error": "every error body says `status: error`",
    "no-category": "some refusals have no category",
    "no-message": "some refusals say in `errors` only what is wrong",
    "rate-limit-keys": "a 429 says errorType, policyName, groupName or requestId",
    "validation-results": "a v1 refusal lists validationResults",
    "association-ids": "v4 writes the ids of associated records as numbers",
    "association-labels": "the label of an unlabelled association is null",
    "sub-category": "the subCategory of an error in a 207 is text",
    "no-context": "errors of association batches may have no context",
}


_MESSAGE = [{"required": ["message"]}, {"required": ["errors"]}]


def _real(schema: Schema) -> Schema:
    """Return the schema as recordings have it."""
    changed = {name: _real_value(value) for name, value in schema.items()}
    properties = changed.get("properties", {})
    if "correlationId" in properties and "category" in properties:
        extra = ("status", "errorType", "policyName", "groupName", "requestId")
        properties |= dict.fromkeys(extra, TEXT)
        properties["validationResults"] = {"type": "array"}
        changed["required"] = ["correlationId", "status"]
        changed["anyOf"] = _MESSAGE
    elif {"category", "status"} <= properties.keys():
        changed["required"] = ["category", "context", "status"]
        changed["anyOf"] = _MESSAGE
    for name in ("fromObjectId", "toObjectId"):
        if name in properties:
            properties[name] = {"type": ["string", "integer"]}
    if "typeId" in properties:
        properties["label"] = {"type": ["string", "null"]}
    if "createdAt" in properties and "objectTypeId" not in properties:
        properties["properties"] = mapping({"type": ["string", "null"]})
    return changed


def _real_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _real(value)
    return value


def _loosen(name: str, schema: Schema) -> None:
    """Let errors have a subCategory of text and, of associations, no context."""
    if name.endswith("errors"):
        error = schema["properties"]["errors"]["items"]
        error["properties"]["subCategory"] = TEXT
        if name.startswith("associations"):
            error["required"] = ["category", "status"]


@cache
def validator(name: str, *, spec: bool = False) -> Draft202012Validator:
    schema = SPEC[name] if spec else _real(SPEC[name])
    if (
        name.startswith(("associations", "limits", "property", "memberships", "splits"))
        and not spec
    ):
        _loosen(name, schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def _kind_of_batch(path: str) -> str:
    if "/memberships/" in path:
        return "memberships"
    if "splits/" in path:
        return "splits"
    if "/configurations/" in path:
        return "limits"
    if "/schemas/" in path:
        return "schemas"
    if "/properties/" in path:
        return "property batch"
    if path.startswith("/crm/v3/associations/"):
        return "associations v3 read" if path.endswith("read") else "associations v3"
    if "/associations/" in path:
        return f"associations {path.rpartition('/')[2]}"
    return "upserts" if path.endswith("upsert") else "objects"


def schema_of(path: str, status: int) -> str:
    """Name the schema of an answer."""
    if path.startswith("/oauth/"):
        return "token" if status < 400 else "token error"
    if status >= 400:
        return "error"
    if path.startswith("/crm-objects/v1/"):
        return "legacy map" if path.endswith("batch-read") else "legacy"
    if path.startswith("/account-info/"):
        return "details" if path.endswith("details") else "usage"
    if path.startswith("/crm/") and "/batch/" not in path and "/objects/" in path:
        return "page"
    if "/properties/" in path and "/batch/" not in path:
        tail = re.sub("^/crm/(v3/properties|properties/[^/]+)/", "", path)
        return "property" if "/" in tail else "properties"
    if "/associations/" in path and path.endswith("/labels"):
        return "associations kinds"
    kind = _kind_of_batch(path)
    return f"{kind} with errors" if status == 207 else kind


def complaints(
    path: str, status: int, body: object, *, spec: bool = False
) -> list[str]:
    """Say where an answer does not conform."""
    found = validator(schema_of(path, status), spec=spec).iter_errors(body)
    return [f"{error.json_path}: {error.message}" for error in found]
