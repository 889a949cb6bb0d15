"""Shorthands for JSON schemas."""

from collections.abc import Mapping
from typing import Any


Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
TIMESTAMP: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(?!000)\d{3})?Z$",
}
STRINGS: Schema = {"type": "array", "items": STRING}


def mapping(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def struct(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


PAGING = struct({"next": struct({"after": STRING}, link=STRING)})
