"""Which records are associated, and the types that an association can be of."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.rules import VALIDATION_ERROR
from hubbatch.simulator.wire import Refusal


# An association's category and type id.
Spec = tuple[str, int]
Pair = tuple[str, str]

HUBSPOT: Final = "HUBSPOT_DEFINED"
CATEGORIES: Final = (HUBSPOT, "INTEGRATOR_DEFINED", "USER_DEFINED", "WORK")

# "Association type IDs", associations guide: there and back. The first of two object
# types is what an unlabelled association has; a second one with companies has HubSpot's
# own label for the main company, as its answers of 2024 and later show it.
_DOCUMENTED: Final = (
    ("0-1", "0-2", 279, 280),
    ("0-1", "0-2", 1, 2),
    ("0-3", "0-1", 3, 4),
    ("0-3", "0-2", 341, 342),
    ("0-3", "0-2", 5, 6),
    ("0-1", "0-5", 15, 16),
    ("0-5", "0-2", 339, 340),
    ("0-5", "0-2", 26, 25),
    ("0-3", "0-5", 27, 28),
    ("0-3", "0-8", 19, 20),
    ("0-18", "0-1", 81, 82),
    ("0-18", "0-5", 83, 84),
    ("0-18", "0-3", 85, 86),
    ("0-18", "0-2", 87, 88),
    ("0-1", "0-1", 449, 449),
    ("0-2", "0-2", 450, 450),
    ("0-2", "0-2", 13, 14),
    ("0-3", "0-3", 451, 451),
    ("0-5", "0-5", 452, 452),
)
_PRIMARY: Final = frozenset({1, 5, 26})


@attrs.frozen
class Kind:
    """A type of association: what it is called, and what the way back is."""

    back: Spec
    label: str | None = None


def _documented() -> dict[Pair, dict[Spec, Kind]]:
    kinds: dict[Pair, dict[Spec, Kind]] = {}
    for one, other, there, back in _DOCUMENTED:
        label = "Primary" if there in _PRIMARY else None
        there_by, back_by = (HUBSPOT, there), (HUBSPOT, back)
        kinds.setdefault((one, other), {})[there_by] = Kind(back_by, label)
        kinds.setdefault((other, one), {})[back_by] = Kind(there_by, label)
    return kinds


# Custom objects have types of their own in each account; this one is made up.
_OTHERWISE: Final[Mapping[Spec, Kind]] = {(HUBSPOT, 1): Kind((HUBSPOT, 1))}


@attrs.define
class Links:
    """The associations of one account, kept in both directions."""

    _kinds: dict[Pair, dict[Spec, Kind]] = attrs.field(factory=_documented, repr=False)
    _links: dict[Pair, dict[Pair, set[Spec]]] = attrs.field(factory=dict, repr=False)
    # How many records one of the first type may lead to by a type of association.
    limits: dict[tuple[Pair, Spec], int] = attrs.field(factory=dict, repr=False)
    _last_id: int = attrs.field(default=35, init=False)

    def label(self, source: str, target: str, label: str) -> int:
        """Add a label between two types; the way back has an id of its own."""
        there, back = self._last_id + 1, self._last_id + 2
        self._last_id = back
        one, other = ("USER_DEFINED", there), ("USER_DEFINED", back)
        self._kinds.setdefault((source, target), {})[one] = Kind(other, label)
        self._kinds.setdefault((target, source), {})[other] = Kind(one, label)
        return there

    def kinds(self, source: str, target: str) -> Mapping[Spec, Kind]:
        """Return the types that two object types can be associated by."""
        known = self._kinds.get((source, target), {})
        if any(category == HUBSPOT for category, _ in known):
            return known
        return {**_OTHERWISE, **known}

    def leading(self, source: str) -> list[tuple[str, Spec, Kind]]:
        """Return the types of association that lead away from an object type."""
        return [
            (target, spec, kind)
            for (one, target), kinds in self._kinds.items()
            if one == source
            for spec, kind in kinds.items()
        ]

    def default(self, source: str, target: str) -> Spec:
        """Return what an association without a label is of."""
        return next(iter(self.kinds(source, target)))

    def target(self, source: str, spec: Spec) -> str | None:
        """Return the object type that a type of association leads to."""
        for (one, other), kinds in self._kinds.items():
            if one == source and spec in kinds:
                return other
        return None

    def link(self, source: Pair, target: Pair, specs: Iterable[Spec]) -> None:
        """Associate two records, each a type and an id."""
        kinds = self.kinds(source[0], target[0])
        there = self._links.setdefault(source, {}).setdefault(target, set())
        back = self._links.setdefault(target, {}).setdefault(source, set())
        for spec in specs:
            there.add(spec)
            back.add(kinds[spec].back)

    def unlink(
        self, source: Pair, target: Pair, specs: Iterable[Spec] | None = None
    ) -> None:
        """Take an association apart, or some of its labels off."""
        there = self._links.get(source, {})
        back = self._links.get(target, {})
        if specs is None:
            there.pop(target, None)
            back.pop(source, None)
            return
        kinds = self.kinds(source[0], target[0])
        for spec in specs:
            there.get(target, set()).discard(spec)
            if spec in kinds:
                back.get(source, set()).discard(kinds[spec].back)

    def linked(self, source: Pair, target_type: str) -> dict[str, set[Spec]]:
        """Return the records of a type that one is associated with."""
        return {
            record_id: specs
            for (type_id, record_id), specs in self._links.get(source, {}).items()
            if type_id == target_type
        }


def spec(value: object) -> Spec:
    """Read a category and a type id, or say which is missing."""
    match value:
        case {"associationCategory": str(category), "associationTypeId": int(number)}:
            if category in CATEGORIES and not isinstance(number, bool):
                return category, number
        case _:
            pass
    raise unset(["associationCategory", "associationTypeId"])


def specs(value: object) -> list[Spec]:
    """Read the types of an association, of which there is at least one."""
    if not isinstance(value, list) or not value:
        raise unset(["types"])
    return [spec(one) for one in value]


def unset(names: list[str]) -> Refusal:
    """Refuse a body in which something is missing."""
    text = f"Some required fields were not set: [{', '.join(names)}]"
    return Refusal(
        400, f"Invalid input JSON on line 1, column 2. {text}", VALIDATION_ERROR
    )


def check_associations(value: Any) -> None:
    """Refuse the `associations` of a create that are not of the right shape."""
    if not isinstance(value, list):
        raise unset(["associations"])
    for one in value:
        match one:
            case {"to": {"id": str() | int() as record_id}, "types": types}:
                specs(types)
                if not isinstance(record_id, bool):
                    continue
            case _:
                pass
        raise unset(["to", "types"])
