"""Several accounts, their tokens and the apps in them, from a state file."""

from pathlib import Path
from typing import Any

import pytest

from hubbatch.simulator.faults.script import ScriptError

from .behaviours import behaviour
from .conftest import HandClock, World
from .test_filling import filled
from .test_oauth import exchange


BACK = "https://app.example/back"
STATE = {
    "records": {"contacts": [{"email": "a@x.org"}]},
    "accounts": [
        {
            "portalId": 102,
            "tier": "starter",
            "properties": {"boat": [{"name": "sails", "type": "number"}]},
            "records": {"contacts": 2, "boat": [{"sails": 3}]},
            "owners": [{"id": "77", "email": "ada@x.org"}],
            "lists": [{"name": "all", "records": [0, 1]}],
        },
        {"portalId": 103},
    ],
    "tokens": [{"token": "t102", "portalId": 102, "tier": "starter"}, {"token": "t1"}],
    "apps": [
        {
            "clientId": "app",
            "clientSecret": "hush",
            "redirectUris": [BACK],
            "scopes": ["oauth", "crm.objects.contacts.read"],
            "installations": [
                {"refreshToken": "r1", "lifetime": 60},
                {"portalId": 102, "refreshToken": "r102", "scopes": ["oauth"]},
            ],
            "codes": [{"code": "c103", "portalId": 103}],
        },
        {"clientId": "new", "clientSecret": "quiet", "installations": []},
    ],
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    sim = filled(tmp_path, STATE)
    return World(sim, HandClock(), sim.token)


@behaviour("state-file")
def test_each_account_has_its_own(world: World) -> None:
    first, second, third = world.sim.apps.accounts.values()
    [everyone] = second.store.lists.by_id.values()

    assert (first.portal_id, second.portal_id, third.portal_id) == (62515, 102, 103)
    assert first.store.sizes() == {"contacts": 1}
    assert second.store.sizes() == {"contacts": 2, "boats": 1}
    assert second.day.limit == 250_000
    assert [*second.store.owners.by_id] == ["77"]
    assert len(everyone.members) == 2
    assert third.store.sizes() == {}
    assert third.store.shelf("boat") is None


@behaviour("state-file")
def test_tokens_of_each_account(world: World) -> None:
    path = "/account-info/v3/details"
    portals = [
        world.get(path, token=token).body["portalId"] for token in ("t102", "t1")
    ]

    assert portals == [102, 62515]


@behaviour("state-file", "oauth-apps")
def test_an_app_in_each_account(world: World) -> None:
    renewed = [exchange(world, refresh_token=each).body for each in ("r1", "r102")]
    redeemed = exchange(
        world, grant_type="authorization_code", code="c103", redirect_uri=BACK
    ).body
    bodies = [*renewed, redeemed]

    assert [body["hub_id"] for body in bodies] == [62515, 102, 103]
    assert [body["expires_in"] for body in bodies] == [60, 1800, 1800]
    assert renewed[0]["scopes"] == ["crm.objects.contacts.read", "oauth"]
    assert renewed[1]["scopes"] == ["oauth"]
    assert redeemed["scopes"] == ["crm.objects.contacts.read", "oauth"]
    assert [*world.sim.apps.registered] == ["app", "new"]
    assert len(world.sim.apps.installations) == 3


@behaviour("state-file", "oauth-apps")
def test_an_installation_has_the_scopes_of_its_app(world: World) -> None:
    """By default, all; one that asks for more does not get them."""
    installed = {"refresh_token": "r1"}
    token = exchange(world, **installed).body["access_token"]
    more = world.sim.install_app("app", "hush", scopes=["oauth", "tickets"])
    seen = world.get("/crm/v3/objects/contacts", token=token)
    refused = world.get("/crm/v3/objects/tickets", token=token)

    assert (seen.status, refused.status) == (200, 403)
    assert world.sim.apps.installations[more].scopes == frozenset({"oauth"})


APP = {"clientId": "a", "clientSecret": "b"}


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ({"accounts": [{}]}, "accounts[0].portalId: expected a number"),
        ({"accounts": [{"portalId": 62515}]}, "that no other account has, got 62515"),
        ({"accounts": [{"portalId": 1}, {"portalId": 1}]}, "accounts[1].portalId"),
        ({"accounts": [{"portalId": 1, "tier": "gold"}]}, "accounts[0].tier must be"),
        (
            {"accounts": [{"portalId": 1, "records": {"boats": 1}}]},
            "accounts[0].records.boats: unknown object type",
        ),
        ({"accounts": [{"portalId": 1, "tokens": []}]}, "accounts[0]: unknown key"),
        (
            {"tokens": [{"token": "t", "portalId": 9}]},
            "tokens[0].portalId: list the account under 'accounts'",
        ),
        (
            {"apps": [{**APP, "installations": [{"portalId": 9}]}]},
            "apps[0].installations[0].portalId: list the account",
        ),
        ({"apps": [{**APP, "codes": [{}]}]}, "apps[0].codes[0]: 'code' must be"),
        ({"apps": [{**APP, "codes": 1}]}, "apps[0].codes: expected a list"),
    ],
)
@behaviour("state-file")
def test_mistakes(tmp_path: Path, state: Any, complaint: str) -> None:
    with pytest.raises(ScriptError) as caught:
        filled(tmp_path, state)

    assert complaint in str(caught.value)
