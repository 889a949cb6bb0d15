"""Tokens, scopes and accounts."""

import uuid

import pytest

from hubbatch.simulator import Fault, When
from hubbatch.simulator.wire import Request

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


NOBODY = "pat-na1-nobody"


def rate_headers(response: Response) -> list[str]:
    return [name for name in response.headers if "RateLimit" in name]


@pytest.mark.parametrize("token", ["nobody", "Bearer x", "pat-na1-x"])
@behaviour("401-invalid")
def test_unknown_token(world: World, token: str) -> None:
    response = world.batch("read", [], token=token)

    assert response.status == 401
    assert response.body == {
        "status": "error",
        "message": (
            "Authentication credentials not found. This API supports OAuth 2.0 "
            "authentication and you can find more details at "
            "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
        ),
        "correlationId": response.headers["X-HubSpot-Correlation-Id"],
        "category": "INVALID_AUTHENTICATION",
    }
    assert response.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"
    assert rate_headers(response) == []


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
    """A token works until it expires; the key of the context has a space."""
    token = world.sim.issue_token(expires_in=1800)
    before = world.batch("read", [], token=token)
    world.clock.at += 1800 + later
    response = world.batch("read", [], token=token)

    assert before.status == 200
    assert response.status == 401
    assert response.body == {
        "status": "error",
        "message": f"The OAuth token used to make this call expired {ago} ago.",
        "correlationId": response.headers["X-HubSpot-Correlation-Id"],
        "context": {"expire time": ["2026-09-14T12:30:00Z"]},
        "category": "EXPIRED_AUTHENTICATION",
    }
    assert response.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"
    assert rate_headers(response) == []


@behaviour("401-invalid")
def test_revoked_token(world: World) -> None:
    token = world.sim.issue_token()
    world.sim.revoke_token(token)

    assert world.batch("read", [], token=token).status == 401


@behaviour("403-missing-scopes")
def test_missing_scopes(world: World) -> None:
    """The shape recorded for CRM objects: the scopes are in `errors`."""
    token = world.sim.issue_token(scopes=["crm.objects.contacts.read"])
    read = world.batch("read", [], type="contacts", token=token)
    response = world.batch("create", [], type="contacts", token=token)

    assert read.status == 200
    assert response.status == 403
    assert response.body == {
        "status": "error",
        "message": (
            "This app hasn't been granted all required scopes to make this call. "
            "Read more about required scopes here: "
            "https://developers.hubspot.com/scopes."
        ),
        "correlationId": response.headers["X-HubSpot-Correlation-Id"],
        "errors": [
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]},
            }
        ],
        "links": {"scopes": "https://developers.hubspot.com/scopes"},
        "category": "MISSING_SCOPES",
    }
    assert rate_headers(response) == []


@behaviour("403-missing-scopes", "quirk-scopes-in-context")
def test_missing_scopes_in_the_context(world: World) -> None:
    """The other recorded shape: the scopes are in `context`."""
    world.sim.faults.set(scopes_in_context=True)
    token = world.sim.issue_token(scopes=[])
    response = world.batch("read", [], token=token)

    assert response.status == 403
    assert response.body == {
        "status": "error",
        "message": "One or more of the following scopes are required.",
        "correlationId": response.headers["X-HubSpot-Correlation-Id"],
        "context": {
            "requiredGranularScopes": ["tickets"],
            "links": ["https://developers.hubspot.com/scopes"],
        },
        "category": "MISSING_SCOPES",
    }


@behaviour("accounts-are-apart")
def test_accounts_are_apart(world: World) -> None:
    """Each account has its own records, portal id and daily limit."""
    other = world.sim.open_account(77, "starter")
    token = world.sim.issue_token(account=other, tier="starter")
    mine, theirs = world.ticket(), other.store.create("tickets", {}).id
    response = world.batch("read", [{"id": mine}, {"id": theirs}], token=token)

    assert list(response.by_id) == [theirs]
    assert "/contacts/77/" in response.by_id[theirs]["url"]
    assert response.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "249999"
    assert world.batch("read", []).headers["X-HubSpot-RateLimit-Daily"] == "625000"


@behaviour("correlation-id")
def test_correlation_id(world: World) -> None:
    """Each answer has a new version 7 UUID, the same in headers and body."""
    answers = [
        world.batch("read", [{}]),
        world.batch("read", [], token=NOBODY),
        world.batch("read", [], type="butterflies"),
        world.post("/crm/v3/objects/tickets/batch/nothing"),
        world.batch("read", []),
    ]
    ids = [response.headers["X-HubSpot-Correlation-Id"] for response in answers]

    assert len(set(ids)) == len(ids)
    assert {uuid.UUID(item).version for item in ids} == {7}
    assert {uuid.UUID(item).variant for item in ids} == {uuid.RFC_4122}
    assert ids == [response.headers["X-Request-Id"] for response in answers]
    assert ids[:3] == [response.body["correlationId"] for response in answers[:3]]


@behaviour("usual-headers")
def test_headers_of_every_answer(world: World) -> None:
    """All answers have the headers of the server in front."""
    world.sim.faults.add(Fault("status", status=502, when=When(verb="update")))
    answers = [
        world.batch("read", []),
        world.batch("archive", []),
        world.batch("read", [], token=NOBODY),
        world.batch("update", []),
        world.post("/crm/v3/objects/tickets/batch/nothing"),
    ]

    assert [item.status for item in answers] == [200, 204, 401, 502, 404]
    for response in answers:
        assert response.headers["Server"] == "cloudflare"
        assert response.headers["CF-Cache-Status"] == "DYNAMIC"
        assert response.headers["Vary"] == "origin, Accept-Encoding"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Strict-Transport-Security"] == (
            "max-age=31536000; includeSubDomains; preload"
        )


@behaviour("order-of-checks")
def test_order_of_checks(make_world: MakeWorld) -> None:
    """Each request fixes what the previous one was refused for."""
    world = make_world(limit=8)
    weak = world.sim.issue_token(scopes=["crm.objects.contacts.read"])
    taken = world.contact(email="a@x.org")
    other = world.contact()
    twice = {"id": other, "idProperty": "firstname", "properties": {"no": "x"}}
    path = "/crm/v3/objects/{}/batch/{}"

    def ask(
        token: str, name: str, verb: str = "update", inputs: object = 1
    ) -> tuple[int, str]:
        response = world.post(path.format(name, verb), {"inputs": inputs}, token=token)
        return response.status, response.message

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
