"""HubSpot as a function: a request and an instant in, an answer out."""

from collections.abc import Collection, Mapping
from random import Random
from typing import Any, Final

import attrs
import orjson

from hubbatch.simulator import batches, legacy, routes, rules, trouble
from hubbatch.simulator.accounts import (
    Account,
    Token,
    account_info,
    authenticated,
    check_scopes,
    token_text,
)
from hubbatch.simulator.clocks import Clock, Now
from hubbatch.simulator.faults import Fault, Faults, Quirks, Seen, Struck
from hubbatch.simulator.quota import TIERS, Day, RollingWindow
from hubbatch.simulator.routes import Route
from hubbatch.simulator.wire import (
    JSON,
    Answer,
    Refusal,
    Request,
    as_json,
    correlation_id,
    iso,
    page,
)
from hubbatch.simulator.world import Shelf, Store


_USUAL: Final = {
    "Server": "cloudflare",
    "CF-Cache-Status": "DYNAMIC",
    "Vary": "origin, Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}


@attrs.frozen
class Reply:
    """An answer and what is to happen to it on the way."""

    answer: Answer
    correlation: str
    records: int = 0
    cut: str | None = None
    seconds: float = 0.0


@attrs.define
class HubSpot:
    """Accounts and tokens, and how requests fare with them."""

    clock: Clock
    faults: Faults
    chance: Random
    accounts: dict[int, Account] = attrs.field(factory=dict)
    tokens: dict[str, Token] = attrs.field(factory=dict, repr=False)

    def account(self, portal_id: int, tier: str) -> Account:
        """Return an account, opened if there was none."""
        if portal_id not in self.accounts:
            store = Store(portal_id, self.clock.ms, self.chance)
            self.accounts[portal_id] = Account(portal_id, store, Day(TIERS[tier][1]))
        return self.accounts[portal_id]

    def install(
        self,
        account: Account,
        tier: str,
        *,
        limit: int | None = None,
        scopes: Collection[str] | None = None,
        expires: int | None = None,
        app_id: int | None = None,
    ) -> Token:
        """Give an app a token; tokens of one app share its window."""
        oauth = tier == "oauth"
        app_id = app_id or 1_024_738 + 11 * len(self.tokens)
        window = account.windows.setdefault(
            app_id, RollingWindow(limit or TIERS[tier][0])
        )
        token = Token(
            token_text(self.chance, oauth=oauth),
            account,
            app_id,
            window,
            oauth,
            None if scopes is None else frozenset(scopes),
            expires,
        )
        self.tokens[token.value] = token
        return token

    def receive(self, request: Request) -> Reply:
        """Answer a request, or fail in the way the script says."""
        now = self.clock.now()
        route = routes.find(request.path)
        struck = self.faults.strike(_seen(request, route, now))
        correlation = correlation_id(now.ms, self.chance)
        ending = struck.ending
        if ending is not None and ending.kind == "drop_before":
            return Reply(
                Answer(0), correlation, cut="drop_before", seconds=struck.seconds
            )
        if ending is not None and ending.kind == "status":
            answer = self._broken(request, ending, correlation, now)
            records = 0
        else:
            answer, records = self._answered(request, route, struck, correlation, now)
        answer = attrs.evolve(
            answer,
            headers={
                **_USUAL,
                "X-HubSpot-Correlation-Id": correlation,
                "X-Request-Id": correlation,
                **answer.headers,
            },
        )
        cut = None if ending is None or ending.kind == "status" else ending.kind
        return Reply(answer, correlation, records, cut, struck.seconds)

    def _broken(
        self, request: Request, fault: Fault, correlation: str, now: Now
    ) -> Answer:
        token = self.tokens.get(request.token or "")
        group = token.group() if token else "publicapi:private_app-api-calls"
        answer = trouble.scripted(fault, correlation, group, self.chance)
        if token is None or fault.status in {401, 403}:
            return answer
        # A request that failed was sent, and counts like any other.
        token.throttled(now.at, now.ms)
        limits = token.headers(now.at)
        if fault.status == trouble.TOO_MANY_REQUESTS:
            limits = trouble.limits(limits, fault.policy)
        return attrs.evolve(answer, headers={**limits, **answer.headers})

    def _answered(
        self,
        request: Request,
        route: Route | None,
        struck: Struck,
        correlation: str,
        now: Now,
    ) -> tuple[Answer, int]:
        limits: Mapping[str, str] = {}
        records = 0
        try:
            token = authenticated(self.tokens, request.token, now.ms)
            shelf = _shelf(token, route)
            if route is not None and shelf is not None:
                in_context = struck.quirks.scopes_in_context
                check_scopes(token, shelf.type, route.verb, in_context=in_context)
            policy = token.throttled(now.at, now.ms)
            limits = token.headers(now.at)
            if policy is not None:
                group = token.group()
                answer = trouble.throttled(policy, correlation, group, self.chance)
            else:
                call = Call(self, token, request, struck.quirks, now)
                answer, records = call.answer(route, shelf)
        except Refusal as refusal:
            answer = refusal.answer(correlation)
        return attrs.evolve(answer, headers={**limits, **answer.headers}), records


@attrs.frozen
class Call:
    """A request that was let in."""

    hubspot: HubSpot
    token: Token
    request: Request
    quirks: Quirks
    now: Now

    def answer(self, route: Route | None, shelf: Shelf | None) -> tuple[Answer, int]:
        """Do what the path asks for."""
        if route is None:
            return page(404, "Not Found", "Resource not found"), 0
        if route.method != self.request.method:
            return page(405, "Method Not Allowed", "Method Not Allowed"), 0
        if not _is_json(self.request):
            return page(415, "Unsupported Media Type", "Unsupported Media Type"), 0
        if route.family == "account":
            return account_info(self.token.account, route.verb, self.now.ms), 0
        if shelf is None:
            # Recorded without a category.
            raise Refusal(400, f"Unable to infer object type from: {route.object_type}")
        if route.family == "legacy":
            store, content = self.token.account.store, self.request.content
            shown = legacy.batch_update(store, shelf, content, self.now.ms)
            return as_json(200, shown), len(shown)
        return self._batch(route.verb, shelf)

    def _batch(self, verb: str, shelf: Shelf) -> tuple[Answer, int]:
        body, inputs = rules.parsed(self.request.content, verb)
        with_history = verb == "read" and bool(body.get("propertiesWithHistory"))
        rules.check_count(len(inputs), with_history=with_history)
        taken = [] if self.quirks.silent_noop else self._left_after_drop(inputs)
        batch = batches.Batch(
            store=self.token.account.store,
            shelf=shelf,
            verb=verb,
            body=body,
            inputs=taken,
            quirks=self.quirks,
            chance=self.hubspot.chance,
            now=self.now.ms,
            archived=self.request.query.get("archived", "").lower() == "true",
        )
        batches.RUN[verb](batch)
        if self.quirks.shuffle:
            self.hubspot.chance.shuffle(batch.results)
        if verb == "archive":
            return Answer(204), len(inputs)
        success = (verb == "create") != self.quirks.status_flip
        partial = batch.errors or batch.silent
        status = 207 if partial else 201 if success else 200
        return Answer(status, orjson.dumps(self._envelope(batch)), JSON), len(inputs)

    def _left_after_drop(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        drop = self.quirks.silent_drop
        if drop is False or not inputs:
            return inputs
        if drop is True:
            gone = self.hubspot.chance.choice(inputs)
            return [item for item in inputs if item is not gone]
        return [item for item in inputs if str(item.get("id")) not in drop]

    def _envelope(self, batch: batches.Batch) -> dict[str, Any]:
        started, completed = iso(batch.now), iso(self.hubspot.clock.ms())
        partial = batch.errors or batch.silent
        errors = {"errors": batch.errors, "numErrors": len(batch.errors)}
        if self.quirks.key_order == "old":
            return {
                "status": "COMPLETE",
                "results": batch.results,
                **(dict(reversed(errors.items())) if partial else {}),
                "startedAt": started,
                "completedAt": completed,
            }
        return {
            "completedAt": completed,
            "status": "COMPLETE",
            "startedAt": started,
            "results": batch.results,
            **(errors if partial else {}),
        }


def _is_json(request: Request) -> bool:
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    return request.method != "POST" or kind.strip().lower() == "application/json"


def _shelf(token: Token, route: Route | None) -> Shelf | None:
    if route is None or route.family == "account":
        return None
    return token.account.store.shelf(route.object_type)


def _seen(request: Request, route: Route | None, now: Now) -> Seen:
    return Seen(
        request.method,
        request.path,
        None if route is None else route.verb,
        None if route is None else route.object_type,
        request.token,
        request.content,
        now.at,
    )
