"""HubSpot's error objects as the error of one record."""

import re

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from hubbatch.errors import (
    APIError,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
)
from hubbatch.models import Context, ErrorDetail, StandardError

from .codec import optional_text


# The message of an error that has none.
NO_REASON = "HubSpot gave no reason"
_CONFLICTS = frozenset({"CONFLICT", "OBJECT_ALREADY_EXISTS"})
_EXISTING_ID = re.compile(r"Existing ID: (\d+)")
# "Cannot set PropertyValueCoordinates{...} on <new id>. <owner id> already has that
# value.": the second id is the record that has the value.
_OWNER_ID = re.compile(r"(\d+) already has that value")
_HALF_WRITTEN = re.compile(r"Cannot set PropertyValueCoordinates")
# The message of a property error ends in a JSON list with an item for each value.
# That of crm-objects/v1 ends before it: the list stands beside it.
# The causes beside these messages say what is wrong; they themselves do not.
_UNLISTED = frozenset(
    {"Property values were not valid", "The property values provided are invalid"}
)
# What only identifies a record, and needs no place in a message.
_IDENTIFYING = frozenset(
    {"ids", "id", "objectWriteTraceId", "existingId", "fromObjectId", "toObjectId"}
)
_SHOWN_VALUES = 5
_WORD = re.compile(r"\w+")
# In the context of an update by a unique value: HubSpot has no record with the value.
_MISSING_RECORDS = "missingObjectPropertyValueCoordinates"
_PROBLEMS = re.compile(r"Property values were not valid: (\[.*\])", re.DOTALL)


def from_standard_error(error: StandardError) -> RecordError:
    """Make the error of one record that a 207 names."""
    return _record_error(
        error.category,
        error.message,
        error.errors,
        context=error.context,
        correlation_id=None,
    )


def from_api_error(error: APIError) -> RecordError:
    """Make the error of the one record in a refused request."""
    category = error.category
    if category is None:
        category = {404: "OBJECT_NOT_FOUND", 409: "CONFLICT"}.get(
            error.status or 0, "VALIDATION_ERROR"
        )
    return _record_error(
        category,
        error.message,
        error.errors,
        context=error.context,
        correlation_id=error.correlation_id,
    )


def is_half_written(message: str) -> bool:
    """Whether a refusal is the one that has left a record without the property."""
    return _HALF_WRITTEN.search(message) is not None


def _record_error(
    category: str | None,
    message: str | None,
    details: Sequence[ErrorDetail],
    *,
    context: Context | None,
    correlation_id: str | None,
) -> RecordError:
    text = message or category or NO_REASON
    problems = listed_problems(text)
    detail = details[0] if details else None
    code = detail.code if detail else None
    property_name = _first(detail.context, "propertyName") if detail else None
    if problems:
        text = "; ".join(str(problem.get("message")) for problem in problems)
        code = code or optional_text(problems[0].get("error"))
        property_name = property_name or optional_text(problems[0].get("name"))
    elif text in _UNLISTED or message is None:
        text = "; ".join(one.message for one in details if one.message) or text
    text = _with_context(text, context)
    property_name = property_name or _property_in(context)
    cls = RecordConflict if _OWNER_ID.search(text) else _error_class(category)
    if isinstance(context, Mapping) and _MISSING_RECORDS in context:
        cls = RecordNotFound
    made = cls(
        text,
        category=category,
        code=code,
        property_name=property_name,
        correlation_id=correlation_id,
        context=context,
    )
    if isinstance(made, RecordConflict):
        made.existing_id = _existing_id(text, context)
    return made


def _with_context(text: str, context: Context | None) -> str:
    """Add to a message what only the context of an error says."""
    if not isinstance(context, Mapping):
        return text
    told = []
    for name, values in context.items():
        said = [value for value in values if _WORD.search(value)]
        if name not in _IDENTIFYING and not all(value in text for value in said):
            told.append(f"{name}: {', '.join(said[:_SHOWN_VALUES])}")
    return f"{text} ({'; '.join(told)})" if told else text


def _property_in(context: Context | None) -> str | None:
    """Find the property that the context of an error names, if it names one."""
    for name in ("propertyName", "properties"):
        found = _first(context, name)
        if found is not None and _WORD.fullmatch(found):
            return found
    return None


def _error_class(category: str | None) -> type[RecordError]:
    if category in _CONFLICTS:
        return RecordConflict
    if category == "OBJECT_NOT_FOUND":
        return RecordNotFound
    if category == "VALIDATION_ERROR":
        return RecordInvalid
    return RecordError


def listed_problems(message: str) -> list[dict[str, Any]]:
    """Read the list in which a message names every value that was not valid."""
    found = _PROBLEMS.search(message)
    if found is None:
        return []
    try:
        problems = orjson.loads(found[1])
    except orjson.JSONDecodeError:
        return []
    return [item for item in problems if isinstance(item, dict)]


def _existing_id(message: str, context: Context | None) -> str | None:
    named = _first(context, "existingId")
    if named is not None:
        return named
    found = _EXISTING_ID.search(message) or _OWNER_ID.search(message)
    return found[1] if found else None


def _first(context: Context | None, name: str) -> str | None:
    if not isinstance(context, Mapping):
        return None
    values = context.get(name)
    return values[0] if values else None
