"""Checks on a whole batch, and their messages in HubSpot's words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from hubbatch.simulator.crm.property_types import ObjectType, Problem
from hubbatch.simulator.crm.records import Record, Shelf, as_string
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal


# "Object API batch endpoints are limited to 100 inputs per request"; only the refusal
# mentions the 50.
INPUTS_PER_BATCH: Final = 100
INPUTS_WITH_HISTORY: Final = 50

# Two recorded refusals list four problems in their message and three in `errors`.
ERRORS_LISTED: Final = 3

LONG_DIGITS: Final = 18


def check_count(
    count: int, *, limit: int = INPUTS_PER_BATCH, with_history: bool = False
) -> None:
    """Check the number of inputs.

    Raises:
        Refusal: If there are more than the limit.
    """
    if with_history and count > INPUTS_WITH_HISTORY:
        allowed = f"request for property histories is {INPUTS_WITH_HISTORY}"
    elif count > limit:
        allowed = f"is {limit}"
    else:
        return
    raise Refusal(
        400,
        f"The maximum number of inputs supported in a batch {allowed}. "
        "Please reduce the number of items and try again",
        VALIDATION_ERROR,
    )


def invalid(name: str, value: object) -> Refusal:
    """Return the refusal of a parameter. HubSpot's text is unknown."""
    return Refusal(400, f"Invalid input: {name} was {value}", VALIDATION_ERROR)


def whole_number(name: str, value: str) -> int:
    """Return the number in a parameter.

    Raises:
        Refusal: If it is not a whole number of at most 18 digits: all of those fit
            into Java's `long`.
    """
    if not (value.isascii() and value.isdecimal() and len(value) <= LONG_DIGITS):
        raise invalid(name, value)
    return int(value)


def check_duplicates(keys: Sequence[tuple[str, str]], sent: Sequence[str]) -> None:
    """Check that no record is named twice, whether or not inputs have trace ids.

    Args:
        keys: For each input a property and its value; `hs_object_id` and the id if the
            record exists.
        sent: For each input the `id` as sent.

    Raises:
        Refusal: If a key occurs twice.
    """
    if len(set(keys)) == len(keys):
        return
    seen: dict[tuple[str, str], str] = {}
    twice: dict[tuple[str, str], str] = {}
    for key, sent_id in zip(keys, sent, strict=True):
        if key in seen:
            # Report the id as sent; if two spellings differ, the value they stand for.
            twice[key] = sent_id if seen[key] == sent_id else key[1]
        seen.setdefault(key, sent_id)
    ids = list(twice.values())
    message = f"Duplicate IDs found in batch input: [{', '.join(ids)}]."
    raise Refusal(
        400,
        f"{message} IDs must be unique",
        VALIDATION_ERROR,
        {"context": {"ids": ids}},
    )


def non_unique(action: str, shelf: Shelf, name: str, portal_id: int) -> Refusal:
    """Return the refusal of an id property that is not unique."""
    return Refusal(
        400,
        f"Unable to perform {action} by non-unique {shelf.type.id} property {name} "
        f"in portal ID {portal_id}",
        VALIDATION_ERROR,
    )


def check_values(
    shelf: Shelf, properties: Mapping[str, object], portal_id: int | None = None
) -> tuple[dict[str, str], list[Problem]]:
    """Return the values as HubSpot stores them, and the problems of invalid ones.

    Some messages name the portal; those of v1 do not.
    """
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
            # HubSpot answers 200 and ignores null; it does not clear the value.
            continue
        string = value if type(value) is str else as_string(value)
        stored = string if known.plain else known.accept(string)
        if isinstance(stored, Problem):
            problems.append(_in_portal(stored, shelf, portal_id))
        else:
            written[name] = stored
    return written, problems


def _in_portal(problem: Problem, shelf: Shelf, portal_id: int | None) -> Problem:
    # Recorded for meetings, 2022; contacts v1 end with "long.".
    if problem.code != "INVALID_LONG" or portal_id is None:
        return problem
    where = f"Portal {portal_id}, object type {shelf.type.id}"
    return attrs.evolve(problem, message=f"{problem.message} {where}")


def invalid_values(problems: Iterable[Problem]) -> Refusal:
    """Return the refusal of a batch with invalid values; it names no input."""
    listed = list(problems)
    details = [problem.detail() for problem in listed[:ERRORS_LISTED]]
    return Refusal(400, values_message(listed), VALIDATION_ERROR, {"errors": details})


def values_message(problems: Iterable[Problem]) -> str:
    """Return the message, in which HubSpot embeds the problems as JSON."""
    embedded = msgspec.json.encode([problem.embedded() for problem in problems])
    return f"Property values were not valid: {embedded.decode()}"


def taken_value_message(
    shelf: Shelf, portal_id: int, name: str, value: str, record_id: str, owner: str
) -> str:
    """Return the message that another record owns a unique value.

    `record_id` is the record being written, which may never come to exist.
    """
    return (
        f"Cannot set PropertyValueCoordinates{{portalId={portal_id}, "
        f"objectTypeId={type_name(shelf.type)}, propertyName={name}, "
        f"value={value}}} on {record_id}. {owner} already has that value."
    )


def type_name(object_type: ObjectType) -> str:
    """Return how messages name an object type."""
    kind, _, number = object_type.id.partition("-")
    if kind == "0":
        return f"ObjectTypeId{{legacyObjectType={object_type.legacy_name}}}"
    return f"ObjectTypeId{{metaTypeId={kind}, innerId={number}}}"


def not_found(shelf: Shelf, ids: list[str], traces: list[str]) -> dict[str, Any]:
    """Return the single error that names all records not found."""
    context: dict[str, list[str]] = {"ids": ids}
    if traces:
        context["objectWriteTraceId"] = traces
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": (
            f"Could not get some {shelf.type.legacy_name} objects, they may be deleted "
            "or not exist. Check that ids are valid."
        ),
        "context": context,
    }


def trace_ids(inputs: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return the trace ids if each input has a different one, otherwise None."""
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
    """Return the properties in the result of an update.

    These are the written ones, a few that the object type always shows, and those that
    HubSpot computes from the changed ones.
    """
    values = record.properties
    schema = shelf.type
    names = (*schema.shown_by_update, schema.created, schema.modified, "hs_object_id")
    shown: dict[str, str | None] = {
        name: values[name] for name in names if name in values
    }
    for name in written:
        shown[name] = values.get(name, "")
    # Recorded: not the name of a contact.
    computed = (changed.keys() & {*schema.recomputed}) - {"hs_full_name_or_email"}
    if "email" in changed:
        computed |= {"hs_email_domain"}
    shown |= {name: values[name] for name in computed if name in values}
    return dict(sorted(shown.items()))
