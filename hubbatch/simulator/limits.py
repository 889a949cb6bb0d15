"""The limits of association types: kept and told, not held to."""

from collections.abc import Mapping
from typing import Any

import attrs

from hubbatch.simulator.bodies import inputs_of
from hubbatch.simulator.links import CATEGORIES, Pair, Spec, unset
from hubbatch.simulator.rules import VALIDATION_ERROR
from hubbatch.simulator.shelves import Shelf
from hubbatch.simulator.world import Store


_WIDTH = 2**31


@attrs.frozen
class Limits:
    """One call: two object types, its inputs, and what became of them."""

    store: Store
    source: Shelf
    target: Shelf
    inputs: list[Mapping[str, Any]]
    results: list[dict[str, Any]] = attrs.field(init=False, factory=list)
    errors: list[dict[str, Any]] = attrs.field(init=False, factory=list)

    @property
    def types(self) -> Pair:
        """Return the ids of both object types."""
        return self.source.type.id, self.target.type.id

    def run(self, verb: str) -> None:
        """Do what is asked for, input by input."""
        known, limits = self.store.links.kinds(*self.types), self.store.links.limits
        for item in self.inputs:
            spec = (item["category"], item["typeId"])
            key = self.types, spec
            if verb == "purge":
                limits.pop(key, None)
            elif spec not in known:
                self._error(spec, VALIDATION_ERROR, "is not valid")
            elif item["maxToObjectIds"] < 1:
                self._error(spec, VALIDATION_ERROR, "cannot have such a limit")
            elif verb == "create" and key in limits:
                self._error(spec, "OBJECT_ALREADY_EXISTS", "has a limit already")
            elif verb == "update" and key not in limits:
                self._error(spec, "OBJECT_NOT_FOUND", "has no limit")
            else:
                limits[key] = item["maxToObjectIds"]
                told = {"label": known[spec].label} if verb == "create" else {}
                self.results.append(_shown(spec, limits[key], told))

    def _error(self, spec: Spec, category: str, message: str) -> None:
        category_of, number = spec
        self.errors.append(
            {
                "status": "error",
                "category": category,
                "message": f"{category_of} associationTypeId={number} {message}",
                "context": {"typeId": [str(number)]},
            }
        )


def _shown(spec: Spec, most: int, told: Mapping[str, str | None]) -> dict[str, Any]:
    shown = {"category": spec[0], "typeId": spec[1], "userEnforcedMaxToObjectIds": most}
    return {**shown, **{name: text for name, text in told.items() if text is not None}}


def parsed(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Read the inputs of a call; how many it may have is not documented."""
    inputs = inputs_of(content)
    numbers = ["typeId"] if verb == "purge" else ["typeId", "maxToObjectIds"]
    for item in inputs:
        given = item if isinstance(item, dict) else {}
        wrong = [name for name in numbers if not _fits(given.get(name))]
        if given.get("category") not in CATEGORIES:
            wrong.insert(0, "category")
        if wrong:
            raise unset(wrong)
    return inputs


def _fits(number: object) -> bool:
    return type(number) is int and -_WIDTH <= number < _WIDTH
