"""Request bodies, parsed as strictly as Jackson and refused in its words."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from hubbatch.simulator.api.refusals import INPUTS_PER_BATCH, check_count
from hubbatch.simulator.crm.links import check_associations, missing_fields
from hubbatch.simulator.json_text import InvalidJSON, decode
from hubbatch.simulator.wire import Refusal


# Jackson's message names the class that it failed to build; recorded for update.
_PACKAGE: Final = "com.hubspot.inbounddb.publicobject.core.v2"
INPUT_CLASS: Final = {
    "create": "SimplePublicObjectBatchInputForCreate",
    "read": "SimplePublicObjectId",
    "update": "SimplePublicObjectBatchInput",
    "upsert": "SimplePublicObjectBatchInputUpsert",
    "archive": "SimplePublicObjectId",
}
SINGLE_CLASS: Final = {
    "create": "SimplePublicObjectInputForCreate",
    "update": "SimplePublicObjectInput",
}
_CONTAINERS: Final = {dict, list}
JSON_TOKENS: Final = {
    list: ("Array value", "START_ARRAY"),
    dict: ("Object value", "START_OBJECT"),
    str: ("String value", "VALUE_STRING"),
    bool: ("Boolean value", "VALUE_TRUE"),
    int: ("Integer value", "VALUE_NUMBER_INT"),
    float: ("Floating-point value", "VALUE_NUMBER_FLOAT"),
    type(None): ("Null value", "VALUE_NULL"),
}


def parse_batch(
    content: bytes, verb: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the body of a batch of records, and its inputs.

    A body without `inputs` is a batch without inputs, not an error.

    Raises:
        Refusal: If the body is not valid JSON of the right shape.
    """
    body = parse_json(content)
    if not isinstance(body, dict):
        raise cannot_deserialize(1, f"Batch{INPUT_CLASS[verb]}", body)
    if verb == "read":
        _check_read(body)
    inputs = body.get("inputs")
    if inputs is None:
        return body, []
    if not isinstance(inputs, list):
        raise cannot_deserialize(11, "java.util.ArrayList", inputs)
    for index, item in enumerate(inputs):
        _check_item(verb, inputs, index, item)
    return body, inputs


def parse_record(content: bytes, verb: str) -> dict[str, Any]:
    """Return the body of a single create or update.

    Raises:
        Refusal: If the body is not valid JSON of the right shape.
    """
    body = parse_json(content)
    if not isinstance(body, dict):
        raise cannot_deserialize(1, SINGLE_CLASS[verb], body)
    # Recorded for lists: missing fields are noticed at the end of the object.
    _check_fields(verb, body, ["properties"], lambda: len(content))
    return body


def parse_inputs(content: bytes, limit: int = INPUTS_PER_BATCH) -> list[Any]:
    """Return the inputs of any other batch call, whose body must have `inputs`.

    Raises:
        Refusal: If `inputs` is missing or longer than `limit`.
    """
    body = parse_json(content)
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list):
        raise missing_fields(["inputs"])
    check_count(len(inputs), limit=limit)
    return inputs


def parse_json(content: bytes) -> Any:
    """Return the decoded JSON.

    Raises:
        Refusal: If the content is not JSON.
    """
    try:
        return decode(content)
    except InvalidJSON as error:
        raise _invalid_json(error.line, error.column, error.reason) from None


def _check_read(body: dict[str, Any]) -> None:
    for name in ("properties", "propertiesWithHistory"):
        names = body.get(name) or []
        if not isinstance(names, list):
            raise cannot_deserialize(1, "java.util.ArrayList", names)
        for property_name in names:
            _check_scalar(property_name, 1)
    _check_scalar(body.get("idProperty"), 1)


def _check_scalar(value: object, column: int) -> None:
    # Jackson converts numbers and booleans to strings where it expects a string.
    if isinstance(value, dict | list):
        raise cannot_deserialize(column, "java.lang.String", value)


def _check_item(verb: str, inputs: list[Any], index: int, item: object) -> None:
    # Reported columns are correct for compact JSON that begins with `inputs`.
    if not isinstance(item, dict):
        raise cannot_deserialize(_column(inputs, index), INPUT_CLASS[verb], item)
    required = ["properties"] if verb in {"create", "update", "upsert"} else []
    if verb != "create":
        required.insert(0, "id")
    _check_fields(verb, item, required, partial(_column, inputs, index))


def _check_fields(
    verb: str, item: dict[str, Any], required: list[str], column: Callable[[], int]
) -> None:
    missing = [name for name in required if item.get(name) is None]
    if verb == "upsert" and item.get("id") == "":
        # It would create a record that no later upsert could find.
        missing.insert(0, "id")
    if missing:
        where = f"line 1, column {column()}"
        raise Refusal(
            400,
            f"Invalid input JSON on {where}. Some required fields were not set: "
            f"[{', '.join(missing)}]",
            "VALIDATION_ERROR",
        )
    if verb == "create" and item.get("associations") is not None:
        check_associations(item["associations"])
    scalars = [item.get(name) for name in ("id", "objectWriteTraceId", "idProperty")]
    if "properties" in required:
        properties = item["properties"]
        if not isinstance(properties, dict):
            raise cannot_deserialize(column(), "java.util.LinkedHashMap", properties)
        scalars += properties.values()
    for value in scalars:
        if type(value) in _CONTAINERS:
            _check_scalar(value, column())


def _column(inputs: list[Any], index: int) -> int:
    before = len(msgspec.json.encode(inputs[:index]))
    return len('{"inputs":') + before + (1 if index else 0)


def cannot_deserialize(column: int, name: str, value: object) -> Refusal:
    """Return the refusal of a value of a wrong type, in Jackson's words."""
    kind, token = JSON_TOKENS[type(value)]
    name = name if "." in name else f"{_PACKAGE}.{name}$Json"
    cannot = f"Cannot deserialize value of type `{name}`"
    return _invalid_json(1, column, f"{cannot} from {kind} (token `JsonToken.{token}`)")


def _invalid_json(line: int, column: int, reason: str) -> Refusal:
    return Refusal(400, f"Invalid input JSON on line {line}, column {column}: {reason}")
