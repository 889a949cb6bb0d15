"""Converts HubSpot's error objects to errors of single records."""

import re

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.json import decode

from hubbatch._wire.records import optional_text
from hubbatch.errors import (
    APIError,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
)
from hubbatch.models import Context, ErrorDetail, StandardError


# The message for an error that has none.
NO_REASON = "HubSpot gave no reason"
_CONFLICTS = frozenset({"CONFLICT", "OBJECT_ALREADY_EXISTS"})
_EXISTING_ID = re.compile(r"Existing ID: (\d+)")
# "Cannot set PropertyValueCoordinates{...} on <new id>. <owner id> already has that
# value.": the second id is the record that has the value.
_OWNER_ID = re.compile(r"(\d+) already has that value")
_HALF_WRITTEN = re.compile(r"Cannot set PropertyValueCoordinates")
# The message of a property error ends in a JSON list with an item for each invalid
# value. In crm-objects/v1 the list is a separate field, alongside one of these
# messages.
_UNLISTED = frozenset(
    {"Property values were not valid", "The property values provided are invalid"}
)
# Members of a context that only identify records: a message does not repeat them.
_IDENTIFYING = frozenset(
    {"ids", "id", "objectWriteTraceId", "existingId", "fromObjectId", "toObjectId"}
)
_SHOWN_VALUES = 5
_WORD = re.compile(r"\w+")
# Part of the context when an update names a unique value that no record has.
_MISSING_RECORDS = "missingObjectPropertyValueCoordinates"
_PROBLEMS = re.compile(r"Property values were not valid: (\[.*\])", re.DOTALL)


def record_error_from_207(error: StandardError) -> RecordError:
    """Return the error of a record named in a 207."""
    return _record_error(
        error.category,
        error.message,
        error.errors,
        context=error.context,
        correlation_id=None,
    )


def record_error_from_refusal(error: APIError) -> RecordError:
    """Return the error of the only record in a refused request."""
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
    """Return whether a refusal says that all but one property was written."""
    return _HALF_WRITTEN.search(message) is not None


def _record_error(
    category: str | None,
    message: str | None,
    details: Sequence[ErrorDetail],
    *,
    context: Context | None,
    correlation_id: str | None,
) -> RecordError:
    reason = message or category or NO_REASON
    problems = listed_problems(reason)
    detail = details[0] if details else None
    code = detail.code if detail else None
    property_name = _first(detail.context, "propertyName") if detail else None
    if problems:
        reason = "; ".join(str(problem.get("message")) for problem in problems)
        code = code or optional_text(problems[0].get("error"))
        property_name = property_name or optional_text(problems[0].get("name"))
    elif reason in _UNLISTED or message is None:
        causes = [detail.message for detail in details if detail.message]
        reason = "; ".join(causes) or reason
    reason = _with_context(reason, context)
    property_name = property_name or _property_in(context)
    cls = RecordConflict if _OWNER_ID.search(reason) else _error_class(category)
    if isinstance(context, Mapping) and _MISSING_RECORDS in context:
        cls = RecordNotFound
    error = cls(
        reason,
        category=category,
        code=code,
        property_name=property_name,
        correlation_id=correlation_id,
        context=context,
    )
    if isinstance(error, RecordConflict):
        error.existing_id = _existing_id(reason, context)
    return error


def _with_context(message: str, context: Context | None) -> str:
    """Return a message, extended by the parts of the context that it lacks."""
    if not isinstance(context, Mapping):
        return message
    added = []
    for name, values in context.items():
        shown = [value for value in values if _WORD.search(value)]
        if name not in _IDENTIFYING and not all(value in message for value in shown):
            added.append(f"{name}: {', '.join(shown[:_SHOWN_VALUES])}")
    return f"{message} ({'; '.join(added)})" if added else message


def _property_in(context: Context | None) -> str | None:
    """Return the property that the context of an error names, if any."""
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
    """Return the list of invalid values at the end of a message."""
    found = _PROBLEMS.search(message)
    if found is None:
        return []
    try:
        problems = decode(found[1])
    except (ValueError, RecursionError):
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
