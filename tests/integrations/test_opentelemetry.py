"""Spans and metrics, as OpenTelemetry's SDK exports them."""

import asyncio
import subprocess
import sys

from collections.abc import Iterator
from typing import Any

import pytest

from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from hubbatch import AuthenticationError, Event, HubBatch, RetryPolicy
from hubbatch._http import Response
from hubbatch._net.batch import Batch
from hubbatch._net.coalescing import CallBatchers
from hubbatch._net.event_emitter import EventEmitter
from hubbatch._net.listeners import Listeners
from hubbatch._wire.endpoints import operation_for
from hubbatch.integrations.opentelemetry import OpenTelemetry
from hubbatch.simulator import Simulator
from tests.net.crm import (
    SECRET,
    UNAUTHORIZED,
    UNIQUE,
    Crm,
    client_state,
    operation,
    page,
    throttled,
    updates,
)
from tests.net.virtual import VirtualTimeLoop


UPDATE = operation("update")
ABOUT = {"hubbatch.object_type": "tickets", "hubbatch.verb": "update"}


@define
class Telemetry:
    """A listener, and what an application's SDK records from it."""

    spans: InMemorySpanExporter = field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(factory=InMemoryMetricReader)
    tracers: TracerProvider = field(factory=TracerProvider)
    base_url: str = "https://api.hubapi.com"
    listener: OpenTelemetry = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.listener = OpenTelemetry(
            base_url=self.base_url,
            tracer_provider=self.tracers,
            meter_provider=MeterProvider([self.reader]),
        )

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans.get_finished_spans() if span.name == name]

    def one(self, name: str) -> Any:
        [span] = self.named(name)
        return span

    def points(self, name: str) -> list[Any]:
        """Return all points of a metric that were collected since the last call."""
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def values(self, name: str, by: str | None = None) -> dict[Any, Any]:
        points = self.points(name)
        return {by and point.attributes[by]: point.value for point in points}


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


def filled(**options: Any) -> Crm:
    crm = Crm(**options)
    crm.fill(50)
    return crm


def listened(
    crm: Crm, telemetry: Telemetry, source: Any = (), call: Any = UPDATE, **options: Any
) -> Batch[Any]:
    shared = client_state(crm, **options)
    shared.listeners = Listeners([telemetry.listener])
    return Batch(shared, call, source)


REQUEST = "POST /crm/v3/objects/tickets/batch/update"


# ---- spans


async def test_a_batch_and_the_requests_below_it(telemetry: Telemetry) -> None:
    call = operation("update", max_inputs=4)
    with telemetry.tracers.get_tracer("app").start_as_current_span("caller"):
        await listened(filled(), telemetry, updates(10), call)
    caller, batch = telemetry.one("caller"), telemetry.one("tickets.update")
    requests: list[Any] = telemetry.named(REQUEST)
    assert batch.parent.span_id == caller.context.span_id
    assert [span.parent.span_id for span in requests] == [batch.context.span_id] * 3
    assert (batch.kind, batch.status.status_code) == (
        SpanKind.INTERNAL,
        StatusCode.UNSET,
    )
    assert dict(batch.attributes) == {
        **ABOUT,
        "hubbatch.lane": "bulk",
        "hubbatch.records": 10,
        "hubbatch.chunks": 3,
        "hubbatch.num_errors": 0,
    }
    request = requests[0]
    assert (request.kind, request.status.status_code) == (
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    assert dict(request.attributes) == {
        **ABOUT,
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.full": "https://api.hubapi.com/crm/v3/objects/tickets/batch/update",
        "url.template": "/crm/v3/objects/tickets/batch/update",
        "server.address": "api.hubapi.com",
        "server.port": 443,
        "hubbatch.records": 4,
        "hubbatch.rate_limit.wait": pytest.approx(0, abs=0.001),
    }


async def test_batches_side_by_side_keep_their_requests(telemetry: Telemetry) -> None:
    reads = operation("read")
    await asyncio.gather(
        listened(filled(latency=(1, 1)), telemetry, updates(3)),
        listened(filled(latency=(2, 2)), telemetry, ["1"], reads),
    )
    for name, path in (("tickets.update", "update"), ("tickets.read", "read")):
        request = telemetry.one(f"POST /crm/v3/objects/tickets/batch/{path}")
        assert request.parent.span_id == telemetry.one(name).context.span_id


async def test_nothing_is_current_after_a_batch(telemetry: Telemetry) -> None:
    before = trace.get_current_span()
    await listened(filled(), telemetry, updates(3))
    async with listened(filled(), telemetry, updates(3)) as outcomes:
        assert trace.get_current_span() is before
        async for _ in outcomes:
            break
    assert trace.get_current_span() is before
    assert len(telemetry.named("tickets.update")) == 2


async def test_a_retry_is_an_event_and_a_span_of_its_own(telemetry: Telemetry) -> None:
    answer = Response(503, {"X-HubSpot-Correlation-Id": "c-7"}, b"")
    await listened(filled(script=[answer]), telemetry, updates(3))
    first, second = telemetry.named(REQUEST)
    assert first.attributes is not None
    assert second.attributes is not None
    assert first.status.status_code is StatusCode.ERROR
    assert first.attributes["error.type"] == "503"
    assert "http.request.resend_count" not in first.attributes
    assert second.attributes["http.request.resend_count"] == 1
    [event] = telemetry.one("tickets.update").events
    assert event.name == "retry"
    assert event.attributes["hubbatch.correlation_id"] == "c-7"
    assert event.attributes["http.response.status_code"] == 503
    assert telemetry.values("hubbatch.retries", "hubbatch.reason") == {"503": 1}


async def test_a_throttle_is_an_event_and_a_wait(telemetry: Telemetry) -> None:
    crm = filled(script=[throttled(Retry_After="3")])
    await listened(crm, telemetry, updates(3))
    throttle, retry = telemetry.one("tickets.update").events
    assert (throttle.name, retry.name) == ("rate_limit.wait", "retry")
    policy = "TEN_SECONDLY_ROLLING"
    assert dict(throttle.attributes) == {
        "hubbatch.policy": policy,
        "hubbatch.wait": 3,
    }
    told = telemetry.values("hubbatch.responses.429", "hubbatch.policy")
    assert told == {policy: 1}
    waits = [
        span.attributes["hubbatch.rate_limit.wait"]  # type: ignore[index] # it has some
        for span in telemetry.named(REQUEST)
    ]
    assert waits == pytest.approx([0, 3], abs=0.01)


async def test_a_throttle_without_a_name(telemetry: Telemetry) -> None:
    crm = filled(script=[Response(429, {}, b"")])
    await listened(crm, telemetry, updates(3))
    told = telemetry.values("hubbatch.responses.429", "hubbatch.policy")
    assert told == {"unknown": 1}


async def test_isolation_is_an_event(telemetry: Telemetry) -> None:
    given = updates(4)
    given[2]["properties"]["value"] = "bad-2"
    await listened(filled(traced=False), telemetry, given)
    batch = telemetry.one("tickets.update")
    [event] = batch.events
    assert (event.name, event.attributes["hubbatch.parts"]) == ("isolated", 2)
    assert batch.attributes["hubbatch.num_errors"] == 1
    assert batch.status.status_code is StatusCode.ERROR
    assert batch.attributes["error.type"] == "BatchFailed"


async def test_a_batch_without_failures_has_not_failed(telemetry: Telemetry) -> None:
    await listened(filled(), telemetry, updates(3))
    batch = telemetry.one("tickets.update")
    assert batch.status.status_code is StatusCode.UNSET
    assert "error.type" not in batch.attributes


async def test_no_answer_is_an_error(telemetry: Telemetry) -> None:
    await listened(filled(script=["lost before"]), telemetry, updates(3))
    lost: Any = telemetry.named(REQUEST)[0]
    assert lost.status.status_code is StatusCode.ERROR
    assert lost.attributes["error.type"] == "no_answer"
    told = telemetry.values("hubbatch.retries", "hubbatch.reason")
    assert told == {"no_answer": 1}


async def test_an_early_end_is_an_error(telemetry: Telemetry) -> None:
    with pytest.raises(AuthenticationError):
        await listened(filled(script=[UNAUTHORIZED]), telemetry, updates(2))
    batch = telemetry.one("tickets.update")
    assert batch.status.status_code is StatusCode.ERROR
    assert batch.attributes["error.type"] == "AuthenticationError"


async def test_a_cancellation_closes_every_span(telemetry: Telemetry) -> None:
    batch = listened(filled(latency=(5, 5)), telemetry, updates(2))
    task = asyncio.create_task(batch)
    await asyncio.sleep(4)
    task.cancel()
    await asyncio.wait([task])
    abandoned = asyncio.create_task(listened(filled(), telemetry, updates(2)))
    abandoned.cancel()
    await asyncio.wait([abandoned])
    assert len(telemetry.named(REQUEST)) == 1
    assert len(telemetry.named("tickets.update")) == 2
    assert set(telemetry.values("hubbatch.chunks.in_flight").values()) == {0}
    told = telemetry.values("hubbatch.records", "hubbatch.outcome")
    assert told == {"unknown": 2, "not_sent": 2}


async def test_single_calls_are_a_trace_of_their_own(telemetry: Telemetry) -> None:
    """It belongs to several callers."""
    shared = client_state(filled())
    shared.listeners = Listeners([telemetry.listener])
    with telemetry.tracers.get_tracer("app").start_as_current_span("caller"):
        await CallBatchers(shared).call(UPDATE, updates(1)[0])
        await asyncio.sleep(1)
    batch = telemetry.one("tickets.update")
    assert batch.parent is None
    assert batch.attributes["hubbatch.lane"] == "single"
    assert telemetry.one(REQUEST).parent.span_id == batch.context.span_id


# ---- metrics


async def test_what_is_counted(telemetry: Telemetry) -> None:
    given = [*updates(6), {"id": "404", "properties": {"value": "x"}}, None]
    call = operation("update", max_inputs=5)
    await listened(filled(latency=(1, 1)), telemetry, given, call)
    data = telemetry.reader.get_metrics_data()
    assert data is not None
    [scope] = data.resource_metrics[0].scope_metrics
    assert scope.scope.name == "hubbatch"
    metrics: dict[str, Any] = {metric.name: metric for metric in scope.metrics}
    assert {name: metric.unit for name, metric in metrics.items()} == {
        "hubbatch.records": "{record}",
        "hubbatch.batch.size": "{record}",
        "hubbatch.chunks.in_flight": "{request}",
        "hubbatch.request.duration": "s",
        "hubbatch.rate_limit.wait": "s",
    }
    records = metrics["hubbatch.records"].data.data_points
    assert {point.attributes["hubbatch.outcome"]: point.value for point in records} == {
        "succeeded": 6,
        "failed": 2,
    }
    [size] = metrics["hubbatch.batch.size"].data.data_points
    assert (size.count, size.sum, dict(size.attributes)) == (2, 7, ABOUT)
    durations = {
        point.attributes["http.response.status_code"]: (point.count, point.sum)
        for point in metrics["hubbatch.request.duration"].data.data_points
    }
    assert durations == {
        status: (1, pytest.approx(1, abs=0.01)) for status in (200, 207)
    }


async def test_requests_under_way(telemetry: Telemetry) -> None:
    call = operation("update", max_inputs=4)
    batch = listened(filled(latency=(2, 2)), telemetry, updates(10), call)
    task = asyncio.create_task(batch)
    await asyncio.sleep(1)
    assert telemetry.values("hubbatch.chunks.in_flight") == {None: 3}
    await task
    assert telemetry.values("hubbatch.chunks.in_flight") == {None: 0}


async def test_what_is_left_of_the_day_by_account(telemetry: Telemetry) -> None:
    headers = {"X-HubSpot-RateLimit-Daily-Remaining": "249000"}
    unnamed = listened(
        filled(script=[Response(503, headers, b"")]), telemetry, updates(1)
    )
    await unnamed
    assert telemetry.values("hubbatch.daily_quota.remaining") == {}
    named = listened(
        filled(script=[Response(503, headers, b"")]), telemetry, updates(1)
    )
    named._state.account = "62515"
    await named
    told = telemetry.values("hubbatch.daily_quota.remaining", "hubbatch.account")
    assert told == {"62515": 249_000}
    batch: Any = telemetry.named("tickets.update")[-1]
    assert batch.attributes["hubbatch.account"] == "62515"


async def test_rows_that_a_job_has_not_settled(telemetry: Telemetry) -> None:
    events = EventEmitter(operation=UPDATE, listeners=Listeners([telemetry.listener]))
    for pending in (250, 50):
        events.journal_written(pending)
    [point] = telemetry.points("hubbatch.journal.pending")
    assert (point.value, point.attributes) == (50, ABOUT)


async def test_records_that_were_read_back_are_counted(telemetry: Telemetry) -> None:
    call = operation_for(
        "objects", "create", "tickets", api_version="v3", reconcile_by=UNIQUE
    )
    given = [{"properties": {UNIQUE: f"n{n}"}} for n in range(3)]
    batch = listened(Crm(script=["502 after"]), telemetry, given, call)
    await batch
    assert batch.summary.succeeded == 3
    told = telemetry.values("hubbatch.records", "hubbatch.outcome")
    assert told == {"succeeded": 3}


FATES = st.sampled_from(
    ["502 before", "502 after", "lost before", "lost after", "throttled"]
)


@given(
    st.lists(FATES, max_size=6),
    st.lists(st.sampled_from(["fine", "bad", "missing", "invalid"]), max_size=30),
    st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
def test_records_add_up_to_the_summary(
    fates: list[Any],
    kinds: list[str],
    traced: bool,  # noqa: FBT001 -- hypothesis gives it
) -> None:
    telemetry = Telemetry()
    forms: dict[str, Any] = {
        "fine": lambda n: {"id": str(n), "properties": {"value": f"v{n}"}},
        "bad": lambda n: {"id": str(n), "properties": {"value": f"bad-{n}"}},
        "missing": lambda n: {"id": f"40{n}", "properties": {"value": "v"}},
        "invalid": lambda _: {"properties": {}},
    }
    source = [forms[kind](n) for n, kind in enumerate(kinds, 1)]
    crm = filled(script=fates, traced=traced)

    async def run() -> Any:
        policy = RetryPolicy(attempts=3)
        batch = listened(
            crm, telemetry, source, operation("update", max_inputs=4), policy=policy
        )
        await asyncio.wait([asyncio.create_task(batch)])
        return batch.summary

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        summary = runner.run(run())
    counts = telemetry.values("hubbatch.records", "hubbatch.outcome")
    for status in ("succeeded", "failed", "unknown", "not_sent"):
        assert counts.get(status, 0) == getattr(summary, status)
    assert len(telemetry.spans.get_finished_spans()) == 1 + summary.requests
    assert set(telemetry.values("hubbatch.chunks.in_flight").values()) <= {0}


def test_an_event_of_another_kind_is_left_alone(telemetry: Telemetry) -> None:
    telemetry.listener(Event(account=None, operation="tickets.update"))
    assert telemetry.reader.get_metrics_data() is None


# ---- what is never told


async def test_no_id_value_message_or_token_is_exported(telemetry: Telemetry) -> None:
    refusal = b'{"message":"the-message quotes the-value"}'
    crm = filled(script=[page(502), throttled(), Response(400, {}, refusal)])
    source = [{"id": "31", "properties": {"value": "bad-the-value"}}] * 2
    await listened(crm, telemetry, source)
    written = "".join(span.to_json() for span in telemetry.spans.get_finished_spans())
    data = telemetry.reader.get_metrics_data()
    assert data is not None
    written += data.to_json()
    for secret in ("the-value", "the-message", '"31"', SECRET, "pat-"):
        assert secret not in written


# ---- with others


@pytest.fixture
def instrumented(telemetry: Telemetry) -> Iterator[None]:
    instrumentor = AioHttpClientInstrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracers)
    yield
    instrumentor.uninstrument()


@pytest.mark.usefixtures("instrumented")
def test_spans_of_aiohttp_stand_below(
    telemetry: Telemetry, hubspot_simulator: Simulator
) -> None:
    url = hubspot_simulator.url
    ticket = hubspot_simulator.store.create("tickets", {"subject": "s"})

    async def main() -> None:
        listener = Telemetry(tracers=telemetry.tracers, base_url=url).listener
        token = hubspot_simulator.token
        async with HubBatch(token, base_url=url, listeners=[listener]) as hub:
            await hub.tickets.read([ticket.id])

    asyncio.run(main())
    ours = telemetry.one("POST /crm/v3/objects/tickets/batch/read")
    port = int(url.rpartition(":")[2])
    assert ours.attributes["server.address"] == "127.0.0.1"
    assert ours.attributes["server.port"] == port
    theirs = telemetry.one("POST")
    assert theirs.parent.span_id == ours.context.span_id


def test_a_url_without_a_port() -> None:
    listener = OpenTelemetry(base_url="http://localhost/")
    assert listener._server == {"server.address": "localhost", "server.port": 80}


def test_the_url_is_the_environments_as_for_a_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HUBBATCH_BASE_URL", raising=False)
    assert OpenTelemetry()._server["server.address"] == "api.hubapi.com"
    monkeypatch.setenv("HUBBATCH_BASE_URL", "http://localhost:8080")
    assert OpenTelemetry()._server == {
        "server.address": "localhost",
        "server.port": 8080,
    }


def test_without_a_sdk_it_does_nothing() -> None:
    """The global providers of an application that has not configured any."""

    async def main() -> int:
        shared = client_state(filled())
        shared.listeners = Listeners([OpenTelemetry()])
        return (await Batch(shared, UPDATE, updates(3))).succeeded

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(main()) == 3


def test_without_the_api_the_error_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import hubbatch\n"
        "import hubbatch.integrations.opentelemetry"
    )
    ran = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "pip install 'hubbatch[opentelemetry]'" in ran.stderr
