"""Who is asking: tokens, scopes, accounts."""

import uuid

import pytest

from hubbatch.simulator import Fault, When
from hubbatch.simulator.wire import Request

from .behaviours import behaviour
from .conftest import Heard, MakeWorld, World


NOBODY = "pat-na1-nobody"


def rate_headers(heard: Heard) -> list[str]:
    return [name for name in heard.headers if "RateLimit" in name]


@pytest.mark.parametrize("token", ["nobody", "Bearer x", "pat-na1-x"])
@behaviour("401-invalid")
def test_unknown_token(world: World, token: str) -> None:
    heard = world.batch("read", [], token=token)

    assert heard.status == 401
    assert heard.body == {
        "status": "error",
        "message": (
            "Authentication credentials not found. This API supports OAuth 2.0 "
            "authentication and you can find more details at "
            "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
        ),
        "correlationId": heard.headers["X-HubSpot-Correlation-Id"],
        "category": "INVALID_AUTHENTICATION",
    }
    assert heard.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"
    assert rate_headers(heard) == []


@pytest.mark.parametrize(
    ("later", "ago"),
    [
        (0, "0 second(s)"),
        (59, "59 second(s)"),
        (7200, "2 hour(s)"),
        (90_000, "1 day(s)"),
    ],
)
@behaviour("401-expired")
def test_expired_token(world: World, later: int, ago: str) -> None:
    """It works until its time is up; the key of the context has a space."""
    token = world.sim.issue_token(expires_in=1800)
    before = world.batch("read", [], token=token)
    world.clock.at += 1800 + later
    heard = world.batch("read", [], token=token)

    assert before.status == 200
    assert heard.status == 401
    assert heard.body == {
        "status": "error",
        "message": f"The OAuth token used to make this call expired {ago} ago.",
        "correlationId": heard.headers["X-HubSpot-Correlation-Id"],
        "context": {"expire time": ["2026-09-14T12:30:00.000Z"]},
        "category": "EXPIRED_AUTHENTICATION",
    }
    assert heard.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"
    assert rate_headers(heard) == []


@behaviour("401-invalid")
def test_revoked_token(world: World) -> None:
    token = world.sim.issue_token()
    world.sim.revoke_token(token)

    assert world.batch("read", [], token=token).status == 401


@behaviour("403-missing-scopes")
def test_missing_scopes(world: World) -> None:
    """The shape recorded for CRM objects."""
    token = world.sim.issue_token(scopes=["crm.objects.contacts.read"])
    read = world.batch("read", [], type="contacts", token=token)
    heard = world.batch("create", [], type="contacts", token=token)

    assert read.status == 200
    assert heard.status == 403
    assert heard.body == {
        "status": "error",
        "message": (
            "This app hasn't been granted all required scopes to make this call. "
            "Read more about required scopes here: "
            "https://developers.hubspot.com/scopes."
        ),
        "correlationId": heard.headers["X-HubSpot-Correlation-Id"],
        "errors": [
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]},
            }
        ],
        "links": {"scopes": "https://developers.hubspot.com/scopes"},
        "category": "MISSING_SCOPES",
    }
    assert rate_headers(heard) == []


@behaviour("403-missing-scopes", "quirk-scopes-in-context")
def test_missing_scopes_in_the_context(world: World) -> None:
    """The other shape."""
    world.sim.faults.set(scopes_in_context=True)
    token = world.sim.issue_token(scopes=[])
    heard = world.batch("read", [], token=token)

    assert heard.status == 403
    assert heard.body == {
        "status": "error",
        "message": "One or more of the following scopes are required.",
        "correlationId": heard.headers["X-HubSpot-Correlation-Id"],
        "context": {
            "requiredGranularScopes": ["tickets"],
            "links": ["https://developers.hubspot.com/scopes"],
        },
        "category": "MISSING_SCOPES",
    }


@behaviour("accounts-are-apart")
def test_accounts_are_apart(world: World) -> None:
    """Other records, another portal, another day."""
    other = world.sim.open_account(77, "starter")
    token = world.sim.issue_token(account=other, tier="starter")
    mine, theirs = world.ticket(), other.store.create("tickets", {}).id
    heard = world.batch("read", [{"id": mine}, {"id": theirs}], token=token)

    assert list(heard.by_id) == [theirs]
    assert "/contacts/77/" in heard.by_id[theirs]["url"]
    assert heard.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "249999"
    assert world.batch("read", []).headers["X-HubSpot-RateLimit-Daily"] == "625000"


@behaviour("correlation-id")
def test_correlation_id(world: World) -> None:
    """A UUID of version 7, new for each answer, the same in header and body."""
    answers = [
        world.batch("read", [{}]),
        world.batch("read", [], token=NOBODY),
        world.batch("read", [], type="butterflies"),
        world.post("/crm/v3/nothing"),
        world.batch("read", []),
    ]
    ids = [heard.headers["X-HubSpot-Correlation-Id"] for heard in answers]

    assert len(set(ids)) == len(ids)
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}
    assert ids == [heard.headers["X-Request-Id"] for heard in answers]
    assert ids[:3] == [heard.body["correlationId"] for heard in answers[:3]]


@behaviour("usual-headers")
def test_headers_of_every_answer(world: World) -> None:
    """Those of the server in front, whatever is answered."""
    world.sim.faults.add(Fault("status", status=502, when=When(verb="update")))
    answers = [
        world.batch("read", []),
        world.batch("archive", []),
        world.batch("read", [], token=NOBODY),
        world.batch("update", []),
        world.post("/crm/v3/nothing"),
    ]

    assert [one.status for one in answers] == [200, 204, 401, 502, 404]
    for heard in answers:
        assert heard.headers["Server"] == "cloudflare"
        assert heard.headers["CF-Cache-Status"] == "DYNAMIC"
        assert heard.headers["Vary"] == "origin, Accept-Encoding"
        assert heard.headers["X-Content-Type-Options"] == "nosniff"
        assert heard.headers["Strict-Transport-Security"] == (
            "max-age=31536000; includeSubDomains; preload"
        )


@behaviour("order-of-checks")
def test_order_of_checks(make_world: MakeWorld) -> None:
    """Each step mends what the one before it was refused for."""
    world = make_world(limit=8)
    weak = world.sim.issue_token(scopes=["crm.objects.contacts.read"])
    taken = world.contact(email="a@x.org")
    other = world.contact()
    twice = {"id": other, "idProperty": "firstname", "properties": {"no": "x"}}
    path = "/crm/v3/objects/{}/batch/{}"

    def ask(
        token: str, name: str, verb: str = "update", inputs: object = 1
    ) -> tuple[int, str]:
        heard = world.post(path.format(name, verb), {"inputs": inputs}, token=token)
        return heard.status, heard.message

    def many(**properties: str) -> list[dict[str, object]]:
        return [{**twice, "properties": properties}] * 101

    assert ask("nobody", "contacts")[0] == 401
    assert ask(weak, "contacts")[0] == 403
    assert "infer object type" in ask(world.token, "butterflies")[1]
    assert "Invalid input JSON" in ask(world.token, "contacts")[1]
    assert "maximum number" in ask(world.token, "contacts", inputs=many(no="x"))[1]
    two = [twice, twice]
    assert "Duplicate IDs" in ask(world.token, "contacts", inputs=two)[1]
    assert "non-unique" in ask(world.token, "contacts", inputs=[twice])[1]
    bad = {"id": other, "properties": {"no": "x", "email": "a@x.org"}}
    assert "not valid" in ask(world.token, "contacts", inputs=[bad])[1]
    conflict = [
        {"id": other, "properties": {"email": "a@x.org"}},
        {"id": "404", "properties": {"firstname": "x"}},
    ]
    assert ask(world.token, "contacts", inputs=conflict) == (
        409,
        f"Contact already exists. Existing ID: {taken}",
    )
    world.clock.at += 60
    good = {"inputs": conflict[1:]}
    statuses = [world.post(path.format("contacts", "update"), good).status] * 8

    assert statuses == [207] * 8
    for _ in range(7):
        ask(world.token, "contacts")
    assert ask(world.token, "butterflies")[0] == 429
    assert ask(weak, "contacts")[0] == 403


@behaviour("content-type")
def test_only_json_is_read(world: World) -> None:
    headers = {
        "Authorization": f"bearer {world.token}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    path = "/crm/v3/objects/tickets/batch/read"
    reply = world.sim.hubspot.receive(Request("POST", path, {}, headers, b"{}"))

    assert reply.answer.status == 415


@behaviour("wrong-method")
def test_wrong_method(world: World) -> None:
    path = "/crm/v3/objects/tickets/batch/read"

    assert world.post(path, method="GET").status == 405
