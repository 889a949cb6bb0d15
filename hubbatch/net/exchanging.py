"""One request and its answer: written, sent, told of, and read."""

import asyncio

from collections.abc import Callable, Sequence

from attrs import define

from hubbatch.core.accounting import Ledger, maybe_written
from hubbatch.core.answers import (
    DAILY_REMAINING,
    Answer,
    Request,
    Response,
    whole_number,
)
from hubbatch.core.calls import Operation
from hubbatch.core.dialects.grants import secrets_of
from hubbatch.core.encoding import request_body
from hubbatch.core.events import ChunkAnswered, ChunkSent
from hubbatch.core.masking import masked
from hubbatch.core.planning import Chunk
from hubbatch.core.reading import read
from hubbatch.core.reconciling import probe
from hubbatch.core.verdicts import (
    Answered,
    Throttled,
    Unauthorized,
    Verdict,
    is_strange,
    may_have_written,
)

from .auth import Login
from .gate import Permit
from .journaling import Journal
from .transport import Transport


@define(eq=False, kw_only=True)
class Exchange:
    """Carries a chunk that may leave to HubSpot, and what it says back."""

    ledger: Ledger
    transport: Transport
    credentials: Login
    journal: Journal

    async def of(
        self,
        operation: Operation,
        chunk: Chunk,
        permit: Permit,
        token: str,
        *,
        waited: float,
    ) -> Verdict:
        """Send a chunk once; the permit was waited for for so many seconds."""

        def on_sent() -> None:
            permit.sent()
            chunk.in_flight = True

        carried = chunk
        if chunk.probing:
            operation, carried = probe(operation, chunk)
        request = Request(
            operation.call.method,
            operation.path,
            operation.query,
            _headers(operation, token),
            request_body(operation, carried.bodies),
        )
        chunk.attempts += 1
        self.ledger.summary.requests += 1
        self.ledger.teller.of_chunk(
            ChunkSent,
            chunk,
            attempt=chunk.attempts,
            waited=waited,
            method=request.method,
            path=request.path,
        )
        answer = await self._send(chunk, request, on_sent)
        permit.answered(answer.headers if isinstance(answer, Response) else None)
        # Here the secrets of a request and its answer meet, and nowhere else.
        # Only the token endpoint is shown no token: there the form has the secrets.
        secrets = [token] if token else secrets_of(request.body)
        verdict = _read(operation, carried, answer, secrets)
        if is_strange(verdict):
            self.transport.retire()
        if isinstance(verdict, Throttled):
            permit.throttled()
        chunk.in_flight = False
        if isinstance(verdict, Unauthorized):
            self.credentials.refused(token)
        if not (chunk.probing or maybe_written(chunk) or may_have_written(verdict)):
            self.journal.not_written(chunk)
        return verdict

    async def _send(
        self, chunk: Chunk, request: Request, on_sent: Callable[[], None]
    ) -> Answer:
        """Send a request, and tell when it is over, also if that is by cancellation."""
        left, status, remaining = _now(), None, None
        try:
            answer = await self.transport.send(request, on_sent)
            if isinstance(answer, Response):
                status = answer.status
                remaining = whole_number(answer.headers, DAILY_REMAINING)
            return answer
        finally:
            self.ledger.teller.of_chunk(
                ChunkAnswered,
                chunk,
                attempt=chunk.attempts,
                status=status,
                seconds=_now() - left,
                daily_remaining=remaining,
            )


def _read(
    operation: Operation, chunk: Chunk, answer: Answer, secrets: Sequence[str]
) -> Verdict:
    """Read an answer, without the secrets that it echoes."""
    if isinstance(answer, Response) and 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's own figures
        verdict = read(operation, chunk, answer)
        if isinstance(verdict, Answered):
            # Of a success without errors nothing is quoted, unless it has a token in it
            # that is no token for us: this search is all that a usual answer costs.
            echoes = verdict.settlement.part.errors or any(
                secret.encode() in answer.body for secret in secrets
            )
            if not echoes or operation.call.verb == "token":
                return verdict
            clean = masked(answer, secrets)
            return verdict if clean is answer else read(operation, chunk, clean)
    return read(operation, chunk, masked(answer, secrets))


def _headers(operation: Operation, token: str) -> dict[str, str]:
    shown = {"Authorization": f"Bearer {token}"} if token else {}
    content_type = operation.call.content_type
    return {"Accept": "application/json", "Content-Type": content_type, **shown}


def _now() -> float:
    return asyncio.get_running_loop().time()
