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


def check_count(
    count: int, *, most: int = INPUTS_PER_BATCH, with_history: bool = False
) -> None:
    """Refuse more inputs than a call may carry."""
    if with_history and count > INPUTS_WITH_HISTORY:
        limit = f"request for property histories is {INPUTS_WITH_HISTORY}"
    elif count > most:
        limit = f"is {most}"
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
    shelf: Shelf,
    record: Record,
    written: Mapping[str, str],
    changed: Mapping[str, str],
) -> dict[str, str | None]:
    """Return what an update shows: what was written and a few of the type's own."""
    has = record.properties
    schema = shelf.type
    names = (*schema.shown_by_update, schema.created, schema.modified, "hs_object_id")
    shown: dict[str, str | None] = {name: has[name] for name in names if name in has}
    for name in written:
        shown[name] = has.get(name, "")
    if "email" in changed and "hs_email_domain" in has:
        shown["hs_email_domain"] = has["hs_email_domain"]
    return dict(sorted(shown.items()))
