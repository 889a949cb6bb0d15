"""HubSpot without sockets: turns a request into a reply."""

from collections.abc import Collection, Mapping
from random import Random
from typing import Final

import attrs

from hubbatch.simulator.api import table
from hubbatch.simulator.api.apps import Apps
from hubbatch.simulator.api.call import Call, OpenCall, Result
from hubbatch.simulator.api.missing import NOT_IMPLEMENTED
from hubbatch.simulator.clocks import Clock, Now
from hubbatch.simulator.crm.accounts import Token, authenticate, check_scopes
from hubbatch.simulator.faults import failures
from hubbatch.simulator.faults.conditions import Seen
from hubbatch.simulator.faults.faults import Fault, Faults, Strike
from hubbatch.simulator.lookup import Route, find
from hubbatch.simulator.wire import (
    VALIDATION_ERROR,
    Answer,
    Refusal,
    Request,
    correlation_id,
    html_page,
    with_common_headers,
)


# The encodings that the server decodes; a request keeps the header.
_ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate", "br", "zstd"})
_UNREADABLE: Final = "Request body cannot be read"
_ANY_GROUP: Final = "publicapi:private_app-api-calls"


@attrs.frozen
class Reply:
    """An answer and how to send it.

    Attributes:
        records: The number of records processed, for the latency.
        cut: The fault that cuts the connection (one of `faults.CUTS`), or None.
        seconds: The delay of the answer.
        stray: The delay after which it is sent again; None for never.
        implemented: Whether the simulator has the call.
    """

    answer: Answer
    records: int = 0
    cut: str | None = None
    seconds: float = 0.0
    stray: float | None = None
    implemented: bool = True


@attrs.define
class HubSpot:
    """The answers to requests: the apps that send them, and the faults that strike."""

    clock: Clock
    faults: Faults
    rng: Random
    apps: Apps

    def receive(self, request: Request) -> Reply:
        """Return the reply to a request, applying the faults that strike it."""
        now = self.clock.now()
        route = find(request.method, request.path)
        strike = self.faults.strike(_seen(request, route, now))
        correlation = correlation_id(now.ms, self.rng)
        ending = strike.ending
        if ending is not None and ending.kind == "drop_before":
            return Reply(Answer(0), cut="drop_before", seconds=strike.seconds)
        if ending is not None and ending.kind == "proxy":
            # The request did not reach HubSpot and is not counted.
            return Reply(failures.proxy(ending), 0, None, strike.seconds, strike.stray)
        implemented = True
        if ending is not None and ending.kind == "status":
            answer = self._scripted(request, route, ending, correlation, now)
            records = 0
        else:
            answer, records = self._processed(request, route, strike, correlation, now)
            implemented = answer.status != NOT_IMPLEMENTED
        cut = None if ending is None or ending.kind == "status" else ending.kind
        if cut == "truncate" and not answer.content:
            # Half of an empty body would be the whole answer: drop the headers too.
            cut = "drop_after_commit"
        answer = with_common_headers(answer, correlation)
        timing = (strike.seconds, strike.stray)
        return Reply(answer, records, cut, *timing, implemented)

    def unreadable(self, status: int) -> Reply:
        """Return the refusal for a body that cannot be read.

        Args:
            status: 413 if it is too large, 400 if it is badly encoded.
        """
        correlation = correlation_id(self.clock.ms(), self.rng)
        message = {413: "Request body is too large", 400: _UNREADABLE}
        refusal = Refusal(status, message[status], VALIDATION_ERROR)
        return Reply(with_common_headers(refusal.answer(correlation), correlation))

    def malformed(self) -> Reply:
        """Return the refusal of a request that is not HTTP; nothing of it is in it."""
        correlation = correlation_id(self.clock.ms(), self.rng)
        page = html_page(400, "Bad Request", "Bad Request")
        return Reply(with_common_headers(page, correlation))

    def too_long(self) -> Reply:
        """Return the refusal of a request whose URL is too long."""
        correlation = correlation_id(self.clock.ms(), self.rng)
        page = html_page(414, "URI Too Long", "URI Too Long")
        return Reply(with_common_headers(page, correlation))

    def _scripted(
        self,
        request: Request,
        route: Route,
        fault: Fault,
        correlation: str,
        now: Now,
    ) -> Answer:
        family = route.row.limit
        token = self.apps.tokens.get(request.token or "")
        group = token.group() if token else _ANY_GROUP
        required = [] if token is None else _required_scopes(token, route)
        scopes: Collection[str] = required[0] if required else ()
        answer = failures.scripted(fault, correlation, group, self.rng, scopes)
        if token is None or fault.status in {401, 403}:
            return answer
        if fault.status == failures.TOO_MANY_REQUESTS:
            limits = failures.limits(token.headers(now.at, family), fault.policy)
        else:
            # Failed requests count against the limits like any other.
            token.throttled(now.at, now.ms, family)
            limits = token.headers(now.at, family)
        return answer.below(limits)

    def _processed(
        self,
        request: Request,
        route: Route,
        strike: Strike,
        correlation: str,
        now: Now,
    ) -> Result:
        limits: Mapping[str, str] = {}
        records = 0
        quirks, family = strike.quirks, route.row.limit
        context = (self.apps, self.rng, request, route, quirks, now, correlation)
        try:
            _check_encoding(request)
            if route.family in table.OPEN:
                return table.OPEN[route.family](OpenCall(*context))
            token = authenticate(self.apps.tokens, request.token, now.ms)
            for scopes in _required_scopes(token, route):
                refused = route.row.refused
                check_scopes(
                    *(token, scopes),
                    in_context=quirks.scopes_in_context or bool(refused),
                    named=refused[not route.reads :][:1],
                )
            policy = token.throttled(now.at, now.ms, family)
            limits = token.headers(now.at, family)
            if policy is not None:
                group = token.group()
                answer = failures.throttled(policy, correlation, group, self.rng)
            else:
                answer, records = table.answer(Call(*context, token))
        except Refusal as refusal:
            answer = refusal.answer(correlation)
        return answer.below(limits), records


def _check_encoding(request: Request) -> None:
    """Refuse a body whose encoding is unknown, as one that does not match it."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if request.content and encoding not in _ENCODINGS:
        raise Refusal(400, _UNREADABLE, VALIDATION_ERROR)


def _required_scopes(token: Token, route: Route) -> list[Collection[str]]:
    """Return alternatives of scopes; the token must have one of each."""
    index = 0 if route.reads else 1
    if route.row.permission and route.reads:
        return []
    if route.row.scopes is not None:
        return [route.row.scopes[index]]
    names = (route.object_type, route.to_type)
    shelves = [token.account.store.shelf(name) for name in names if name]
    return [shelf.type.scopes[index] for shelf in shelves if shelf is not None]


def _seen(request: Request, route: Route, now: Now) -> Seen:
    return Seen(
        request.method,
        request.path,
        route.row.prefix + route.verb or None,
        route.object_type or None,
        request.token,
        request.content,
        now.at,
        request.kept,
        route.record_id,
    )
