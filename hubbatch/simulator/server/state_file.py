"""The initial state of a portal from a JSON file: records, settings and tokens.

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

from hubbatch.simulator.api.properties.definitions import parse_property, with_options
from hubbatch.simulator.crm.property_types import Problem, Property
from hubbatch.simulator.crm.records import Shelf, as_string
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.faults.script import ScriptError, check_object, load
from hubbatch.simulator.server.server import Simulator
from hubbatch.simulator.server.state_settings import (
    add_apps,
    add_list,
    add_owners,
    add_pipelines,
    issue_tokens,
    items,
)
from hubbatch.simulator.wire import iso, seeded_random


_ACCOUNT_KEYS: Final = (
    *("properties", "owners", "pipelines", "records", "associations", "lists"),
)
KEYS: Final = (*_ACCOUNT_KEYS, "accounts", "tokens", "apps")
_LIST_KEYS: Final = ("name", "objectType", "processingType", "records", "id")

# Values that often break exports: accents, commas, quotes, line breaks, empty strings.
_STRINGS: Final = ("{name} {n}", 'Zoë, "{name}" {n}', "{name}\non two lines {n}", "")
_NAMES: Final = {"email": "person{n}@example.com", "domain": "company{n}.example"}
_FIRST_DAY: Final = 1_704_067_200_000  # 2024-01-01
_DAY: Final = 86_400_000
# A generated association links a record to at most this many others.
_MAX_LINKS: Final = 2


def fill(simulator: Simulator, path: Path) -> None:
    """Add what is in a file: accounts with records and settings, tokens and apps.

    What is not in `accounts` is of the first account.

    Raises:
        ScriptError: If the file cannot be read or is invalid; it names the file and
            the place in it.
    """
    state = load(path)
    try:
        check_object(state, KEYS, "the file")
        _Filling(simulator.store, path.parent).fill(state)
        _open_accounts(simulator, path.parent, state.get("accounts", []))
        issue_tokens(simulator, state.get("tokens", []))
        add_apps(simulator, state.get("apps", []))
    except ScriptError as error:
        raise ScriptError(f"{path}: {error}") from None


def _open_accounts(simulator: Simulator, folder: Path, value: object) -> None:
    """Open the further accounts of the file, with what is in them."""
    for item in items(value, ("portalId", "tier", *_ACCOUNT_KEYS), "accounts"):
        portal_id = item.get("portalId", (int,))
        if portal_id is None or portal_id < 1 or portal_id in simulator.apps.accounts:
            raise ScriptError(
                f"{item.where}.portalId: expected a number that no other account has, "
                f"got {portal_id!r}"
            )
        try:
            account = simulator.open_account(portal_id, item.get("tier"))
            _Filling(account.store, folder).fill(item.values)
        except ValueError as error:
            raise ScriptError(f"{item.where}.{error}") from None


@attrs.frozen
class _Filling:
    """An account being filled.

    Attributes:
        folder: The folder of the file, for the files that it names.
        ids: The ids of the created records by object type id, in the order of the
            file; associations refer to them by position.
    """

    store: Store
    folder: Path
    rng: Random = attrs.field(init=False, factory=lambda: seeded_random("associations"))
    ids: dict[str, list[str]] = attrs.field(init=False, factory=dict)

    def fill(self, state: Mapping[str, Any]) -> None:
        properties = _object(state.get("properties", {}), "properties")
        for name, definitions in properties.items():
            self._define(name, definitions, f"properties.{name}")
        add_owners(self.store, state.get("owners", []))
        for name, listed in _object(state.get("pipelines", {}), "pipelines").items():
            where = f"pipelines.{name}"
            add_pipelines(self.store, self._shelf(name, where), listed, where)
        for name, records in _object(state.get("records", {}), "records").items():
            where = f"records.{name}"
            shelf = self._shelf(name, where)
            ids = self.ids.setdefault(shelf.type.id, [])
            for n, record in enumerate(_expand(shelf, records, where)):
                ids.append(self._create(shelf, record, f"{where}[{n}]"))
        links = _list(state.get("associations", []), "associations")
        for n, link in enumerate(links):
            self._associate(link, f"associations[{n}]")
        for item in items(state.get("lists", []), _LIST_KEYS, "lists"):
            name = item.get("objectType") or "contacts"
            shelf = self._shelf(name, f"{item.where}.objectType")
            add_list(self.store, item, shelf, self.ids.get(shelf.type.id, []))

    def _define(self, name: str, definitions: object, where: str) -> None:
        if isinstance(definitions, str):
            definitions = load(self.folder / definitions)
        if isinstance(definitions, dict):  # HubSpot's format, as `check` saves it
            definitions = definitions.get("results")
        shelf = self.store.shelf(name)
        if shelf is None:
            self.store.define(name)
            shelf = self._shelf(name, where)
        existing = shelf.type.properties
        properties = [
            _property(definition, f"{where}[{n}]", existing)
            for n, definition in enumerate(_list(definitions, where))
        ]
        self.store.extend(shelf, properties)

    def _create(self, shelf: Shelf, properties: Mapping[str, Any], where: str) -> str:
        """Create a record and return its id, or raise if HubSpot would refuse it."""
        written = {}
        for name, value in _object(properties, where).items():
            schema = shelf.type.properties.get(name)
            if schema is None:
                plural = shelf.type.plural
                raise ScriptError(f"{where}: {plural} have no property {name!r}")
            accepted = schema.accept("" if value is None else as_string(value))
            if isinstance(accepted, Problem):
                raise ScriptError(f"{where}.{name}: {accepted.message}")
            written[name] = accepted
        conflict = shelf.find_conflict("", written, {})
        if conflict is not None:
            raise ScriptError(f"{where}.{conflict[0]}: another record has this value")
        return self.store.create(shelf.type.id, written).id

    def _associate(self, link: Any, where: str) -> None:
        check_object(link, ("from", "to", "pairs"), where)
        from_type, to_type = (self._type(link, key, where) for key in ("from", "to"))
        default = self.store.links.default(from_type, to_type)
        sources, targets = self.ids.get(from_type, []), self.ids.get(to_type, [])
        for source, target in self._pairs(link, len(sources), len(targets), where):
            ends = (from_type, sources[source]), (to_type, targets[target])
            if ends[0] != ends[1]:
                self.store.links.link(*ends, [default])
            elif "pairs" in link:
                raise ScriptError(f"{where}: record {source} is associated to itself")

    def _pairs(
        self, link: Any, sources: int, targets: int, where: str
    ) -> Iterator[tuple[int, int]]:
        """Yield the listed pairs of positions, or random ones."""
        if "pairs" not in link:
            for n in range(sources if targets else 0):
                for _ in range(self.rng.randint(0, _MAX_LINKS)):
                    yield n, self.rng.randrange(targets)
            return
        for n, pair in enumerate(_list(link["pairs"], f"{where}.pairs")):
            match pair:
                case [int(source), int(target)] if source in range(sources) and (
                    target in range(targets)
                ):
                    yield source, target
                case _:
                    raise ScriptError(
                        f"{where}.pairs[{n}]: expected two positions in the lists of "
                        f"records, counted from 0, got {pair!r}"
                    )

    def _type(self, link: Any, key: str, where: str) -> str:
        if not isinstance(link.get(key), str):
            raise ScriptError(f"{where}: {key!r} must be the name of an object type")
        return self._shelf(link[key], f"{where}.{key}").type.id

    def _shelf(self, name: str, where: str) -> Shelf:
        shelf = self.store.shelf(name)
        if shelf is None:
            raise ScriptError(
                f"{where}: unknown object type; define it under 'properties'"
            )
        return shelf


def _expand(shelf: Shelf, records: Any, where: str) -> Any:
    """Return the listed records, or generate as many as a number says."""
    if isinstance(records, bool) or not isinstance(records, int):
        return _list(records, where)
    if records < 0:
        raise ScriptError(f"{where}: expected 0 or more, got {records}")
    return map(_generate, repeat(shelf), range(records))


def _generate(shelf: Shelf, n: int) -> dict[str, str]:
    """Return a record with its default, required, unique and custom properties."""
    schema = shelf.type
    shown = {*schema.read_by_default, *schema.required}
    return {
        each.name: _value(each, n)
        for each in schema.properties.values()
        if (each.custom or each.unique or each.name in shown) and each.writable
    }


def _value(schema: Property, n: int) -> str:
    if schema.type == "number":
        return str(n)
    if schema.unique and not schema.email:
        return f"{schema.name}-{n}"
    if schema.type in ("date", "datetime"):
        day = iso(_FIRST_DAY + n % 1000 * _DAY)
        return day[:10] if schema.type == "date" else day
    if schema.type in ("enumeration", "bool"):
        options = schema.options or ("true", "false") * (schema.type == "bool")
        return options[n % len(options)] if options else ""
    template = _NAMES.get(schema.name) or _STRINGS[n % len(_STRINGS)]
    return template.format(name=schema.name, n=n)


def _property(
    definition: object, where: str, existing: Mapping[str, Property]
) -> Property:
    """Return the defined property; HubSpot's own may only change their options."""
    item = _object(definition, where)
    if not isinstance(item.get("name"), str):
        raise ScriptError(f"{where}: 'name' must be a string")
    try:
        schema = parse_property(item)
    except (TypeError, ValueError, LookupError, AttributeError):
        raise ScriptError(f"{where}: not a valid property definition") from None
    own = existing.get(schema.name)
    if own is None or own.custom:
        return schema
    if schema.options in ((), own.options):
        return own
    return with_options(own, schema.descriptive["options"])


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ScriptError(f"{where}: expected an object")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ScriptError(f"{where}: expected a list")
    return value
