"""Bodies as Jackson reads them, and as it complains of them."""

from typing import Any, Final

import orjson

from hubbatch.simulator.links import check_associations, unset
from hubbatch.simulator.rules import INPUTS_PER_BATCH, check_count
from hubbatch.simulator.wire import Refusal


# Jackson names the class that it could not build; recorded for update.
_PACKAGE: Final = "com.hubspot.inbounddb.publicobject.core.v2"
INPUT_CLASS: Final = {
    "create": "SimplePublicObjectBatchInputForCreate",
    "read": "SimplePublicObjectId",
    "update": "SimplePublicObjectBatchInput",
    "upsert": "SimplePublicObjectBatchInputUpsert",
    "archive": "SimplePublicObjectId",
}
_CONTAINERS: Final = {dict, list}
_TOKENS: Final = {
    list: ("Array value", "START_ARRAY"),
    dict: ("Object value", "START_OBJECT"),
    str: ("String value", "VALUE_STRING"),
    bool: ("Boolean value", "VALUE_TRUE"),
    int: ("Integer value", "VALUE_NUMBER_INT"),
    float: ("Floating-point value", "VALUE_NUMBER_FLOAT"),
    type(None): ("Null value", "VALUE_NULL"),
}


def parsed(content: bytes, verb: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read a batch body; one without `inputs` is a batch of nothing, not an error."""
    body = deserialized(content)
    if not isinstance(body, dict):
        raise _cannot_deserialize(1, f"Batch{INPUT_CLASS[verb]}", body)
    if verb == "read":
        _check_read(body)
    inputs = body.get("inputs")
    if inputs is None:
        return body, []
    if not isinstance(inputs, list):
        raise _cannot_deserialize(11, "java.util.ArrayList", inputs)
    for index, item in enumerate(inputs):
        _check_item(verb, inputs, index, item)
    return body, inputs


def inputs_of(content: bytes, most: int = INPUTS_PER_BATCH) -> list[Any]:
    """Read the inputs of a call that is no batch of records; they must be there."""
    body = deserialized(content)
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list):
        raise unset(["inputs"])
    check_count(len(inputs), most=most)
    return inputs


def deserialized(content: bytes) -> Any:
    """Read JSON, or refuse what is none."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _invalid_json(error.lineno, error.colno, error.msg) from None


def _check_read(body: dict[str, Any]) -> None:
    for name in ("properties", "propertiesWithHistory"):
        names = body.get(name) or []
        if not isinstance(names, list):
            raise _cannot_deserialize(1, "java.util.ArrayList", names)
        for one in names:
            _check_scalar(one, 1)
    _check_scalar(body.get("idProperty"), 1)


def _check_scalar(value: object, column: int) -> None:
    # Jackson writes a number or a boolean where a string belongs as text.
    if isinstance(value, dict | list):
        raise _cannot_deserialize(column, "java.lang.String", value)


def _check_item(verb: str, inputs: list[Any], index: int, item: object) -> None:
    # Columns are those of compact JSON that begins with its inputs.
    if not isinstance(item, dict):
        raise _cannot_deserialize(_column(inputs, index), INPUT_CLASS[verb], item)
    required = ("properties",) if verb in {"create", "update", "upsert"} else ()
    if verb != "create":
        required = ("id", *required)
    missing = [name for name in required if item.get(name) is None]
    if verb == "upsert" and item.get("id") == "":
        # It would make a record that no later upsert finds.
        missing.insert(0, "id")
    if missing:
        where = f"line 1, column {_column(inputs, index)}"
        raise Refusal(
            400,
            f"Invalid input JSON on {where}. Some required fields were not set: "
            f"[{', '.join(missing)}]",
            "VALIDATION_ERROR",
        )
    if verb == "create" and item.get("associations") is not None:
        check_associations(item["associations"])
    texts = [item.get(name) for name in ("id", "objectWriteTraceId", "idProperty")]
    if "properties" in required:
        properties = item["properties"]
        if not isinstance(properties, dict):
            column = _column(inputs, index)
            raise _cannot_deserialize(column, "java.util.LinkedHashMap", properties)
        texts += properties.values()
    for text in texts:
        if type(text) in _CONTAINERS:
            _check_scalar(text, _column(inputs, index))


def _column(inputs: list[Any], index: int) -> int:
    before = len(orjson.dumps(inputs[:index]))
    return len('{"inputs":') + before + (1 if index else 0)


def _cannot_deserialize(column: int, name: str, value: object) -> Refusal:
    kind, token = _TOKENS[type(value)]
    name = name if "." in name else f"{_PACKAGE}.{name}$Json"
    text = f"Cannot deserialize value of type `{name}`"
    return _invalid_json(1, column, f"{text} from {kind} (token `JsonToken.{token}`)")


def _invalid_json(line: int, column: int, text: str) -> Refusal:
    return Refusal(400, f"Invalid input JSON on line {line}, column {column}: {text}")
