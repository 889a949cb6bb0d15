"""One attempt: send a chunk once, and classify its answer."""

import asyncio

from collections.abc import Sequence

from hubbatch._classes import define
from hubbatch._http import (
    DAILY_REMAINING,
    Answer,
    Request,
    Response,
    whole_number,
)
from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.chunk_state import Step
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.effects import Requeue, Wait
from hubbatch._outcomes.events import ChunkAnswered, ChunkSent
from hubbatch._outcomes.outcome import Summary
from hubbatch._outcomes.recovery import lookup_request
from hubbatch._outcomes.verdicts import (
    Answered,
    Throttled,
    Unauthorized,
    Verdict,
    is_strange,
    may_have_written,
)
from hubbatch._wire.calls import Operation
from hubbatch._wire.codecs.oauth import secrets_of
from hubbatch._wire.inputs import request_body

from .auth import Login
from .event_emitter import EventEmitter
from .gate import Permit
from .redaction import masked
from .run_options import JournalHook
from .transport import Transport


@define(eq=False)
class ChunkInHand:
    """The chunk that a worker sends, in its latest state.

    Attributes:
        chunk: None until the worker has taken one, and once its inputs are settled.
        wait: The wait before the next attempt; None once that begins.
    """

    chunk: Chunk | None = None
    wait: Wait | None = None

    def give_way(self, crowded: bool) -> Requeue | None:  # noqa: FBT001 -- a fact
        """Return the effect of leaving a chunk that has waited to another worker."""
        wait, self.wait = self.wait, None
        if wait is None or not crowded:
            return None
        self.chunk = None
        return wait.requeued()

    def after(self, step: Step, *, now: float = 0.0) -> Chunk:
        """Update the chunk by a step (see `ChunkState.after`), and return it."""
        assert self.chunk is not None  # noqa: S101 -- the worker has taken one
        self.chunk = self.chunk.after(step, now=now)
        return self.chunk


@define(eq=False, kw_only=True)
class Sender:
    """Sends chunks and classifies the answers."""

    transport: Transport
    credentials: Login
    journal: JournalHook
    events: EventEmitter
    summary: Summary

    async def send(
        self,
        operation: Operation,
        in_hand: ChunkInHand,
        permit: Permit,
        token: str,
        *,
        waited: float,
    ) -> Verdict:
        """Send a chunk once; return the verdict on its answer.

        `waited` is the number of seconds spent waiting for the permit. `in_hand` is
        updated when the request leaves, so that its state is correct even if the task
        is cancelled at that point.
        """
        assert in_hand.chunk is not None  # noqa: S101 -- the worker has taken one
        if not in_hand.chunk.state.may_send(retry_safe=operation.call.retry_safe):
            raise RuntimeError(
                f"{operation.name} was not sent: an earlier request may have written "
                "its records, and they cannot be looked up"
            )
        # From here on, `chunk` is the state before this attempt, and `in_hand.chunk`
        # the state that the attempt leads to.
        started = _now()
        chunk = in_hand.after(Step.ATTEMPT, now=started)

        def on_sent() -> None:
            permit.sent()
            in_hand.after(Step.LEAVE)

        carried = chunk
        if chunk.state.looking_up:
            operation, carried = lookup_request(operation, chunk)
        request = Request(
            operation.call.method,
            operation.path,
            operation.query,
            _headers(operation, token),
            request_body(operation, carried.bodies),
        )
        self.summary.requests += 1
        if self.events.wants(ChunkSent):
            self.events.chunk(
                ChunkSent,
                chunk,
                attempt=chunk.state.attempts,
                waited=waited,
                method=request.method,
                path=request.path,
            )
        answer: Answer | None = None
        try:
            answer = await self.transport.send(request, on_sent)
        finally:  # also if it was cancelled
            if self.events.wants(ChunkAnswered):
                self._emit_answered(chunk, answer, _now() - started)
        permit.answered(answer.headers if isinstance(answer, Response) else None)
        # The only place that has both a request's secrets and its answer. Requests
        # without a token go to the token endpoint: their secrets are in the form.
        secrets = [token] if token else secrets_of(request.body)
        verdict = _classify(operation, carried, answer, secrets)
        if is_strange(verdict):
            self.transport.retire()
        if isinstance(verdict, Throttled):
            permit.throttled()
        if isinstance(verdict, Unauthorized):
            self.credentials.reject(token)
        if not (chunk.state.maybe_written or may_have_written(verdict)):
            self.journal.not_written(chunk)
        return verdict

    def _emit_answered(
        self, chunk: Chunk, answer: Answer | None, seconds: float
    ) -> None:
        response = answer if isinstance(answer, Response) else None
        self.events.chunk(
            ChunkAnswered,
            chunk,
            attempt=chunk.state.attempts,
            status=response and response.status,
            seconds=seconds,
            daily_remaining=response
            and whole_number(response.headers, DAILY_REMAINING),
        )


def _classify(
    operation: Operation, chunk: Chunk, answer: Answer, secrets: Sequence[str]
) -> Verdict:
    """Classify an answer after masking the secrets that it echoes."""
    if isinstance(answer, Response) and 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's own figures
        verdict = classify(operation, chunk, answer)
        if isinstance(verdict, Answered):
            # A success without errors quotes nothing, unless it contains the token.
            # This search is all that masking costs for a usual answer.
            echoes = verdict.matched.part.errors or any(
                secret.encode() in answer.body for secret in secrets
            )
            if not echoes or operation.call.verb == "token":
                return verdict
            clean = masked(answer, secrets)
            return verdict if clean is answer else classify(operation, chunk, clean)
    return classify(operation, chunk, masked(answer, secrets))


def _headers(operation: Operation, token: str) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Content-Type": operation.call.content_type,
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _now() -> float:
    return asyncio.get_running_loop().time()
