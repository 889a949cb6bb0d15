"""Traces and metrics for OpenTelemetry.

Example::

    hub = HubBatch(listeners=[OpenTelemetry()])

Only OpenTelemetry's API is needed; the application configures the SDK. Spans and
metrics never contain record ids, property values, HubSpot's messages (they quote
values) or tokens.
"""

import os

from collections import Counter
from contextvars import Token
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field

from hubbatch._outcomes.events import (
    BatchBegun,
    BatchEnded,
    ChunkAnswered,
    ChunkCut,
    ChunkIsolated,
    ChunkRetried,
    ChunkSent,
    ChunkSettled,
    ChunkThrottled,
    Event,
    InputFailed,
    JournalWritten,
)
from hubbatch._outcomes.outcome import OutcomeStatus
from hubbatch.errors import BatchFailed


try:
    from opentelemetry import context, metrics, trace
except ImportError as _missing:
    raise ImportError(
        "OpenTelemetry needs its API: pip install 'hubbatch[opentelemetry]'"
    ) from _missing


# The boundaries that the HTTP conventions recommend, and HubSpot's limit of 100 s.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100)
_INPUTS = (1, 2, 5, 10, 20, 50, 75, 99)

_BASE_URL = "https://api.hubapi.com"
_FIRST_ERROR = 400  # statuses from here on are errors


@define(eq=False)
class _Open:
    """A span that is current in the context of its first event until it is closed."""

    span: trace.Span
    _token: Token[context.Context] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._token = context.attach(trace.set_span_in_context(self.span))

    def close(self) -> None:
        """End the span, and restore the previous context."""
        context.detach(self._token)
        self.span.end()


@define(eq=False)
class _Batch(_Open):
    """The span of a batch, and the number of its records counted so far."""

    counted: "Counter[str]" = field(factory=Counter, init=False)


class OpenTelemetry:
    """A listener that records a span per batch, with a child span per request.

    Spans are named `tickets.update` and `POST /crm/v3/objects/...`; the latter follow
    the conventions for HTTP clients. Spans from aiohttp's own instrumentation become
    their children; `OTEL_PYTHON_AIOHTTP_CLIENT_EXCLUDED_URLS=api.hubapi.com` turns
    those off. The span of a batch is a child of its caller's, except for single calls:
    they are sent together for several callers, so they begin their own trace. A span of
    a batch has failed, with `error.type`, if an error ended the batch (the error's
    class) or a record did not succeed (`BatchFailed`).

    The metrics, by object type and verb where that applies:

    * `hubbatch.records` by `hubbatch.outcome`: succeeded, failed, unknown, not_sent;
    * `hubbatch.batch.size`: the records of a request;
    * `hubbatch.chunks.in_flight`: requests in flight;
    * `hubbatch.request.duration` in seconds, by status;
    * `hubbatch.rate_limit.wait`: seconds that a request waited for a permit;
    * `hubbatch.retries` by `hubbatch.reason`, `hubbatch.responses.429` by
      `hubbatch.policy`;
    * `hubbatch.journal.pending`: rows that a job has read and that have no final
      outcome;
    * `hubbatch.daily_quota.remaining` of each account whose id is known.

    Args:
        base_url: HubSpot's URL, for the spans; by default HUBBATCH_BASE_URL, else
            api.hubapi.com. Pass the same value as to the client.
        tracer_provider: Used instead of the global one.
        meter_provider: Used instead of the global one.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        base_url = base_url or os.environ.get("HUBBATCH_BASE_URL") or _BASE_URL
        url = urlsplit(base_url)
        self._base_url = base_url.rstrip("/")
        self._server: dict[str, str | int] = {
            "server.address": url.hostname or "",
            "server.port": url.port or (80 if url.scheme == "http" else 443),
        }
        self._tracer = trace.get_tracer("hubbatch", tracer_provider=tracer_provider)
        self._meters = _Meters(metrics.get_meter("hubbatch", "", meter_provider))
        self._batches: dict[int, _Batch] = {}
        self._requests: dict[tuple[int, int], _Open] = {}

    def __call__(self, event: Event) -> None:
        """Record an event."""
        match event:
            case BatchBegun():
                self._begin(event)
            case BatchEnded():
                self._end(event)
            case ChunkCut():
                self._meters.size.record(event.inputs, _about(event))
            case ChunkSent():
                self._send(event)
            case ChunkAnswered():
                self._answer(event)
            case ChunkSettled():
                self._count(event, OutcomeStatus.SUCCEEDED, event.succeeded)
            case InputFailed():
                self._count(event, event.status, 1)
            case ChunkRetried() | ChunkThrottled() | ChunkIsolated():
                self._note(event)
            case JournalWritten():
                self._meters.pending.set(event.pending, _about(event))
            case _:
                """Other events are not recorded."""

    # ---- a batch

    def _begin(self, event: BatchBegun) -> None:
        attributes = {**_about(event), "hubbatch.lane": event.lane}
        if event.account is not None:
            attributes["hubbatch.account"] = event.account
        span = self._tracer.start_span(event.operation, attributes=attributes)
        self._batches[event.batch] = _Batch(span)

    def _end(self, event: BatchEnded) -> None:
        batch, summary = self._batches[event.batch], event.summary
        for status in OutcomeStatus:
            # There are no events for the records that were looked up after a lost
            # answer.
            rest = getattr(summary, status) - batch.counted[status]
            self._count(event, status, rest)
        batch.span.set_attributes(
            {
                "hubbatch.records": summary.inputs,
                "hubbatch.chunks": summary.requests,
                "hubbatch.num_errors": summary.inputs - summary.succeeded,
            }
        )
        incomplete = summary.succeeded < summary.inputs
        if event.error is not None or incomplete:
            _fail(batch.span, event.error or BatchFailed.__name__)
        del self._batches[event.batch]
        batch.close()

    def _count(self, event: Event, status: str, number: int) -> None:
        if number > 0:
            self._batches[event.batch].counted[status] += number
            about = {**_about(event), "hubbatch.outcome": str(status)}
            self._meters.records.add(number, about)

    def _note(self, event: ChunkRetried | ChunkThrottled | ChunkIsolated) -> None:
        span, about = self._batches[event.batch].span, _about(event)
        if isinstance(event, ChunkThrottled):
            policy = event.policy or "unknown"
            self._meters.throttled.add(1, {**about, "hubbatch.policy": policy})
            attributes: dict[str, Any] = {
                "hubbatch.policy": policy,
                "hubbatch.wait": event.retry_after,
            }
            span.add_event("rate_limit.wait", attributes)
            return
        cause = _known(
            {
                "http.response.status_code": event.status,
                "hubbatch.category": event.category,
                "hubbatch.correlation_id": event.correlation_id,
            }
        )
        if isinstance(event, ChunkIsolated):
            span.add_event("isolated", {**cause, "hubbatch.parts": event.parts})
            return
        reason = str(event.category or event.status or "no_answer")
        self._meters.retries.add(1, {**about, "hubbatch.reason": reason})
        span.add_event("retry", {**cause, "hubbatch.wait": event.wait})

    # ---- a request

    def _send(self, event: ChunkSent) -> None:
        about = _about(event)
        self._meters.waited.record(event.waited, about)
        self._meters.in_flight.add(1, about)
        attributes = {
            **about,
            **self._server,
            "http.request.method": event.method,
            "url.full": self._base_url + event.path,
            "url.template": event.path,
            "hubbatch.records": event.inputs,
            "hubbatch.rate_limit.wait": event.waited,
        }
        if event.attempt > 1:
            attributes["http.request.resend_count"] = event.attempt - 1
        parent = trace.set_span_in_context(self._batches[event.batch].span)
        self._requests[event.batch, event.first_index] = _Open(
            self._tracer.start_span(
                f"{event.method} {event.path}",
                parent,
                kind=trace.SpanKind.CLIENT,
                attributes=attributes,
            )
        )

    def _answer(self, event: ChunkAnswered) -> None:
        about = _about(event)
        self._meters.in_flight.add(-1, about)
        status = _known({"http.response.status_code": event.status})
        self._meters.duration.record(event.seconds, {**about, **status})
        if event.daily_remaining is not None and event.account is not None:
            account = {"hubbatch.account": event.account}
            self._meters.remaining.set(event.daily_remaining, account)
        request = self._requests.pop((event.batch, event.first_index))
        request.span.set_attributes(status)
        if event.status is None or event.status >= _FIRST_ERROR:
            _fail(request.span, str(event.status or "no_answer"))
        request.close()


class _Meters:
    def __init__(self, meter: metrics.Meter) -> None:
        self.records = meter.create_counter(
            "hubbatch.records", "{record}", "Records by outcome."
        )
        self.size = meter.create_histogram(
            "hubbatch.batch.size",
            "{record}",
            "Records per request.",
            explicit_bucket_boundaries_advisory=_INPUTS,
        )
        self.in_flight = meter.create_up_down_counter(
            "hubbatch.chunks.in_flight", "{request}", "Requests in flight."
        )
        self.duration = meter.create_histogram(
            "hubbatch.request.duration",
            "s",
            "Time from sending a request to the end of its answer.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self.waited = meter.create_histogram(
            "hubbatch.rate_limit.wait",
            "s",
            "Time that a request waited for a permit.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self.retries = meter.create_counter(
            "hubbatch.retries", "{request}", "Requests that were sent again."
        )
        self.throttled = meter.create_counter(
            "hubbatch.responses.429", "{response}", "Responses with status 429."
        )
        self.pending = meter.create_gauge(
            "hubbatch.journal.pending",
            "{record}",
            "Rows that a job has read and that have no final outcome yet.",
        )
        self.remaining = meter.create_gauge(
            "hubbatch.daily_quota.remaining",
            "{request}",
            "Daily calls that are left, from HubSpot's headers.",
        )


def _about(event: Event) -> dict[str, Any]:
    object_type, _, verb = event.operation.rpartition(".")
    return {"hubbatch.object_type": object_type, "hubbatch.verb": verb}


def _known(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _fail(span: trace.Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(trace.StatusCode.ERROR)
