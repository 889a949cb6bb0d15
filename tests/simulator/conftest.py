"""A simulator called without sockets, and a clock that tests set."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import msgspec
import pytest

from hubbatch.simulator import Simulator
from hubbatch.simulator.api.hubspot import Reply
from hubbatch.simulator.wire import Request

from .wire_schemas import complaints


@attrs.define
class HandClock:
    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@attrs.frozen
class Response:
    """An answer with its decoded body."""

    reply: Reply
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def by_id(self) -> dict[str, Any]:
        return {result["id"]: result for result in self.body["results"]}

    @property
    def message(self) -> str:
        return str(self.body["message"])


@attrs.define
class World:
    """A simulator, its clock and token, with shorthands to call it.

    Every JSON answer is checked against HubSpot's schema unless `unchecked`.
    """

    sim: Simulator
    clock: HandClock
    token: str
    unchecked: bool = False

    def post(
        self,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        method: str = "POST",
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Response:
        headers = {
            "Authorization": f"Bearer {token or self.token}",
            "Content-Type": "application/json",
        }
        sent = msgspec.json.encode(body) if content is None else content
        request = Request(method, path, query or {}, headers, sent)
        reply = self.sim.hubspot.receive(request)
        answer = reply.answer
        is_json = "json" in (answer.content_type or "") and answer.content != b""
        decoded = msgspec.json.decode(answer.content) if is_json else answer.content
        if is_json and reply.cut is None and not self.unchecked:
            assert complaints(path, answer.status, decoded) == []
        return Response(reply, answer.status, answer.headers, decoded)

    def get(self, path: str, *, token: str | None = None, **query: str) -> Response:
        return self.post(path, content=b"", token=token, method="GET", query=query)

    def batch(
        self,
        verb: str,
        inputs: Sequence[object],
        *,
        type: str = "tickets",  # noqa: A002
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        **body: object,
    ) -> Response:
        path = f"/crm/v3/objects/{type}/batch/{verb}"
        return self.post(path, {"inputs": inputs, **body}, token=token, query=query)

    def ticket(self, **properties: object) -> str:
        return self.sim.store.create("tickets", properties).id

    def contact(self, **properties: object) -> str:
        return self.sim.store.create("contacts", properties).id


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world() -> MakeWorld:
    def make(**options: Any) -> World:
        clock = HandClock()
        started = datetime(2026, 9, 14, 12, tzinfo=UTC)
        options = {"seed": 1, "started": started, **options}
        sim = Simulator(clock=clock, **options)
        return World(sim, clock, sim.token)

    return make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A professional account at noon UTC."""
    return make_world()
