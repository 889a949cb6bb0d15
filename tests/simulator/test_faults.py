"""Faults: each kind, when it strikes, and that a seed reproduces them."""

from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from hubbatch.simulator import Fault, Simulator, When
from hubbatch.simulator.server.server import MAX_URL

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


def ask(world: World, verb: str = "read", type: str = "tickets") -> Response:  # noqa: A002
    return world.batch(verb, [], type=type)


def create(world: World, *subjects: str, traces: bool = False) -> Response:
    inputs: list[dict[str, Any]] = [{"properties": {"subject": s}} for s in subjects]
    if traces:
        inputs = [
            {**item, "objectWriteTraceId": f"t{n}"} for n, item in enumerate(inputs)
        ]
    return world.batch("create", inputs)


@pytest.mark.parametrize(
    ("policy", "body", "shown"),
    [
        (
            "TEN_SECONDLY_ROLLING",
            {
                "status",
                "message",
                "errorType",
                "correlationId",
                "policyName",
                "groupName",
            },
            {"Daily", "Daily-Remaining", "Max", "Remaining"},
        ),
        (
            "SECONDLY",
            {"status", "message", "correlationId", "category"},
            {"Daily", "Daily-Remaining"},
        ),
        (
            "DAILY",
            {
                "status",
                "message",
                "errorType",
                "correlationId",
                "policyName",
                "requestId",
            },
            {"Daily", "Daily-Remaining", "Max", "Remaining"},
        ),
    ],
)
@behaviour("fault-429")
def test_429(world: World, policy: str, body: set[str], shown: set[str]) -> None:
    """Two shapes: errorType and all headers, or category and few headers."""
    world.sim.faults.add(Fault("status", status=429, policy=policy))
    response = ask(world)
    limits = {
        name.removeprefix("X-HubSpot-RateLimit-")
        for name in response.headers
        if "RateLimit" in name
    }

    assert response.status == 429
    assert set(response.body) == body
    assert shown <= limits
    assert ("Max" in limits) == ("Max" in shown)
    assert "Retry-After" not in response.headers
    assert ask(world).status == 200


@pytest.mark.parametrize("status", [502, 503, 504, 521, 522, 523, 524, 525, 526])
@behaviour("fault-gateway")
def test_gateway_pages(world: World, status: int) -> None:
    world.sim.faults.add(Fault("status", status=status))
    response = create(world, "never written")

    assert response.status == status
    assert response.reply.answer.content_type == "text/html; charset=UTF-8"
    assert f"Error {status}".encode() in response.body
    assert world.sim.store.count("tickets") == 0


@behaviour("fault-500")
def test_500(world: World) -> None:
    """With the JSON of an internal error, or with an empty body."""
    world.sim.faults.add(Fault("status", status=500))
    world.sim.faults.add(Fault("status", status=500, empty=True))
    world.unchecked = True
    first, second = ask(world), ask(world)

    assert first.message == "internal error"
    assert (second.status, second.body) == (500, b"")


@behaviour("fault-423")
def test_423_lasts_two_seconds(world: World) -> None:
    lock = Fault("status", times=None, status=423, lasts=2.0)
    world.sim.faults.add(lock)
    statuses = []
    for _ in range(4):
        statuses.append(ask(world).status)
        world.clock.at += 0.9

    assert statuses == [423, 423, 423, 200]


@behaviour("fault-477")
def test_477(world: World) -> None:
    """Retry-After is a day by default."""
    world.sim.faults.add(Fault("status", status=477))
    world.sim.faults.add(Fault("status", status=477, retry_after=3.0))
    world.sim.faults.add(Fault("status", status=429, retry_after=0.5))

    assert ask(world).headers["Retry-After"] == "86400"
    assert ask(world).headers["Retry-After"] == "3"
    assert ask(world).headers["Retry-After"] == "0.5"


@behaviour("fault-refusals")
def test_refusals_in_recorded_words(world: World) -> None:
    """The bodies are those of real refusals with the same status."""
    for status in (400, 401, 403, 409):
        world.sim.faults.add(Fault("status", status=status))
    bad, unknown, forbidden, taken = (ask(world, "update") for _ in range(4))

    assert (bad.status, bad.body["category"]) == (400, "VALIDATION_ERROR")
    assert bad.body["errors"][0]["code"] == "INVALID_INTEGER"
    assert (unknown.status, unknown.body["category"]) == (401, "INVALID_AUTHENTICATION")
    assert unknown.message.startswith("Authentication credentials not found. ")
    assert unknown.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"
    assert not [name for name in unknown.headers if "RateLimit" in name]
    assert (forbidden.status, forbidden.body["category"]) == (403, "MISSING_SCOPES")
    assert forbidden.body["errors"][0]["context"] == {
        "requiredGranularScopes": ["tickets"]
    }
    assert not [name for name in forbidden.headers if "RateLimit" in name]
    assert (taken.status, taken.message) == (409, "Contact already exists")
    assert taken.body["category"] == "CONFLICT"
    assert {
        item.body["correlationId"] for item in (bad, unknown, forbidden, taken)
    } == {
        item.headers["X-HubSpot-Correlation-Id"]
        for item in (bad, unknown, forbidden, taken)
    }


@behaviour("fault-status")
def test_any_status_and_body(world: World) -> None:
    world.unchecked = True
    world.sim.faults.add(Fault("status", status=418, body={"short": "stout"}))
    world.sim.faults.add(Fault("status", status=502, body="error code: 502"))
    world.sim.faults.add(Fault("status", status=404))
    world.sim.faults.add(Fault("status", status=400, headers={"X-Extra": "1"}))
    teapot, plain, html, extra = ask(world), ask(world), ask(world), ask(world)

    assert (teapot.status, teapot.body) == (418, {"short": "stout"})
    assert plain.body == b"error code: 502"
    assert html.headers["X-HubSpot-NotFound"] == "true"
    assert extra.headers["X-Extra"] == "1"


@behaviour("fault-truncate", "fault-drop", "fault-delay")
def test_cuts(world: World) -> None:
    """Only `drop_before` prevents the write."""
    for kind in ("drop_before", "drop_after_commit", "truncate"):
        world.sim.faults.add(Fault(kind))
    world.sim.faults.add(Fault("delay", seconds=2.5))
    world.unchecked = True
    replies = [create(world, "x").reply for _ in range(5)]

    assert [reply.cut for reply in replies] == [
        "drop_before",
        "drop_after_commit",
        "truncate",
        None,
        None,
    ]
    assert world.sim.store.count("tickets") == 4
    # The delay struck the dropped request too: the two do not exclude each other.
    assert [reply.seconds for reply in replies] == [2.5, 0, 0, 0, 0]


@behaviour("fault-truncate")
def test_truncated_answer_without_a_body(world: World) -> None:
    """Half of an empty body would be the whole answer: the socket closes instead."""
    ticket = world.ticket()
    world.sim.faults.add(Fault("truncate"))
    response = world.batch("archive", [{"id": ticket}])

    assert response.reply.cut == "drop_after_commit"
    assert world.sim.store.count("tickets") == 0


@behaviour("fault-when")
def test_when(world: World) -> None:
    """Conditions by verb, type, path, token, id and count, and a function."""
    other = world.sim.issue_token()
    faults = world.sim.faults
    always: dict[str, Any] = {"times": None, "status": 502}
    faults.add(Fault("status", when=When(verb="update"), **always))
    faults.add(Fault("status", when=When(object_type="deals"), **always))
    faults.add(Fault("status", when=When(path="/2026-03/"), **always))
    faults.add(Fault("status", when=When(token=other), **always))
    faults.add(Fault("status", when=When(id="512"), **always))
    faults.add(Fault("status", when=lambda seen: seen.verb == "archive", **always))

    assert ask(world, "update").status == 502
    assert ask(world, type="deals").status == 502
    path = "/crm/objects/{}/tickets/batch/read"
    assert world.post(path.format("2026-03"), {}).status == 502
    assert world.post(path.format("2026-09"), {}).status == 200
    assert world.batch("read", [], token=other).status == 502
    assert world.batch("read", [{"id": "512"}]).status == 502
    assert world.batch("read", [{"id": "5120"}]).status == 207
    text = {"id": "1", "properties": {"subject": "512"}}
    assert world.batch("create", [text]).status == 201
    assert ask(world, "archive").status == 502
    assert ask(world).status == 200


@pytest.mark.parametrize("verb", ["create", "update", "upsert", "read"])
@behaviour("fault-poisoned", "fault-when")
def test_a_poisoned_record(world: World, verb: str) -> None:
    """Requests with the record get a 500; requests without it succeed."""
    world.unchecked = True
    poison = Fault("status", status=500, times=None, when=When(text='"poison"'))
    world.sim.faults.add(poison)
    if verb == "read":
        inputs: list[dict[str, Any]] = [{"id": "poison"}, {"id": "1"}]
    else:
        values = ("poison", "fine")
        inputs = [{"id": "1", "properties": {"subject": item}} for item in values]
    statuses = [
        world.batch(verb, item).status for item in (inputs, inputs[:1], inputs[:1])
    ]

    assert statuses == [500, 500, 500]
    assert world.batch(verb, inputs[1:]).status != 500


@behaviour("fault-proxy")
def test_a_page_of_a_proxy(world: World) -> None:
    """It has none of HubSpot's headers, and HubSpot does not count the request."""
    world.unchecked = True
    for status in (401, 403, 502, 599):
        world.sim.faults.add(Fault("proxy", status=status))
    page = "<html><title>Acme Web Gateway: blocked</title></html>"
    world.sim.faults.add(Fault("proxy", status=403, body=page, retry_after=5))
    world.sim.faults.add(Fault("proxy", status=403, empty=True))
    world.sim.faults.add(Fault("proxy", status=403, body={"error": "blocked"}))
    responses = [create(world, "never written") for _ in range(7)]

    assert [item.status for item in responses] == [401, 403, 502, 599, 403, 403, 403]
    for item in responses:
        assert not [name for name in item.headers if name.startswith("X-HubSpot")]
        assert item.headers["Server"] == "nginx"
    assert b"<title>401 Unauthorized</title>" in responses[0].body
    assert b"<title>599 Error</title>" in responses[3].body
    assert responses[0].reply.answer.content_type == "text/html"
    assert (responses[4].body, responses[4].headers["Retry-After"]) == (
        page.encode(),
        "5",
    )
    assert (responses[5].body, responses[6].body) == (b"", {"error": "blocked"})
    assert world.sim.store.count("tickets") == 0
    assert ask(world).headers["X-HubSpot-RateLimit-Remaining"] == "189"


@behaviour("fault-when")
def test_when_by_id_of_a_legacy_call(world: World) -> None:
    path = "/crm-objects/v1/objects/tickets/batch-update"
    world.sim.faults.add(Fault("status", times=None, status=502, when=When(id="512")))

    assert world.post(path, [{"objectId": 512, "properties": []}]).status == 502
    assert world.post(path, [{"objectId": 51, "properties": []}]).status == 404
    assert world.post(path, content=b"[512").status == 400
    assert world.post(path, 512).status == 400


@behaviour("fault-when")
def test_when_by_verb_and_id_of_a_single_record(world: World) -> None:
    """A batch has the same ids and other verbs."""
    ticket, other = world.ticket(), world.ticket()
    faults = world.sim.faults
    faults.add(Fault("status", status=502, when=When(id=ticket), times=None))
    faults.add(Fault("status", status=503, when=When(verb="record/read"), times=None))
    path = "/crm/v3/objects/tickets"
    statuses = [
        world.post(f"{path}/{each}", method=method).status
        for each in (ticket, other)
        for method in ("GET", "DELETE")
    ]

    assert statuses == [502, 502, 503, 204]
    assert world.batch("read", [{"id": ticket}]).status == 502
    assert world.batch("read", [{"id": other}]).status == 207


@behaviour("fault-when")
def test_skip_and_times(world: World) -> None:
    world.sim.faults.add(Fault("status", times=2, when=When(verb="read", skip=1)))
    statuses = [ask(world, verb).status for verb in ("update", *["read"] * 4)]

    assert statuses == [200, 200, 503, 503, 200]
    assert len(world.sim.faults.struck) == 2


@behaviour("fault-count")
def test_a_fault_does_not_count_what_an_earlier_one_strikes(world: World) -> None:
    for status, skip in ((502, 0), (503, 1), (504, 1)):
        when = When(verb="read", skip=skip)
        world.sim.faults.add(Fault("status", status=status, when=when))
    statuses = [ask(world).status for _ in range(5)]

    assert statuses == [502, 200, 503, 504, 200]


@behaviour("fault-count")
def test_a_fault_that_only_delays_strikes_beside_others(world: World) -> None:
    world.sim.faults.add(Fault("status", status=502))
    world.sim.faults.add(Fault("delay", seconds=3.0, when=When(skip=0)))
    response = ask(world)

    assert (response.status, response.reply.seconds) == (502, 3.0)


@behaviour("fault-count")
def test_a_fault_counts_what_the_account_refuses(make_world: MakeWorld) -> None:
    """A 401 and a 429 of the account are requests like others."""
    world = make_world(limit=1)
    world.sim.faults.add(Fault("status", status=502, when=When(skip=3)))
    unknown = world.sim.issue_token()
    world.sim.revoke_token(unknown)
    statuses = [ask(world).status, world.batch("read", [], token=unknown).status]
    statuses += [ask(world).status for _ in range(2)]

    assert statuses == [200, 401, 429, 502]


@pytest.mark.parametrize(
    ("fault", "used"),
    [
        (Fault("status", status=502), 2),
        (Fault("status", status=423), 2),
        (Fault("drop_after_commit"), 2),
        (Fault("truncate"), 2),
        (Fault("delay"), 2),
        (Fault("drop_before"), 1),
        (Fault("proxy", status=502), 1),
        (Fault("status", status=401), 1),
        (Fault("status", status=403), 1),
        (Fault("status", status=429), 1),
    ],
)
@behaviour("fault-count")
def test_which_struck_requests_use_the_limit(
    world: World, fault: Fault, used: int
) -> None:
    world.unchecked = True
    world.sim.faults.add(fault)
    ask(world)
    headers = ask(world).headers
    limit, left = (
        int(headers[f"X-HubSpot-RateLimit-{name}"]) for name in ("Max", "Remaining")
    )

    assert limit - left == used


@behaviour("fault-count")
def test_a_fault_does_not_count_the_page_and_what_is_too_long() -> None:
    """Neither reaches what faults strike."""
    with Simulator() as sim:
        sim.faults.add(Fault("status", status=502, when=When(skip=0)))
        address = urlsplit(sim.url).netloc
        statuses = []
        for path in ("/", "/simulator/state", f"/crm?{'x' * MAX_URL}", "/crm", "/crm"):
            connection = HTTPConnection(address)
            connection.request("GET", path)
            statuses.append(connection.getresponse().status)
            connection.close()

    assert statuses == [200, 200, 414, 502, 501]


@behaviour("chaos")
def test_chaos_repeats_by_seed(make_world: MakeWorld) -> None:
    """The share is about right, all kinds occur, and the seed decides the order."""

    def hour(seed: int) -> list[tuple[int, str | None]]:
        world = make_world(seed=seed, limit=10_000)
        world.sim.faults.chaos(0.3)
        world.unchecked = True
        responses = [ask(world) for _ in range(300)]
        return [(item.status, item.reply.cut) for item in responses]

    first = hour(1)
    failed = [item for item in first if item != (200, None)]

    assert first == hour(1) != hour(2)
    assert 60 < len(failed) < 120
    assert {status for status, _ in failed} == {200, 0, 423, 429, 500, 502, 503, 504}
    assert {cut for _, cut in failed} == {
        None,
        "drop_before",
        "drop_after_commit",
        "truncate",
    }


def test_chaos_is_a_share(world: World) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        world.sim.faults.chaos(2)


def test_clear(world: World) -> None:
    world.sim.faults.add(Fault("status", times=None))
    world.sim.faults.chaos(1)
    world.sim.faults.clear()

    assert ask(world).status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "sttus"}, "must be in"),
        ({"kind": "status", "status": 20}, "must be >= 200"),
        ({"kind": "status", "times": -1}, "must be an integer from 0 on"),
        ({"kind": "delay", "seconds": "1"}, "must be a number from 0 on"),
        ({"kind": "shuffle", "value": "no"}, "must be <class 'bool'>"),
        ({"kind": "key_order", "value": "newest"}, "must be in"),
        ({"kind": "honour_trace_ids", "value": ["read"]}, "must be a list of verbs"),
    ],
)
def test_invalid_faults(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Fault(**options)


@behaviour("quirk-shuffle")
def test_shuffle_off(world: World) -> None:
    world.sim.faults.set(shuffle=False)
    subjects = [str(n) for n in range(30)]
    results = create(world, *subjects).body["results"]

    assert [item["properties"]["subject"] for item in results] == subjects


@behaviour("quirk-echo-trace-ids", "trace-ids-echoed")
def test_echo_of_trace_ids(world: World) -> None:
    with_echo = create(world, "x", traces=True)
    world.sim.faults.set(echo_trace_ids=False)
    without = create(world, "x", traces=True)

    assert with_echo.body["results"][0]["objectWriteTraceId"] == "t0"
    assert "objectWriteTraceId" not in without.body["results"][0]


@pytest.mark.parametrize("verb", ["create", "update", "upsert"])
@behaviour("quirk-honour-trace-ids", "invalid-traced")
def test_honour_of_trace_ids_per_verb(world: World, verb: str) -> None:
    inputs = [
        {
            "id": world.ticket() if verb == "update" else f"k{n}",
            "objectWriteTraceId": str(n),
            "properties": properties,
            **({"idProperty": "hs_external_object_ids"} if verb == "upsert" else {}),
        }
        for n, properties in enumerate([{"subject": "good"}, {"no_such": "x"}])
    ]
    honoured = world.batch(verb, inputs)
    world.sim.faults.set(honour_trace_ids={"create", "update", "upsert"} - {verb})
    ignored = world.batch(verb, inputs)

    assert honoured.status == 207
    assert honoured.body["errors"][0]["context"] == {"objectWriteTraceId": ["1"]}
    assert [item["properties"]["subject"] for item in honoured.body["results"]] == [
        "good"
    ]
    assert ignored.status == 400


@behaviour("quirk-key-order")
def test_key_order(world: World) -> None:
    """The order of 2025, and that of the years before."""
    new, new_partial = ask(world), world.batch("read", [{"id": "1"}])
    world.sim.faults.set(key_order="old")
    old, old_partial = ask(world), world.batch("read", [{"id": "1"}])

    assert list(new.body) == ["completedAt", "status", "startedAt", "results"]
    assert list(new_partial.body)[-2:] == ["errors", "numErrors"]
    assert list(old.body) == ["status", "results", "startedAt", "completedAt"]
    assert list(old_partial.body)[2:4] == ["numErrors", "errors"]


@behaviour("quirk-status-flip")
def test_status_flip(world: World) -> None:
    """A create answers 200 and an update 201; here for one request each."""
    world.sim.faults.add(Fault("status_flip", times=2))

    assert create(world, "x").status == 200
    assert ask(world, "update").status == 201
    assert create(world, "x").status == 201


@behaviour("quirk-silent-noop")
def test_silent_noop(world: World) -> None:
    world.sim.faults.add(Fault("silent_noop"))
    response = create(world, "x")

    assert (response.status, response.body["results"]) == (201, [])
    assert world.sim.store.count("tickets") == 0
    assert create(world, "x").body["results"] != []


@behaviour("quirk-silent-missing")
def test_silent_missing(world: World) -> None:
    """A 207 without errors, as reported for line items."""
    world.sim.faults.set(silent_missing=True)
    missing = [{"id": "1", "properties": {"name": "x"}}]
    response = world.batch("update", missing, type="line_items")

    assert response.status == 207
    assert (response.body["results"], response.body["errors"]) == ([], [])
    assert response.body["numErrors"] == 0


@behaviour("quirk-silent-drop")
def test_silent_drop(world: World) -> None:
    """The listed inputs, or a random one, are neither written nor mentioned."""
    ids = [world.ticket(subject="old") for _ in range(5)]
    inputs = [{"id": item, "properties": {"subject": "new"}} for item in ids]
    world.sim.faults.add(Fault("silent_drop", value=[ids[2]]))
    named = world.batch("update", inputs)
    record = world.sim.store.get("tickets", ids[2])

    assert named.status == 200
    assert set(named.by_id) == {*ids} - {ids[2]}
    assert record is not None
    assert record.properties["subject"] == "old"

    world.sim.faults.add(Fault("silent_drop"))
    chosen = world.batch("update", inputs)

    assert len(chosen.by_id) == 4
    assert "errors" not in chosen.body


@behaviour("quirk-update-by-email")
def test_update_by_email(world: World) -> None:
    contact = world.contact(email="a@x.org")
    change = {"id": "A@x.org", "idProperty": "email", "properties": {"firstname": "A"}}

    def update() -> Response:
        return world.batch("update", [change], type="contacts")

    assert update().status == 400

    world.sim.faults.set(update_by_email=True)

    assert list(update().by_id) == [contact]
