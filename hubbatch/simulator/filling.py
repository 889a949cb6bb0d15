"""What a portal begins with, from a JSON file: properties, records, associations.

{"properties": {"tickets": [{"name": "ref", "hasUniqueValue": true}]},
"records": {"tickets": 1500, "contacts": [{"email": "a@b.example"}]},
"associations": [{"from": "tickets", "to": "contacts"}]}
"""

from collections.abc import Iterator, Mapping
from itertools import repeat
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs

from hubbatch.simulator.definitions import defined
from hubbatch.simulator.schemas import Problem, Property
from hubbatch.simulator.script import ScriptError, known, load
from hubbatch.simulator.shelves import Shelf, as_text
from hubbatch.simulator.wire import dice, iso
from hubbatch.simulator.world import Store


KEYS: Final = ("properties", "records", "associations")

# What files of records break on: accents, commas, quotes, line breaks, nothing at all.
_TEXTS: Final = ("{name} {n}", 'Zoë, "{name}" {n}', "{name}\non two lines {n}", "")
_NAMES: Final = {"email": "person{n}@example.com", "domain": "company{n}.example"}
_FIRST_DAY: Final = 1_704_067_200_000  # 2024-01-01
_DAY: Final = 86_400_000
# A record that is made up belongs to so many others at most.
_MOST_LINKS: Final = 2


def fill(store: Store, path: Path) -> None:
    """Put what a file says into an account.

    Raises:
        ScriptError: naming the file and the place.
    """
    state = load(path)
    try:
        known(state, KEYS, "the file")
        _Filling(store, path.parent).fill(state)
    except ScriptError as error:
        raise ScriptError(f"{path}: {error}") from None


@attrs.frozen
class _Filling:
    """An account that is being filled, and the ids of what it was given."""

    store: Store
    folder: Path
    chance: Random = attrs.field(init=False, factory=lambda: dice("associations"))
    ids: dict[str, list[str]] = attrs.field(init=False, factory=dict)

    def fill(self, state: Mapping[str, Any]) -> None:
        properties = _object(state.get("properties", {}), "properties")
        for name, given in properties.items():
            self._define(name, given, f"properties.{name}")
        for name, given in _object(state.get("records", {}), "records").items():
            where = f"records.{name}"
            shelf = self._shelf(name, where)
            listed = self.ids.setdefault(shelf.type.id, [])
            for n, record in enumerate(_listed(shelf, given, where)):
                listed.append(self._create(shelf, record, f"{where}[{n}]"))
        links = _list(state.get("associations", []), "associations")
        for n, given in enumerate(links):
            self._associate(given, f"associations[{n}]")

    def _define(self, name: str, given: object, where: str) -> None:
        if isinstance(given, str):
            given = load(self.folder / given)
        if isinstance(given, dict):  # as HubSpot lists them, and `check` saves them
            given = given.get("results")
        shelf = self.store.shelf(name)
        if shelf is None:
            self.store.define(name)
            shelf = self._shelf(name, where)
        has = shelf.type.properties
        listed = [
            _property(one, f"{where}[{n}]", has)
            for n, one in enumerate(_list(given, where))
        ]
        shelf.type = shelf.type.extended(listed, ())

    def _create(self, shelf: Shelf, properties: Mapping[str, Any], where: str) -> str:
        """Put a record there, if HubSpot would take it."""
        written = {}
        for name, value in _object(properties, where).items():
            schema = shelf.type.properties.get(name)
            if schema is None:
                raise ScriptError(f"{where}: {shelf.type.plural} have no {name!r}")
            accepted = schema.accept("" if value is None else as_text(value))
            if isinstance(accepted, Problem):
                raise ScriptError(f"{where}.{name}: {accepted.message}")
            written[name] = accepted
        taken = shelf.taken("", written, {})
        if taken is not None:
            raise ScriptError(f"{where}.{taken[0]}: another record has this value")
        return self.store.create(shelf.type.id, written).id

    def _associate(self, given: Any, where: str) -> None:
        known(given, ("from", "to", "pairs"), where)
        one, other = (self._named(given, side, where) for side in ("from", "to"))
        default = self.store.links.default(one, other)
        sources, targets = self.ids.get(one, []), self.ids.get(other, [])
        for source, target in self._pairs(given, len(sources), len(targets), where):
            ends = (one, sources[source]), (other, targets[target])
            if ends[0] != ends[1]:
                self.store.links.link(*ends, [default])
            elif "pairs" in given:
                raise ScriptError(f"{where}: record {source} is associated to itself")

    def _pairs(
        self, given: Any, sources: int, targets: int, where: str
    ) -> Iterator[tuple[int, int]]:
        """Yield places in the lists of records: those that are named, or made up."""
        if "pairs" not in given:
            for n in range(sources if targets else 0):
                for _ in range(self.chance.randint(0, _MOST_LINKS)):
                    yield n, self.chance.randrange(targets)
            return
        for n, pair in enumerate(_list(given["pairs"], f"{where}.pairs")):
            match pair:
                case [int(one), int(other)] if one in range(sources) and (
                    other in range(targets)
                ):
                    yield one, other
                case _:
                    raise ScriptError(
                        f"{where}.pairs[{n}]: two places in the lists of records are "
                        f"expected, from 0, not {pair!r}"
                    )

    def _named(self, given: Any, side: str, where: str) -> str:
        if not isinstance(given.get(side), str):
            raise ScriptError(f"{where}: no {side!r}")
        return self._shelf(given[side], f"{where}.{side}").type.id

    def _shelf(self, name: str, where: str) -> Shelf:
        shelf = self.store.shelf(name)
        if shelf is None:
            raise ScriptError(f"{where}: no such object type; give it properties first")
        return shelf


def _listed(shelf: Shelf, given: Any, where: str) -> Any:
    """Return the records that were given, or make up so many."""
    if isinstance(given, bool) or not isinstance(given, int):
        return _list(given, where)
    if given < 0:
        raise ScriptError(f"{where}: a number from 0 on is expected, not {given}")
    return map(_made_up, repeat(shelf), range(given))


def _made_up(shelf: Shelf, n: int) -> dict[str, str]:
    """Make up a record: what a read shows by itself, and what is of this account."""
    schema = shelf.type
    shown = {*schema.read_by_default, *schema.required}
    return {
        one.name: _value(one, n)
        for one in schema.properties.values()
        if (one.custom or one.unique or one.name in shown) and not one.read_only
    }


def _value(schema: Property, n: int) -> str:
    if schema.type == "number":
        return str(n)
    if schema.type in ("date", "datetime"):
        day = iso(_FIRST_DAY + n % 1000 * _DAY)
        return day[:10] if schema.type == "date" else day
    if schema.type in ("enumeration", "bool"):
        options = schema.options or ("true", "false") * (schema.type == "bool")
        return options[n % len(options)] if options else ""
    if schema.unique and not schema.email:
        return f"{schema.name}-{n}"
    text = _NAMES.get(schema.name) or _TEXTS[n % len(_TEXTS)]
    return text.format(name=schema.name, n=n)


def _property(given: object, where: str, has: Mapping[str, Property]) -> Property:
    """Make a property; of HubSpot's own only the options can be others."""
    item = _object(given, where)
    if not isinstance(item.get("name"), str):
        raise ScriptError(f"{where}: no 'name'")
    try:
        one = defined(item)
    except (TypeError, ValueError, LookupError, AttributeError):
        raise ScriptError(f"{where}: no definition of a property") from None
    own = has.get(one.name)
    if own is None or own.custom:
        return one
    return attrs.evolve(own, options=one.options or own.options)


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ScriptError(f"{where}: an object is expected")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ScriptError(f"{where}: a list is expected")
    return value
