"""The parts of a state file beside records: owners, pipelines, lists and access."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from hubbatch.simulator.api.settings.pipeline_input import PipelineInput, check_label
from hubbatch.simulator.crm.accounts import Account
from hubbatch.simulator.crm.pipelines import extended_options
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.faults.script import ScriptError, check_object
from hubbatch.simulator.server.server import Simulator
from hubbatch.simulator.wire import Refusal


_TEXT: Final = (str,)
_SECONDS: Final = (int, float)


@attrs.frozen
class Fields:
    """An object of the file, whose fields must have the right types."""

    values: Mapping[str, Any]
    where: str

    def get(self, name: str, types: tuple[type, ...] = _TEXT) -> Any:
        """Return a field, or None if it is missing."""
        value = self.values.get(name)
        if value is not None and type(value) not in types:
            raise ScriptError(f"{self.where}.{name}: unexpected value {value!r}")
        return value

    def need(self, name: str) -> str:
        """Return a string that may not be missing."""
        value = self.get(name)
        if not value:
            raise ScriptError(f"{self.where}: {name!r} must be a string")
        return str(value)

    def strings(self, name: str) -> list[str] | None:
        """Return a list of strings, or None if it is missing."""
        values = self.get(name, (list,))
        if values is not None and not all(type(each) is str for each in values):
            raise ScriptError(f"{self.where}.{name}: expected a list of strings")
        return None if values is None else list(values)


def items(value: object, names: Sequence[str], where: str) -> list[Fields]:
    """Return the objects of a list, which may have fields of these names only."""
    if not isinstance(value, list):
        raise ScriptError(f"{where}: expected a list")
    return [
        Fields(check_object(each, names, f"{where}[{n}]"), f"{where}[{n}]")
        for n, each in enumerate(value)
    ]


def add_owners(store: Store, value: object) -> None:
    """Add the owners of the file, with the keys of HubSpot's answers."""
    names = ("id", "email", "firstName", "lastName", "archived", "teams")
    for item in items(value, names, "owners"):
        owner_id = item.get("id")
        if owner_id is not None and not owner_id.isdecimal():
            raise ScriptError(f"{item.where}.id: expected a number in a string")
        store.owners.add(
            item.need("email"),
            first_name=item.get("firstName") or "",
            last_name=item.get("lastName") or "",
            archived=item.get("archived", (bool,)) or False,
            teams=item.strings("teams") or (),
            owner_id=owner_id,
        )


def add_pipelines(store: Store, shelf: Shelf, value: object, where: str) -> None:
    """Add pipelines of a type, as a request to create them describes them."""
    names = ("label", "displayOrder", "stages", "pipelineId")
    pipelines = store.pipelines.of(shelf.type.id)
    reader = PipelineInput(store.pipelines, shelf.type.id)
    for item in items(value, names, where):
        try:
            made = reader.pipeline(item.values)
            check_label(made, pipelines)
        except Refusal as refusal:
            raise ScriptError(f"{item.where}: {refusal.message}") from None
        pipelines[made.id] = made
    shelf.type = extended_options(shelf.type, pipelines.values())


def add_list(store: Store, item: Fields, shelf: Shelf, ids: Sequence[str]) -> None:
    """Add a list with the records at some positions among those of the file."""
    name = item.need("name")
    if store.lists.named(shelf.type.id, name) is not None:
        raise ScriptError(f"{item.where}.name: another list has this name")
    try:
        of = store.lists.add(
            name,
            shelf.type.id,
            item.get("processingType") or "MANUAL",
            list_id=item.get("id"),
        )
    except ValueError:
        raise ScriptError(f"{item.where}.processingType: unknown") from None
    members = item.get("records", (list,)) or []
    for position in members:
        if type(position) is not int or position not in range(len(ids)):
            raise ScriptError(
                f"{item.where}.records: expected positions in the list of records, "
                f"counted from 0, got {position!r}"
            )
    store.lists.put(of, [ids[position] for position in members])


def _account(simulator: Simulator, item: Fields) -> Account:
    """Return the account that an object of the file names; by default the first."""
    portal_id = item.get("portalId", (int,))
    if portal_id is None:
        return simulator.account
    if portal_id not in simulator.apps.accounts:
        raise ScriptError(f"{item.where}.portalId: list the account under 'accounts'")
    return simulator.apps.accounts[portal_id]


def issue_tokens(simulator: Simulator, value: object) -> None:
    """Issue the access tokens of the file."""
    names = ("token", "tier", "scopes", "limit", "expiresIn", "appId", "portalId")
    for item in items(value, names, "tokens"):
        try:
            simulator.issue_token(
                tier=item.get("tier"),
                account=_account(simulator, item),
                scopes=item.strings("scopes"),
                limit=item.get("limit", (int,)),
                expires_in=item.get("expiresIn", _SECONDS),
                app_id=item.get("appId", (int,)),
                value=item.need("token"),
            )
        except ScriptError:
            raise
        except ValueError as error:
            raise ScriptError(f"{item.where}: {error}") from None


def add_apps(simulator: Simulator, value: object) -> None:
    """Add the public apps of the file, installed where it says so.

    An app without `installations` is installed in the first account, as the app itself
    describes: with its scopes, lifetime and refresh token.
    """
    own = ("clientId", "clientSecret", "redirectUris", "installations", "codes")
    names = ("refreshToken", "scopes", "lifetime")
    for item in items(value, (*own, *names), "apps"):
        client = item.need("clientId"), item.need("clientSecret")
        redirect_uris = item.strings("redirectUris") or ()
        scopes = item.strings("scopes")
        simulator.register_app(*client, redirect_uris=redirect_uris, scopes=scopes)
        installations = [item]
        if "installations" in item.values:
            listed, where = item.values["installations"], f"{item.where}.installations"
            installations = items(listed, (*names, "portalId"), where)
        for each in installations:
            _install(simulator, client, each)
        codes = item.values.get("codes", [])
        code_names = ("code", "portalId", "scopes", "redirectUri")
        for each in items(codes, code_names, f"{item.where}.codes"):
            simulator.issue_code(
                client[0],
                each.get("redirectUri") or next(iter(redirect_uris), ""),
                account=_account(simulator, each),
                scopes=each.strings("scopes") or scopes,
                value=each.need("code"),
            )


def _install(simulator: Simulator, client: tuple[str, str], item: Fields) -> None:
    lifetime = item.get("lifetime", _SECONDS)
    simulator.install_app(
        *client,
        account=_account(simulator, item),
        scopes=item.strings("scopes"),
        refresh_token=item.get("refreshToken"),
        **({} if lifetime is None else {"lifetime": lifetime}),
    )
