"""HubSpot's schemas of the simulator's answers, and where recordings differ.

Written by hand from HubSpot's public API specification (tickets, v3, August
2026). Stricter than the originals in one point: keys that HubSpot's
schema does not name are not allowed.
"""

import re

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from .beside_schemas import BESIDE, DATE, PATHS, schema_of_oauth
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


ERROR_DETAIL = struct(
    {"message": STRING},
    code=STRING,
    context=mapping(STRINGS),
    subCategory=STRING,
    **{"in": STRING},
)

# Spec: category, correlationId and message are required.
ERROR = struct(
    {
        "category": STRING,
        "correlationId": {"type": "string", "format": "uuid"},
        "message": STRING,
    },
    context=mapping(STRINGS),
    errors=array(ERROR_DETAIL),
    links=mapping(STRING),
    subCategory=STRING,
)

STANDARD_ERROR = struct(
    {
        "category": STRING,
        "context": mapping(STRINGS),
        "errors": array(ERROR_DETAIL),
        "links": mapping(STRING),
        "message": STRING,
        "status": STRING,
    },
    id=STRING,
    subCategory={"type": "object"},
)

VALUE_WITH_TIMESTAMP = struct(
    {"sourceType": STRING, "timestamp": TIMESTAMP, "value": STRING},
    sourceId=STRING,
    sourceLabel=STRING,
    updatedByUserId=NUMBER,
)

OBJECT: dict[str, Schema] = {
    "archived": {"type": "boolean"},
    "createdAt": TIMESTAMP,
    "id": STRING,
    "properties": mapping(STRING),
    "updatedAt": TIMESTAMP,
}
OBJECT_OPTIONAL: dict[str, Schema] = {
    "archivedAt": TIMESTAMP,
    "objectWriteTraceId": STRING,
    "propertiesWithHistory": mapping(array(VALUE_WITH_TIMESTAMP)),
    "url": STRING,
    "warnings": array(
        struct({"category": STRING, "context": mapping(STRING), "message": STRING})
    ),
}
SIMPLE_PUBLIC_OBJECT = struct(OBJECT, **OBJECT_OPTIONAL)
UPSERT_OBJECT = struct({**OBJECT, "new": {"type": "boolean"}}, **OBJECT_OPTIONAL)


def batch_response(items: Schema, *, errors: bool) -> Schema:
    more: dict[str, Schema] = {}
    if errors:
        more = {"errors": array(STANDARD_ERROR), "numErrors": NUMBER}
    return struct(
        {
            "completedAt": TIMESTAMP,
            "results": array(items),
            "startedAt": TIMESTAMP,
            "status": {"enum": ["CANCELED", "COMPLETE", "PENDING", "PROCESSING"]},
        },
        links=mapping(STRING),
        requestedAt=TIMESTAMP,
        **more,
    )


PUBLIC_OBJECT_ID = struct({"id": STRING})
CATEGORY: Schema = {
    "enum": ["HUBSPOT_DEFINED", "INTEGRATOR_DEFINED", "USER_DEFINED", "WORK"]
}
LABELS = struct(
    {
        "fromObjectId": STRING,
        "fromObjectTypeId": STRING,
        "labels": STRINGS,
        "toObjectId": STRING,
        "toObjectTypeId": STRING,
    }
)
ASSOCIATION_PAGE = struct(
    {"results": array(struct({"id": STRING, "type": STRING}))}, paging=PAGING
)
RECORD = struct(OBJECT, associations=mapping(ASSOCIATION_PAGE), **OBJECT_OPTIONAL)
ASSOCIATED = struct(
    {
        "from": PUBLIC_OBJECT_ID,
        "to": array(
            struct(
                {
                    "associationTypes": array(
                        struct({"category": CATEGORY, "typeId": NUMBER}, label=STRING)
                    ),
                    "toObjectId": STRING,
                }
            )
        ),
    },
    paging=PAGING,
)
V3_ASSOCIATION = struct(
    {"from": PUBLIC_OBJECT_ID, "to": PUBLIC_OBJECT_ID, "type": STRING}
)
V3_ASSOCIATED = struct(
    {
        "from": PUBLIC_OBJECT_ID,
        "to": array(struct({"id": STRING, "type": STRING})),
    },
    paging=PAGING,
)
MEMBERSHIPS = struct(
    {
        "objectTypeId": STRING,
        "recordId": STRING,
        "recordListMemberships": array(
            struct(
                {
                    "listId": STRING,
                    "listVersion": NUMBER,
                    "firstAddedTimestamp": TIMESTAMP,
                    "lastAddedTimestamp": TIMESTAMP,
                },
                isPublicList={"type": "boolean"},
            )
        ),
    }
)
SPLITS = struct({"id": STRING, "splits": array(SIMPLE_PUBLIC_OBJECT)})
DEFAULT_ASSOCIATION = struct(
    {
        "associationSpec": struct(
            {"associationCategory": CATEGORY, "associationTypeId": NUMBER}
        ),
        "from": PUBLIC_OBJECT_ID,
        "to": PUBLIC_OBJECT_ID,
    }
)
LIMIT = struct(
    {"category": CATEGORY, "typeId": NUMBER},
    label=STRING,
    userEnforcedMaxToObjectIds=NUMBER,
)
ASSOCIATIONS: dict[str, Schema] = {
    "archive": {"not": {}},
    "create": LABELS,
    "default": DEFAULT_ASSOCIATION,
    "read": ASSOCIATED,
}

BOOLEAN: Schema = {"type": "boolean"}
_FLAGS = (
    *("archived", "calculated", "externalOptions", "formField", "hasUniqueValue"),
    *("hidden", "hubspotDefined", "showCurrencySymbol"),
)
PROPERTY = struct(
    {
        **dict.fromkeys(("description", "fieldType", "groupName", "label"), STRING),
        **dict.fromkeys(("name", "type"), STRING),
        "options": array(
            struct(
                {"hidden": BOOLEAN, "label": STRING, "value": STRING},
                description=STRING,
                displayOrder=NUMBER,
            )
        ),
    },
    **dict.fromkeys(_FLAGS, BOOLEAN),
    **dict.fromkeys(("archivedAt", "createdAt", "updatedAt"), TIMESTAMP),
    **dict.fromkeys(("createdUserId", "updatedUserId"), STRING),
    **dict.fromkeys(("calculationFormula", "referencedObjectType"), STRING),
    dataSensitivity={"enum": ["highly_sensitive", "non_sensitive", "sensitive"]},
    displayOrder=NUMBER,
    modificationMetadata=struct(
        dict.fromkeys(("archivable", "readOnlyDefinition", "readOnlyValue"), BOOLEAN),
        readOnlyOptions=BOOLEAN,
    ),
)
GROUP = struct({**dict.fromkeys(("label", "name"), STRING), "archived": BOOLEAN})
GROUP["properties"]["displayOrder"] = NUMBER

ASSOCIATION_DEFINITION = struct(
    {"fromObjectTypeId": STRING, "id": STRING, "toObjectTypeId": STRING},
    **dict.fromkeys(("createdAt", "updatedAt"), TIMESTAMP),
    name=STRING,
)
OBJECT_SCHEMA = struct(
    {
        **dict.fromkeys(("allowsSensitiveProperties", "archived"), BOOLEAN),
        **dict.fromkeys(("fullyQualifiedName", "id", "name", "objectTypeId"), STRING),
        **dict.fromkeys(("requiredProperties", "searchableProperties"), STRINGS),
        "associations": array(ASSOCIATION_DEFINITION),
        "labels": struct({}, singular=STRING, plural=STRING),
        "properties": array(PROPERTY),
        "secondaryDisplayProperties": STRINGS,
    },
    createdAt=TIMESTAMP,
    createdByUserId=NUMBER,
    description=STRING,
    primaryDisplayProperty=STRING,
    updatedAt=TIMESTAMP,
    updatedByUserId=NUMBER,
)
OBJECT_DEFINITION = struct(
    {
        **{
            key: OBJECT_SCHEMA["properties"][key]
            for key in ("id", "labels", "name", "requiredProperties")
        },
    },
    **OBJECT_SCHEMA["properties"],
    portalId=NUMBER,
)

SPEC: dict[str, Schema] = {
    "all schemas": {
        "anyOf": [struct({"results": array(OBJECT_SCHEMA)}), OBJECT_SCHEMA],
    },
    # The simulator answers to a PATCH with the definition.
    "schema": {"anyOf": [OBJECT_SCHEMA, OBJECT_DEFINITION]},
    "schema association": ASSOCIATION_DEFINITION,
    "schemas": struct({"results": array(OBJECT_SCHEMA)}),
    # Without a specification: assumed.
    "connection statuses": struct(
        {"results": array(struct({"userId": NUMBER, "status": STRING}))}
    ),
    "properties": struct({"results": array(PROPERTY)}),
    "associations kinds": struct(
        {
            "results": array(
                struct({"category": CATEGORY, "typeId": NUMBER}, label=STRING)
            )
        }
    ),
    "property": PROPERTY,
    "property group": GROUP,
    "property groups": struct({"results": array(GROUP)}),
    "property batch": batch_response(PROPERTY, errors=False),
    "property batch with errors": batch_response(PROPERTY, errors=True),
    "error": ERROR,
    "record": RECORD,
    "page": struct({"results": array(RECORD)}, paging=PAGING),
    "record associations": ASSOCIATION_PAGE,
    "associated records": struct(
        {"results": ASSOCIATED["properties"]["to"]}, paging=PAGING
    ),
    "associated pair": LABELS,
    "limits list": struct({"results": array(LIMIT)}),
    "search": struct(
        {"total": NUMBER, "results": array(RECORD)},
        paging=struct({"next": struct({"after": STRING})}),
    ),
    **BESIDE,
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
    "not implemented": struct(
        dict.fromkeys(("error", "category", "message", "hint"), STRING)
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

# Where recordings differ from the specification, the simulator follows recordings.
# docs/simulator.md lists the same differences.
DIFFERENCES: dict[str, str] = {
    "null-values": "a requested property without a value is null",
    "bare-errors": "errors of a 207 have no `errors` and no `links`",
    "status-error": "every error body has `status: error`",
    "no-category": "some refusals have no category",
    "no-message": "some refusals have no message, only `errors`",
    "rate-limit-keys": "a 429 has errorType, policyName, groupName or requestId",
    "validation-results": "a v1 refusal lists validationResults",
    "association-ids": "v4 returns the ids of associated records as numbers",
    "association-labels": "the label of an unlabelled association is null",
    "sub-category": "the subCategory of an error in a 207 is a string",
    "no-context": "errors of association batches may have no context",
    "owner-without-user": "the user id of a deactivated owner is null",
    "unsigned-tokens": "what is said of a token has no signed_access_token",
    "list-settings": "the membership settings of a list are null",
    "members-keys": "changed memberships leave out empty keys",
    "schema-keys": "schemas have metaType and restorable, associations cardinality",
    "association-dates": "the dates of an association type are null",
    "errors-of-strings": "the errors of a search of lists without a body are strings",
}


_MESSAGE = [{"required": ["message"]}, {"required": ["errors"]}]


def _real(schema: Schema) -> Schema:
    """Return the schema adapted to the recordings."""
    changed = {name: _real_value(value) for name, value in schema.items()}
    properties = changed.get("properties", {})
    if "correlationId" in properties and "category" in properties:
        extra = ("status", "errorType", "policyName", "groupName", "requestId")
        properties |= dict.fromkeys(extra, STRING)
        properties["validationResults"] = {"type": "array"}
        properties["errors"] = {"anyOf": [properties["errors"], STRINGS]}
        changed["required"] = ["correlationId", "status"]
        changed["anyOf"] = _MESSAGE
    elif {"category", "status"} <= properties.keys():
        changed["required"] = ["category", "context", "status"]
        changed["anyOf"] = _MESSAGE
    for name in ("userId", "membershipTeamId", "includeUnassigned"):
        if name in properties:
            properties[name] = {"anyOf": [properties[name], {"type": "null"}]}
    _add_schema_keys(properties)
    if "recordsIdsAdded" in properties:
        changed["required"] = []
    for name in ("fromObjectId", "toObjectId"):
        if name in properties:
            properties[name] = {"type": ["string", "integer"]}
    if "typeId" in properties:
        properties["label"] = {"type": ["string", "null"]}
    if {"createdAt", "properties"} <= properties.keys() and "labels" not in properties:
        properties["properties"] = mapping({"type": ["string", "null"]})
    return changed


def _add_schema_keys(properties: dict[str, Any]) -> None:
    """Add the keys of object types, and of their associations."""
    if "fullyQualifiedName" in properties:
        properties |= {"metaType": STRING, "restorable": {"type": "boolean"}}
        properties |= dict.fromkeys(("createdAt", "updatedAt"), DATE)
    if "toObjectTypeId" in properties:
        properties |= dict.fromkeys(("cardinality", "inverseCardinality"), STRING)
        properties |= {key: {"type": "null"} for key in ("createdAt", "updatedAt")}


def _real_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _real(value)
    if isinstance(value, list):
        # No answer has this key, so that none needs it.
        return [_real_value(item) for item in value if item != "signed_access_token"]
    return value


def _loosen(name: str, schema: Schema) -> None:
    """Allow a string as subCategory and, for associations, no context."""
    if name.endswith("errors"):
        error = schema["properties"]["errors"]["items"]
        error["properties"]["subCategory"] = STRING
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
    if "/properties/" in path:
        return "property batch"
    if "/schemas/" in path:
        return "schemas"
    if "/connection-statuses/" in path:
        return "connection statuses"
    if path.startswith("/crm/v3/associations/"):
        return "associations v3 read" if path.endswith("read") else "associations v3"
    if "/associations/" in path:
        return f"associations {path.rpartition('/')[2]}"
    return "upserts" if path.endswith("upsert") else "objects"


def _schema_of_records(path: str, status: int) -> str:
    """Return the name of the schema of an answer about one record, or a list."""
    tail = re.sub("^/crm/(v[34]/objects|objects/[^/]+)/[^/]+/?", "", path)
    if "/associations/" in tail and "/crm/v3/" not in path:
        if "/default/" in tail:
            return "associations default"
        return "associated pair" if status == 201 else "associated records"
    if tail.endswith("/associations/0-1"):
        return "record associations"
    return "record" if tail or status == 201 else "page"


def _kind_of_property(path: str, status: int) -> str:
    tail = re.sub("^/crm/(v3/properties|properties/[^/]+)/", "", path)
    if "/groups" in tail:
        one = tail.count("/") == 2 or status == 201
        return "property group" if one else "property groups"
    return "property" if "/" in tail or status == 201 else "properties"


def schema_of(path: str, status: int) -> str:
    """Return the name of the schema of an answer."""
    if status == 501:
        return "not implemented"
    if path.startswith("/oauth/") and "/token" in path:
        return schema_of_oauth(path, status)
    if status >= 400:
        return "error"
    for pattern, name in PATHS:
        if re.fullmatch(pattern, path):
            return name
    if "/configurations/" in path and "/batch/" not in path:
        return "limits list"
    if path.startswith("/crm/") and "/batch/" not in path and "/objects/" in path:
        return _schema_of_records(path, status)
    if "/properties/" in path and "/batch/" not in path:
        return _kind_of_property(path, status)
    if "/associations/" in path and path.endswith("/labels"):
        return "associations kinds"
    kind = _kind_of_batch(path)
    return f"{kind} with errors" if status == 207 else kind


def complaints(
    path: str, status: int, body: object, *, spec: bool = False
) -> list[str]:
    """Return where an answer does not conform to its schema."""
    found = validator(schema_of(path, status), spec=spec).iter_errors(body)
    return [f"{error.json_path}: {error.message}" for error in found]
