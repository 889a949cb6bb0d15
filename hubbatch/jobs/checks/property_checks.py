"""Finds the values that HubSpot would refuse in a record, by its property definitions.

Certain refusals are distinguished from possible ones. Definitions do not cover
everything: owners, pipelines and stages are defined elsewhere, and HubSpot's treatment
of nearly valid values has not been recorded. Codes are HubSpot's own where it has one.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from attrs import evolve

from hubbatch._wire.calls import Verb
from hubbatch._wire.object_types import standard_type
from hubbatch.models import Property

from .value_checks import (
    Problem,
    ValueCheck,
    check_number,
    check_of_options,
    check_text,
    check_time,
    problem_with,
    quote,
)


class Checker:
    """Checks records of one object type, whose values are encoded as strings.

    Args:
        properties: The definitions of all properties of the type.
        verb: The verb to call with the records.
        object_type: E.g. `contacts`.
        required: The properties that a new record must have.
    """

    def __init__(
        self,
        properties: Iterable[Property],
        verb: Verb,
        object_type: str,
        required: Iterable[str] = (),
    ) -> None:
        self._known = {
            definition.name: definition
            for definition in properties
            if not definition.archived
        }
        known = standard_type(object_type)
        self._email = known is not None and known.name == "contacts"
        self._verb = verb
        self._type = known
        self._required = tuple(required)
        self._checks: dict[str, ValueCheck] = {}
        self._key_checks: dict[str, ValueCheck] = {}

    def check(self, values: Mapping[str, str]) -> list[Problem]:
        """Return the problems with the values of one record."""
        checks, found = self._checks, []
        for name, value in values.items():
            check_value = checks.get(name)
            if check_value is None:
                check_value = checks[name] = self._check_of(name)
            problem = check_value(value)
            if problem is not None:
                found.append(problem)
        return found

    def check_key_value(self, name: str, value: str) -> list[Problem]:
        """Return the problem with the value of the unique property of one record."""
        definition = self._known.get(name)
        if definition is None:  # reported once, by `check_key`
            return []
        check_value = self._key_checks.get(name)
        if check_value is None:
            check_value = self._key_checks[name] = self._check_of_values(definition)
        problem = check_value(value)
        if problem is None:
            return []
        if self._verb in ("read", "archive"):  # such a record does not exist
            problem = evolve(problem, certain=False)
        return [problem]

    def is_text(self, name: str) -> bool:
        """Return whether a property holds text."""
        definition = self._known.get(name)
        return definition is not None and definition.type in ("string", "phone_number")

    def check_required(self, values: Mapping[str, str]) -> list[Problem]:
        """Return the required properties that a new record lacks.

        The schema of a standard type lists some that HubSpot does not enforce.
        """
        what = "a new record must have it"
        return [
            problem_with("REQUIRED_PROPERTY", name, what, certain=self._type is None)
            for name in self._required
            if not values.get(name)
        ]

    def check_id(self, value: str) -> list[Problem]:
        """Check whether a string can be a record id."""
        if value.isascii() and value.isdecimal():
            return []
        what = f"{quote(value)} is not a record id, which is a number"
        # Archiving a record that does not exist is not an error.
        return [Problem("NO_RECORD_ID", "", what, certain=self._verb != "archive")]

    def check_read(self, names: Iterable[str]) -> list[Problem]:
        """Return a problem for each requested property that does not exist."""
        return [
            self._unknown(name, certain=False)
            for name in names
            if name not in self._known
        ]

    def check_key(self, name: str | None) -> list[Problem]:
        """Check whether a property can identify records; None means their id."""
        if name is None:
            return []
        definition = self._known.get(name)
        if definition is None:
            return [self._unknown(name)]
        if definition.has_unique_value or (self._email and name == "email"):
            return []
        # Some unique properties are not marked as unique in their definition.
        return [
            Problem(
                "NOT_UNIQUE",
                name,
                f"{quote(name)} is not defined as unique: HubSpot {self._verb}s by "
                "unique properties only",
                certain=name == "hs_object_id",
            )
        ]

    def is_unique(self, name: str) -> bool:
        """Whether no two records may have the same value of a property."""
        definition = self._known.get(name)
        unique = definition is not None and bool(definition.has_unique_value)
        return unique or (self._email and name == "email")

    def _unknown(self, name: str, *, certain: bool = True) -> Problem:
        near = get_close_matches(name.lower(), self._known, 1, 0.75)
        hint = f"; did you mean {quote(near[0])}?" if near else ""
        message = f"property {quote(name)} does not exist{hint}"
        return Problem("PROPERTY_DOESNT_EXIST", name, message, certain)

    def _check_of(self, name: str) -> ValueCheck:
        definition = self._known.get(name)
        if definition is None:
            problem = self._unknown(name)
            return lambda _: problem
        about = definition.modification_metadata
        if about is not None and about.read_only_value:
            problem = problem_with("READ_ONLY_VALUE", name, "it is read-only")
            return lambda _: problem
        if definition.calculated:
            problem = problem_with(
                "READ_ONLY_VALUE", name, "HubSpot calculates it", certain=False
            )
            return lambda _: problem
        return self._check_of_values(definition)

    def _check_of_values(self, definition: Property) -> ValueCheck:
        name = definition.name
        match definition.type:
            case "number":
                return lambda value: check_number(name, value)
            case "date" | "datetime":
                midnight = definition.type == "date"
                return lambda value: check_time(name, value, midnight=midnight)
            case "enumeration" | "bool":
                return check_of_options(definition)
            case "string" | "phone_number":
                email = self._email and name == "email"
                phone = "phone" in (definition.field_type or definition.type or "")
                return lambda value: check_text(name, value, email=email, phone=phone)
            case _:  # a type unknown to hubbatch
                return lambda _: None
