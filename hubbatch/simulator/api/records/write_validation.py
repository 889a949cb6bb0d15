"""Write validation, which the API enforces in versions from 2026-09 on."""

import re

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hubbatch.simulator.api.records.batches import Item
from hubbatch.simulator.crm.property_types import DAY_MS, Property, Rule, parse_instant
from hubbatch.simulator.crm.records import Shelf, as_string
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal, iso


# Nine or ten digits are seconds; as milliseconds they would fall into 1970.
_SECONDS: Final = re.compile(r"\d{9,10}", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def check_rules(rules: Iterable[Rule], item: Item) -> Refusal | None:
    """Return the refusal of an input that lacks a required property, or None."""
    values = {**(item.record.properties if item.record else {}), **item.written}
    problems = [
        _problem(rule)
        for rule in rules
        if not values.get(rule.name) and _applies(rule, item)
    ]
    if not problems:
        return None
    # Recorded: conditional rules alone yield a body without a top-level message.
    plain = any(problem["code"] == "MISSING_REQUIRED_PROPERTY" for problem in problems)
    message = "The property values provided are invalid" if plain else None
    return Refusal(400, message, VALIDATION_ERROR, {"errors": problems})


def _applies(rule: Rule, item: Item) -> bool:
    if not rule.when:
        return item.record is None
    return any(
        item.written.get(name) and (not values or item.written[name] in values)
        for name, values in rule.when.items()
    )


def _problem(rule: Rule) -> dict[str, Any]:
    code, message = "MISSING_REQUIRED_PROPERTY", f"A value for {rule.name} must be"
    if rule.when:
        code = "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
        names = ", ".join(rule.when)
        message = f"{rule.name} is required because of a conditional property rule"
        message = f"{message} based on [{names}]"
    else:
        message = f"{message} provided"
    context = {"propertyName": [rule.name]}
    return {"code": code, "message": message, "context": context}


def normalize_dates(
    shelf: Shelf, properties: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    """Return the values with dates cut to their day, and a warning for each change."""
    changed: dict[str, str] = {}
    warnings = []
    for name, value in properties.items():
        schema = shelf.type.properties.get(name)
        raw = "" if value is None else as_string(value)
        stored = None if schema is None else _day(schema, raw)
        if stored is not None:
            changed[name] = stored
            warnings.append(
                {
                    "category": "PROPERTY_VALUE_NORMALIZED",
                    "message": f"{name} was normalized",
                    "context": {
                        "propertyName": name,
                        "rawValue": raw,
                        "normalizedValue": stored,
                    },
                }
            )
    return {**properties, **changed}, warnings


def _day(schema: Property, raw: str) -> str | None:
    """Return the day of a date value that needs normalizing, or None."""
    if schema.type != "date" or schema.read_only or _DAY.fullmatch(raw):
        return None
    seconds = _SECONDS.fullmatch(raw) is not None
    milliseconds = int(raw) * 1000 if seconds else parse_instant(raw)
    if milliseconds is None or not (seconds or "T" in raw or milliseconds % DAY_MS):
        return None
    return iso(milliseconds - milliseconds % DAY_MS)[:10]
