"""Custom events."""

from typing import Any

import pytest

from .behaviours import behaviour
from .conftest import World


PATH = "/events/v3/send"


def event(**more: object) -> dict[str, Any]:
    fields = {"eventName": "pe62515_bought", "properties": {"price": 1}}
    return {**fields, "email": "a@x.example", **more}


@behaviour("events-send")
def test_an_event(world: World) -> None:
    response = world.post(PATH, event())

    assert (response.status, response.body) == (204, b"")
    assert response.reply.answer.content_type is None
    assert world.sim.store.events == [event()]


@behaviour("events-batch")
def test_a_batch_of_events(world: World) -> None:
    """At most 500; there is no result, even for contacts that do not exist."""
    events = [event(objectId=str(n), uuid=str(n)) for n in range(500)]
    path = "/events/2026-09/send/batch"
    response = world.post(path, {"inputs": events})
    more = world.post(path, {"inputs": [*events, event()]})

    assert (response.status, response.body) == (204, b"")
    assert (more.status, more.body["category"]) == (400, "VALIDATION_ERROR")
    assert len(world.sim.store.events) == 500


@pytest.mark.parametrize(
    "body",
    [
        [],
        event(properties=None),
        event(properties=[]),
        event(email=None),
        event(eventName="bought"),
        event(eventName="pe1_bought"),
        event(occurredAt="yesterday"),
        event(properties={f"p{n}": "x" for n in range(51)}),
        event(properties={"name": "x" * 51}),
        event(properties={"hs_url": "x" * 201}),
    ],
)
@behaviour("events-refused")
def test_refused_events(world: World, body: object) -> None:
    """An invalid event refuses the whole batch."""
    one = world.post(PATH, body)
    batch = world.post(f"{PATH}/batch", {"inputs": [event(), body]})

    for response in (one, batch):
        assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")
    assert world.sim.store.events == []


@behaviour("events-refused")
def test_an_event_of_nobody(world: World) -> None:
    fields = {"occurredAt": "2026-09-14T12:00:00Z", "properties": {"hs_url": "x" * 200}}

    assert world.post(PATH, event(**fields)).status == 204
    refused = world.post(PATH, event(email=""))
    assert refused.message == "email, utk, or objectId is required"


@behaviour("events-limit")
def test_events_have_a_limit_of_their_own(world: World) -> None:
    """1,250 a second, which count in no other limit."""
    day = world.sim.account.day
    sent = [world.post(PATH, event()) for _ in range(1_251)]
    world.clock.at += 1

    assert [response.status for response in sent[-2:]] == [204, 429]
    assert sent[-1].message == "You have reached your secondly limit."
    assert [name for name in sent[-1].headers if "RateLimit" in name] == []
    assert day.used == 0
    assert world.post(PATH, event()).status == 204


@behaviour("events-scopes")
def test_scopes_of_events(world: World) -> None:
    scope = "analytics.behavioral_events.send"
    sender, other = (world.sim.issue_token(scopes=some) for some in ([scope], []))

    assert world.post(PATH, event(), token=sender).status == 204
    assert world.post(PATH, event(), token=other).status == 403
