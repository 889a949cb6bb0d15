"""Apps, their codes, and the accounts in which they are installed."""

import hashlib

from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from .behaviours import behaviour
from .conftest import Response, World
from .test_oauth import APP, NO_TOKEN, exchange


BACK = "https://app.example/back?from=hubspot"
VERSIONS = ("v1", "v3", "2026-03", "2026-09")


@pytest.fixture
def world(world: World) -> World:
    """A simulator with an app."""
    world.sim.register_app(
        *("app", "hush"),
        redirect_uris=[BACK],
        scopes=["oauth", "tickets", "crm.objects.contacts.read"],
    )
    return world


def redeem(world: World, code: str, version: str = "v3", **asked: str) -> Response:
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
        "code": code,
        **asked,
    }
    return exchange(world, f"/oauth/{version}/token", **form)


def authorize(world: World, portal: str = "", **asked: str) -> Response:
    query = {"client_id": "app", "redirect_uri": BACK, "scope": "tickets", **asked}
    return world.get(f"/oauth/{portal}authorize", token=NO_TOKEN, **query)


def returned(response: Response) -> dict[str, str]:
    """Return the parameters with which the browser is sent back."""
    location = response.headers["Location"]
    assert location.startswith(f"{BACK}&")
    return {name: value for name, [value] in parse_qs(urlsplit(location).query).items()}


@pytest.mark.parametrize("version", VERSIONS)
@behaviour("oauth-code")
def test_a_code_is_exchanged_once(world: World, version: str) -> None:
    code = world.sim.issue_code("app", BACK, scopes=["oauth", "tickets"])
    made = redeem(world, code, version)
    again = redeem(world, code, version)
    token = made.body["access_token"]
    renewed = exchange(world, refresh_token=made.body["refresh_token"])

    assert made.status == 200
    assert made.body["expires_in"] == 1800
    assert world.batch("read", [], token=token).status == 200
    assert world.batch("read", [], type="deals", token=token).status == 403
    assert renewed.body["scopes"] == ["oauth", "tickets"]
    assert (again.status, again.body["status"]) == (400, "BAD_AUTH_CODE")


@pytest.mark.parametrize("version", VERSIONS)
@behaviour("oauth-code", "oauth-refresh")
def test_newer_versions_say_more(world: World, version: str) -> None:
    body = redeem(world, world.sim.issue_code("app", BACK), version).body
    more = {"hub_id", "user_id", "scopes"}

    assert body.keys() & more == (set() if version == "v1" else more)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"client_secret": "guess"}, "BAD_CLIENT"),
        ({"redirect_uri": "https://app.example/back"}, "BAD_REDIRECT_URI"),
        ({"client_id": "other", "client_secret": "quiet"}, "BAD_AUTH_CODE"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
    ],
)
@behaviour("oauth-refused")
def test_refused_exchanges(world: World, asked: dict[str, str], status: str) -> None:
    world.sim.register_app("other", "quiet")
    code = world.sim.issue_code("app", BACK)
    old = redeem(world, code, "v1", **asked)
    new = redeem(world, world.sim.issue_code("app", BACK), **asked)

    assert (old.status, new.status) == (400, 400)
    assert old.body.keys() == {"status", "message", "correlationId"}
    assert old.body["status"] == new.body["status"] == status
    assert new.body["error_description"] == new.message


@behaviour("oauth-code")
def test_a_failed_exchange_uses_up_a_code_but_a_wrong_client_does_not(
    world: World,
) -> None:
    first, second = (world.sim.issue_code("app", BACK) for _ in range(2))
    redeem(world, first, client_secret="guess")  # noqa: S106
    redeem(world, second, redirect_uri="https://elsewhere.example")

    assert redeem(world, first).status == 200
    assert redeem(world, second).body["status"] == "BAD_AUTH_CODE"


@behaviour("oauth-code")
def test_a_code_expires(world: World) -> None:
    early, late = (world.sim.issue_code("app", BACK) for _ in range(2))
    world.clock.at += 599
    in_time = redeem(world, early)
    world.clock.at += 1

    assert in_time.status == 200
    assert redeem(world, late).body["status"] == "BAD_AUTH_CODE"


@behaviour("oauth-code")
def test_a_challenge_needs_its_verifier(world: World) -> None:
    digest = hashlib.sha256(b"verifier").digest()
    challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    codes = [returned(authorize(world, **asked))["code"] for _ in range(3)]

    assert redeem(world, codes[0], code_verifier="verifier").status == 200
    assert redeem(world, codes[1], code_verifier="other").status == 400
    assert redeem(world, codes[2]).body["status"] == "BAD_AUTH_CODE"


@behaviour("oauth-code")
def test_the_grant_that_the_simulator_does_not_have(world: World) -> None:
    assert exchange(world, grant_type="client_credentials").status == 501


@behaviour("oauth-authorize")
def test_a_user_installs_an_app(world: World) -> None:
    """The page redirects at once, and grants the scopes it is asked for."""
    optional = "crm.objects.contacts.read content"
    response = authorize(world, state="a&b", optional_scope=optional)
    back = returned(response)
    made = redeem(world, back["code"]).body

    assert (response.status, response.body) == (302, b"")
    assert back == {"from": "hubspot", "code": back["code"], "state": "a&b"}
    assert made["scopes"] == ["crm.objects.contacts.read", "oauth", "tickets"]
    assert "state" not in returned(authorize(world))


@pytest.mark.parametrize(
    "asked",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.example"},
        {"scope": ""},
        {"scope": "tickets content"},
        {"code_challenge_method": "plain"},
        {"portal": "7/"},
    ],
)
@behaviour("oauth-authorize")
def test_refused_installations(world: World, asked: dict[str, str]) -> None:
    response = authorize(world, **asked)

    assert response.status == 400
    assert b"evil" not in response.body
    assert world.sim.apps.codes == {}


@behaviour("oauth-apps")
def test_one_app_in_two_accounts(world: World) -> None:
    """A token of one account never sees, or writes to, the other one."""
    other = world.sim.open_account(7, "oauth")
    installed = [
        redeem(world, returned(authorize(world, portal))["code"]).body
        for portal in ("", "7/")
    ]
    mine, theirs = (body["access_token"] for body in installed)
    ticket = world.ticket(subject="mine")
    batch = [{"properties": {"subject": "theirs"}}]
    made = world.batch("create", batch, token=theirs).body["results"][0]["id"]
    seen = [
        world.get(f"/crm/v3/objects/tickets/{record_id}", token=token).status
        for token in (mine, theirs)
        for record_id in (ticket, made)
    ]
    found = world.post("/crm/v3/objects/tickets/search", {}, token=theirs).body
    details = world.get("/account-info/v3/details", token=theirs).body

    assert [body["hub_id"] for body in installed] == [62515, 7]
    assert seen == [200, 404, 404, 200]
    assert [hit["id"] for hit in found["results"]] == [made]
    assert details["portalId"] == 7
    assert [record.id for record in other.store.all("tickets")] == [made]


@behaviour("oauth-apps")
def test_installations_of_one_app(world: World) -> None:
    """They have one app id, and refresh tokens and windows of their own."""
    other = world.sim.open_account(7, "oauth")
    first = world.sim.install_app("app", "hush", scopes=["tickets"])
    second = world.sim.install_app("app", "hush", account=other)
    code = world.sim.issue_code("app", BACK, scopes=["oauth"])
    again = redeem(world, code).body["refresh_token"]
    bodies = [exchange(world, refresh_token=each).body for each in (first, second)]
    tokens = [world.sim.apps.tokens[body["access_token"]] for body in bodies]
    left = [
        world.batch("read", [], token=token.value, type="contacts").headers
        for token in tokens[1:] * 2
    ]

    assert first == again != second
    assert tokens[0].app_id == tokens[1].app_id
    assert bodies[0]["scopes"] == ["oauth"]
    assert [each["X-HubSpot-RateLimit-Remaining"] for each in left] == ["109", "108"]
    assert {app for app, _ in other.windows} == {tokens[0].app_id}


def introspect(world: World, token: str, path: str, **asked: str) -> Response:
    form = {**APP, "token": token, **asked}
    return world.post(path, content=urlencode(form).encode(), token=NO_TOKEN)


@pytest.mark.parametrize("version", ["v3", "2026-03"])
@behaviour("token-introspect")
def test_introspection(world: World, version: str) -> None:
    path = f"/oauth/{version}/token/introspect"
    made = redeem(world, world.sim.issue_code("app", BACK, scopes=["tickets"])).body
    world.clock.at += 60
    access = introspect(world, made["access_token"], path).body
    refresh = introspect(world, made["refresh_token"], path).body
    world.clock.at += 1740
    expired = introspect(world, made["access_token"], path)

    assert access["active"] is refresh["active"] is True
    assert (access["token_use"], access["expires_in"]) == ("access_token", 1740)
    assert (refresh["token_use"], refresh["scopes"]) == ("refresh_token", ["tickets"])
    assert access["client_id"] == refresh["client_id"] == "app"
    assert access["app_id"] == refresh["app_id"]
    assert (expired.status, expired.body) == (200, {"active": False})


@behaviour("token-introspect", "token-revoke")
def test_tokens_of_others(world: World) -> None:
    """No app learns about, or revokes, the tokens of another one."""
    path = "/oauth/v3/token/introspect"
    foreign = world.sim.install_app("other", "quiet")
    own = world.sim.install_app("app", "hush")
    revoke = path.replace("introspect", "revoke")
    ignored = introspect(world, foreign, revoke)
    refused = introspect(world, own, revoke, client_secret="guess")  # noqa: S106

    for token in (foreign, world.token, "nobody"):
        assert introspect(world, token, path).body == {"active": False}
    assert introspect(world, own, path, client_id="x").body["status"] == "BAD_CLIENT"
    assert (ignored.status, refused.status) == (200, 400)
    assert world.sim.apps.installations.keys() == {foreign, own}


@behaviour("token-revoke", "token-info-refresh")
@pytest.mark.parametrize("version", ["v1", "v3", "2026-03"])
def test_a_revoked_refresh_token(world: World, version: str) -> None:
    """Its access tokens work until they expire."""
    made = redeem(world, world.sim.issue_code("app", BACK)).body
    token = made["refresh_token"]
    if version == "v1":
        path = f"/oauth/v1/refresh-tokens/{token}"
        assert world.get(path).body["client_id"] == "app"
        assert world.post(path, method="DELETE").status == 204
        assert world.get(path).status == 404
    else:
        assert introspect(world, token, f"/oauth/{version}/token/revoke").status == 200

    assert exchange(world, refresh_token=token).body["status"] == "BAD_REFRESH_TOKEN"
    assert world.batch("read", [], token=made["access_token"]).status == 200


@behaviour("masked-secrets")
def test_codes_are_not_printed(world: World) -> None:
    code = world.sim.issue_code("app", BACK)

    assert code not in repr(world.sim.apps)
    assert "hush" not in repr(world.sim.apps.codes[code])
