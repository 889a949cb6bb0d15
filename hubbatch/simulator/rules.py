"""What HubSpot refuses of a whole batch, and in which words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from hubbatch.simulator.schemas import Problem
from hubbatch.simulator.shelves import Record, Shelf, as_text
from hubbatch.simulator.wire import Refusal


VALIDATION_ERROR: Final = "VALIDATION_ERROR"

# "Object API batch endpoints are limited to 100 inputs per request"; the 50 is in
# the text of the refusal only.
INPUTS_PER_BATCH: Final = 100
INPUTS_WITH_HISTORY: Final = 50

# Two recorded refusals list four problems in their message and three in `errors`.
ERRORS_LISTED: Final = 3

# Jackson names the class that it could not build; recorded for update.
_PACKAGE = "com.hubspot.inbounddb.publicobject.core.v2"
INPUT_CLASS = {
    "create": "SimplePublicObjectBatchInputForCreate",
    "read": "SimplePublicObjectId",
    "update": "SimplePublicObjectBatchInput",
    "upsert": "SimplePublicObjectBatchInputUpsert",
    "archive": "SimplePublicObjectId",
}
_CONTAINERS = {dict, list}
_TOKENS = {
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
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _invalid_json(error.lineno, error.colno, error.msg) from None
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
    if missing:
        where = f"line 1, column {_column(inputs, index)}"
        raise Refusal(
            400,
            f"Invalid input JSON on {where}. Some required fields were not set: "
            f"[{', '.join(missing)}]",
            VALIDATION_ERROR,
        )
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


def check_count(count: int, *, with_history: bool = False) -> None:
    """Refuse more inputs than a call may carry."""
    if with_history and count > INPUTS_WITH_HISTORY:
        limit = f"request for property histories is {INPUTS_WITH_HISTORY}"
    elif count > INPUTS_PER_BATCH:
        limit = f"is {INPUTS_PER_BATCH}"
    else:
        return
    raise Refusal(
        400,
        f"The maximum number of inputs supported in a batch {limit}. "
        "Please reduce the number of items and try again",
        VALIDATION_ERROR,
    )


def check_duplicates(keys: Sequence[tuple[str, str]], sent: Sequence[str]) -> None:
    """Refuse a batch that names one record twice, traced or not.

    A key is a property and its value; for a record that exists, its id.
    """
    if len(set(keys)) == len(keys):
        return
    seen: dict[tuple[str, str], str] = {}
    twice: dict[tuple[str, str], str] = {}
    for key, text in zip(keys, sent, strict=True):
        if key in seen:
            # The same text twice is named as sent, else what both of them mean.
            twice[key] = text if seen[key] == text else key[1]
        seen.setdefault(key, text)
    ids = list(twice.values())
    message = f"Duplicate IDs found in batch input: [{', '.join(ids)}]."
    raise Refusal(
        400,
        f"{message} IDs must be unique",
        VALIDATION_ERROR,
        {"context": {"ids": ids}},
    )


def non_unique(action: str, shelf: Shelf, name: str, portal_id: int) -> Refusal:
    """Refuse to look records up by a property that does not name one."""
    return Refusal(
        400,
        f"Unable to perform {action} by non-unique {shelf.type.id} property {name} "
        f"in portal ID {portal_id}",
        VALIDATION_ERROR,
    )


def accepted(
    shelf: Shelf, properties: Mapping[str, object]
) -> tuple[dict[str, str], list[Problem]]:
    """Return the values that will be stored, and what is wrong with the others."""
    schema = shelf.type.properties
    written: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in properties.items():
        known = schema.get(name)
        if known is None:
            message = f'Property "{name}" does not exist'
            problems.append(Problem(name, "PROPERTY_DOESNT_EXIST", message))
            continue
        if value is None:
            # Answered with 200 and ignored: null does not clear.
            continue
        text = value if type(value) is str else as_text(value)
        stored = text if known.plain else known.accept(text)
        if isinstance(stored, Problem):
            problems.append(stored)
        else:
            written[name] = stored
    return written, problems


def invalid_values(problems: Iterable[Problem]) -> Refusal:
    """Refuse a batch for its values; nothing says which input had them."""
    listed = list(problems)
    details = [problem.detail() for problem in listed[:ERRORS_LISTED]]
    return Refusal(400, values_message(listed), VALIDATION_ERROR, {"errors": details})


def values_message(problems: Iterable[Problem]) -> str:
    """Return the message, which carries JSON inside its text."""
    embedded = orjson.dumps([problem.embedded() for problem in problems]).decode()
    return f"Property values were not valid: {embedded}"


def taken_value(
    shelf: Shelf, portal_id: int, name: str, value: str, record_id: str, owner: str
) -> str:
    """Say that a unique value has an owner; the first id is of no finished record."""
    kind, _, number = shelf.type.id.partition("-")
    if kind == "0":
        type_id = f"legacyObjectType={shelf.type.legacy}"
    else:
        type_id = f"metaTypeId={kind}, innerId={number}"
    return (
        f"Cannot set PropertyValueCoordinates{{portalId={portal_id}, "
        f"objectTypeId=ObjectTypeId{{{type_id}}}, propertyName={name}, "
        f"value={value}}} on {record_id}. {owner} already has that value."
    )


def not_found(shelf: Shelf, ids: list[str], traces: list[str]) -> dict[str, Any]:
    """Return the one error that names every record not found."""
    context: dict[str, list[str]] = {"ids": ids}
    if traces:
        context["objectWriteTraceId"] = traces
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": (
            f"Could not get some {shelf.type.legacy} objects, they may be deleted "
            "or not exist. Check that ids are valid."
        ),
        "context": context,
    }


def trace_ids(inputs: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return the trace ids if every input has one of its own, else nothing."""
    traces = [item.get("objectWriteTraceId") for item in inputs]
    if None in traces or len({str(trace) for trace in traces}) < len(traces):
        return None
    return [str(trace) for trace in traces]


def shown_after_update(
    shelf: Shelf, record: Record, written: Mapping[str, str]
) -> dict[str, str | None]:
    """Return what an update shows: what was written and a few of the type's own."""
    has = record.properties
    schema = shelf.type
    names = (*schema.shown_by_update, schema.created, schema.modified, "hs_object_id")
    shown: dict[str, str | None] = {name: has[name] for name in names if name in has}
    for name in written:
        shown[name] = has.get(name, "")
    if "email" in written and "hs_email_domain" in has:
        shown["hs_email_domain"] = has["hs_email_domain"]
    return dict(sorted(shown.items()))
