"""The associations between records, and the association types."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal


# An association type: its category and type id.
Spec = tuple[str, int]
# The object type ids of the two ends of an association, in one direction.
TypePair = tuple[str, str]
# An object type id and a record id.
RecordKey = tuple[str, str]

HUBSPOT: Final = "HUBSPOT_DEFINED"
USER: Final = "USER_DEFINED"
CATEGORIES: Final = (HUBSPOT, "INTEGRATOR_DEFINED", USER, "WORK")

# "Association type IDs", associations guide: two object types, the type id from the
# first to the second, and the id of the way back. The first row of two object types is
# the unlabelled association. With companies there is one more type: the primary
# company, labelled as in answers recorded since 2024.
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
    # Calls, e-mails, meetings, notes and tasks.
    ("0-48", "0-1", 194, 193),
    ("0-48", "0-2", 182, 181),
    ("0-48", "0-3", 206, 205),
    ("0-48", "0-5", 220, 219),
    ("0-49", "0-1", 198, 197),
    ("0-49", "0-2", 186, 185),
    ("0-49", "0-3", 210, 209),
    ("0-49", "0-5", 224, 223),
    ("0-47", "0-1", 200, 199),
    ("0-47", "0-2", 188, 187),
    ("0-47", "0-3", 212, 211),
    ("0-47", "0-5", 226, 225),
    ("0-46", "0-1", 202, 201),
    ("0-46", "0-2", 190, 189),
    ("0-46", "0-3", 214, 213),
    ("0-46", "0-5", 228, 227),
    ("0-27", "0-1", 204, 203),
    ("0-27", "0-2", 192, 191),
    ("0-27", "0-3", 216, 215),
    ("0-27", "0-5", 230, 229),
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
    """An association type: its type in the opposite direction, its label and name."""

    back: Spec
    label: str | None = None
    name: str | None = None


def _documented() -> dict[TypePair, dict[Spec, Kind]]:
    kinds: dict[TypePair, dict[Spec, Kind]] = {}
    for source, target, forth_id, back_id in _DOCUMENTED:
        label = "Primary" if forth_id in _PRIMARY else None
        forth, back = (HUBSPOT, forth_id), (HUBSPOT, back_id)
        kinds.setdefault((source, target), {})[forth] = Kind(back, label)
        kinds.setdefault((target, source), {})[back] = Kind(forth, label)
    return kinds


# Each account has association types of its own for custom objects; this id is assumed.
_UNDOCUMENTED: Final[Mapping[Spec, Kind]] = {(HUBSPOT, 1): Kind((HUBSPOT, 1))}


@attrs.define
class Links:
    """The associations of one account.

    Invariants: each association is stored in both directions: if `_links[a][b]` holds a
    type, `_links[b][a]` holds its `Kind.back`. The first association type of two object
    types is the unlabelled one (dicts keep their order), which `default` relies on.

    Attributes:
        limits: The maximum number of target records of a source record, by object
            types and association type.
    """

    _kinds: dict[TypePair, dict[Spec, Kind]] = attrs.field(
        factory=_documented, repr=False
    )
    _links: dict[RecordKey, dict[RecordKey, set[Spec]]] = attrs.field(
        factory=dict, repr=False
    )
    limits: dict[tuple[TypePair, Spec], int] = attrs.field(factory=dict, repr=False)
    _last_id: int = attrs.field(default=35, init=False)

    def label(
        self,
        source: str,
        target: str,
        label: str | None,
        *,
        inverse: str | None = None,
        name: str | None = None,
    ) -> int:
        """Add a label in both directions; return its type id from source to target.

        `inverse` is the label in the opposite direction, the same by default. A custom
        object type has association types of its own without a label.
        """
        forth, back = (USER, self._last_id + 1), (USER, self._last_id + 2)
        self._last_id += 2
        self._kinds.setdefault((source, target), {})[forth] = Kind(back, label, name)
        self._kinds.setdefault((target, source), {})[back] = Kind(
            forth, inverse or label, name
        )
        return forth[1]

    def relabel(
        self, source: str, target: str, spec: Spec, label: str, inverse: str | None
    ) -> None:
        """Change a label; without `inverse`, the opposite direction keeps its own."""
        kinds, backs = self._kinds[source, target], self._kinds[target, source]
        kind = kinds[spec]
        kinds[spec] = attrs.evolve(kind, label=label)
        if inverse is not None:
            backs[kind.back] = attrs.evolve(backs[kind.back], label=inverse)

    def unlabel(self, source: str, target: str, spec: Spec) -> None:
        """Remove a label, in both directions and from all associations."""
        kind = self._kinds[source, target].pop(spec)
        self._kinds[target, source].pop(kind.back, None)
        self.limits.pop(((source, target), spec), None)
        self.limits.pop(((target, source), kind.back), None)
        for linked in self._links.values():
            for specs in linked.values():
                specs -= {spec, kind.back}

    def kinds(self, source: str, target: str) -> Mapping[Spec, Kind]:
        """Return the association types from the source type to the target type."""
        known = self._kinds.get((source, target), {})
        if any(category == HUBSPOT for category, _ in known):
            return known
        return {**_UNDOCUMENTED, **known}

    def kinds_from(self, source: str) -> list[tuple[str, Spec, Kind]]:
        """Return the association types from an object type, with their targets."""
        return [
            (target, spec, kind)
            for (from_type, target), kinds in self._kinds.items()
            if from_type == source
            for spec, kind in kinds.items()
        ]

    def default(self, source: str, target: str) -> Spec:
        """Return the type of an unlabelled association."""
        return next(iter(self.kinds(source, target)))

    def target(self, source: str, spec: Spec) -> str | None:
        """Return the target object type of an association type; None if unknown."""
        for (from_type, to_type), kinds in self._kinds.items():
            if from_type == source and spec in kinds:
                return to_type
        return None

    def link(self, source: RecordKey, target: RecordKey, specs: Iterable[Spec]) -> None:
        """Associate two records."""
        kinds = self.kinds(source[0], target[0])
        forth = self._links.setdefault(source, {}).setdefault(target, set())
        back = self._links.setdefault(target, {}).setdefault(source, set())
        for spec in specs:
            forth.add(spec)
            back.add(kinds[spec].back)

    def unlink(
        self, source: RecordKey, target: RecordKey, specs: Iterable[Spec] | None = None
    ) -> None:
        """Remove an association, or only the given types of it."""
        forth = self._links.get(source, {})
        back = self._links.get(target, {})
        if specs is None:
            forth.pop(target, None)
            back.pop(source, None)
            return
        kinds = self.kinds(source[0], target[0])
        for spec in specs:
            forth.get(target, set()).discard(spec)
            if spec in kinds:
                back.get(source, set()).discard(kinds[spec].back)

    def move(self, old: RecordKey, new: RecordKey) -> None:
        """Pass the associations of a record on to another one of its type."""
        for target, specs in list(self._links.get(old, {}).items()):
            if target != new:
                self.link(new, target, specs)
        self.forget(old)

    def forget(self, record: RecordKey) -> None:
        """Remove all associations of a record."""
        for target in self._links.pop(record, {}):
            self._links.get(target, {}).pop(record, None)

    def linked(self, source: RecordKey, target_type: str) -> dict[str, set[Spec]]:
        """Return the associated records of a type: ids with their association types."""
        return {
            record_id: specs
            for (type_id, record_id), specs in self._links.get(source, {}).items()
            if type_id == target_type
        }


def parse_spec(value: object) -> Spec:
    """Return the association type in a JSON object.

    Raises:
        Refusal: If its category or its type id is missing or invalid.
    """
    match value:
        case {"associationCategory": str(category), "associationTypeId": int(number)}:
            if category in CATEGORIES and not isinstance(number, bool):
                return category, number
        case _:
            pass
    raise missing_fields(["associationCategory", "associationTypeId"])


def parse_specs(value: object) -> list[Spec]:
    """Return the association types in a JSON list of at least one.

    Raises:
        Refusal: If the list is empty or invalid.
    """
    if not isinstance(value, list) or not value:
        raise missing_fields(["types"])
    return [parse_spec(item) for item in value]


def missing_fields(names: list[str]) -> Refusal:
    """Return the refusal of a body without required fields."""
    message = f"Some required fields were not set: [{', '.join(names)}]"
    return Refusal(
        400, f"Invalid input JSON on line 1, column 2. {message}", VALIDATION_ERROR
    )


def check_associations(value: Any) -> None:
    """Check the shape of a create's `associations`.

    Raises:
        Refusal: If it is invalid.
    """
    if not isinstance(value, list):
        raise missing_fields(["associations"])
    for association in value:
        match association:
            case {"to": {"id": str() | int() as record_id}, "types": types}:
                parse_specs(types)
                if not isinstance(record_id, bool):
                    continue
            case _:
                pass
        raise missing_fields(["to", "types"])
