"""HubSpot as a function: a request and an instant in, an answer out."""

from collections.abc import Collection, Mapping
from random import Random
from typing import Final

import attrs

from hubbatch.simulator import routes, rules, trouble
from hubbatch.simulator.accounts import (
    DAY_MS,
    Account,
    Token,
    authenticated,
    check_scopes,
    token_text,
    wanted_scopes,
)
from hubbatch.simulator.calls import Call
from hubbatch.simulator.clocks import Clock, Now
from hubbatch.simulator.faults import Fault, Faults, Struck
from hubbatch.simulator.oauth import Installation, exchanged, form
from hubbatch.simulator.quota import (
    ASSOCIATION_LIMITS,
    TIERS,
    Day,
    check_limit,
    check_tier,
)
from hubbatch.simulator.routes import Route
from hubbatch.simulator.shelves import Shelf
from hubbatch.simulator.whens import Seen
from hubbatch.simulator.wire import (
    Answer,
    Refusal,
    Request,
    correlation_id,
    with_usual_headers,
)
from hubbatch.simulator.world import Store


# Associations are counted apart from all the others.
ASSOCIATIONS: Final = "associations"
OTHERS: Final = "others"


@attrs.frozen
class Reply:
    """An answer and what is to happen to it on the way."""

    answer: Answer
    records: int = 0
    cut: str | None = None
    seconds: float = 0.0
    stray: float | None = None  # after so many seconds it is sent again


@attrs.define
class HubSpot:
    """Accounts and tokens, and how requests fare with them."""

    clock: Clock
    faults: Faults
    chance: Random
    accounts: dict[int, Account] = attrs.field(factory=dict)
    tokens: dict[str, Token] = attrs.field(factory=dict, repr=False)
    installations: dict[str, Installation] = attrs.field(factory=dict, repr=False)

    def account(self, portal_id: int, tier: str) -> Account:
        """Return an account, opened if there was none."""
        check_tier(tier)
        if portal_id not in self.accounts:
            store = Store(portal_id, self.clock.ms, self.chance)
            day = Day(TIERS[tier][1], number=self.clock.ms() // DAY_MS)
            self.accounts[portal_id] = Account(portal_id, store, day)
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
        edits_associations: bool = True,
    ) -> Token:
        """Give an app a token; tokens of one app share its window."""
        check_tier(tier)
        check_limit(limit)
        oauth = tier == "oauth"
        if account.day.limit is None:
            # An account that only public apps used so far has a day all the same.
            account.day.limit = TIERS[tier][1]
        app_id = app_id or 1_024_738 + 11 * len(self.tokens)
        limits = {OTHERS: TIERS[tier][0], ASSOCIATIONS: ASSOCIATION_LIMITS[tier]}
        windows = {
            family: account.window(app_id, family, usual if limit is None else limit)
            for family, usual in limits.items()
        }
        token = Token(
            token_text(self.chance, oauth=oauth),
            account,
            app_id,
            windows,
            oauth,
            None if scopes is None else frozenset(scopes),
            expires,
            edits_associations,
        )
        self.tokens[token.value] = token
        return token

    def renew(self, installation: Installation) -> Token:
        """Give a public app another access token."""
        lifetime = round(installation.lifetime * 1000)
        return self.install(
            installation.account,
            "oauth",
            scopes=installation.scopes,
            expires=self.clock.ms() + lifetime,
            app_id=installation.app_id,
        )

    def receive(self, request: Request) -> Reply:
        """Answer a request, or fail in the way the script says."""
        now = self.clock.now()
        route = routes.find(request.path)
        struck = self.faults.strike(_seen(request, route, now))
        correlation = correlation_id(now.ms, self.chance)
        ending = struck.ending
        if ending is not None and ending.kind == "drop_before":
            return Reply(Answer(0), cut="drop_before", seconds=struck.seconds)
        if ending is not None and ending.kind == "proxy":
            # It never came as far as HubSpot, and is not counted there.
            return Reply(trouble.proxy(ending), 0, None, struck.seconds, struck.stray)
        if ending is not None and ending.kind == "status":
            answer = self._broken(request, route, ending, correlation, now)
            records = 0
        else:
            answer, records = self._answered(request, route, struck, correlation, now)
        cut = None if ending is None or ending.kind == "status" else ending.kind
        if cut == "truncate" and not answer.content:
            # Half of nothing would be all of it: not even the headers arrive.
            cut = "drop_after_commit"
        answer = with_usual_headers(answer, correlation)
        return Reply(answer, records, cut, struck.seconds, struck.stray)

    def unreadable(self, status: int) -> Reply:
        """Refuse a body that did not come through: too large, or badly packed."""
        correlation = correlation_id(self.clock.ms(), self.chance)
        told = {413: "Request body is too large", 400: "Request body cannot be read"}
        refusal = Refusal(status, told[status], rules.VALIDATION_ERROR)
        return Reply(with_usual_headers(refusal.answer(correlation), correlation))

    def _broken(
        self,
        request: Request,
        route: Route | None,
        fault: Fault,
        correlation: str,
        now: Now,
    ) -> Answer:
        family = _family(route)
        token = self.tokens.get(request.token or "")
        group = token.group() if token else "publicapi:private_app-api-calls"
        shelf = None if token is None else _shelf(token, route)
        scopes: Collection[str] = ()
        if route is not None and shelf is not None:
            scopes = wanted_scopes(shelf.type, route.verb)
        answer = trouble.scripted(fault, correlation, group, self.chance, scopes)
        if token is None or fault.status in {401, 403}:
            return answer
        if fault.status == trouble.TOO_MANY_REQUESTS:
            limits = trouble.limits(token.headers(now.at, family), fault.policy)
        else:
            # A request that failed was sent, and counts like any other.
            token.throttled(now.at, now.ms, family)
            limits = token.headers(now.at, family)
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
        if route is not None and route.family == "oauth":
            refresh_token = form(request).get("refresh_token", "")
            installation = self.installations.get(refresh_token)
            return exchanged(request, installation, correlation, self.renew), 0
        try:
            token = authenticated(self.tokens, request.token, now.ms)
            shelf = _shelf(token, route)
            for one in (shelf, _other_shelf(token, route)):
                if route is not None and one is not None:
                    in_context = struck.quirks.scopes_in_context
                    check_scopes(token, one.type, route.verb, in_context=in_context)
            family = _family(route)
            policy = token.throttled(now.at, now.ms, family)
            limits = token.headers(now.at, family)
            if policy is not None:
                group = token.group()
                answer = trouble.throttled(policy, correlation, group, self.chance)
            else:
                call = Call(self.clock, self.chance, token, request, struck.quirks, now)
                answer, records = call.answer(route, shelf)
        except Refusal as refusal:
            answer = refusal.answer(correlation)
        return attrs.evolve(answer, headers={**limits, **answer.headers}), records


def _shelf(token: Token, route: Route | None) -> Shelf | None:
    if route is None or not route.object_type:
        return None
    return token.account.store.shelf(route.object_type)


def _other_shelf(token: Token, route: Route | None) -> Shelf | None:
    if route is None or not route.to_type:
        return None
    return token.account.store.shelf(route.to_type)


def _family(route: Route | None) -> str:
    of_pairs = route is not None and route.family.startswith(ASSOCIATIONS)
    return ASSOCIATIONS if of_pairs else OTHERS


# Families whose verbs are told apart from those of records.
_BY_FAMILY = {
    *("associations", "associations v3", "limits", "memberships", "properties"),
    *("schemas", "splits"),
}


def _seen(request: Request, route: Route | None, now: Now) -> Seen:
    verb = None if route is None else route.verb
    if route is not None and route.family in _BY_FAMILY:
        verb = f"{route.family.partition(' ')[0]}/{verb}"
    return Seen(
        request.method,
        request.path,
        verb,
        None if route is None else route.object_type,
        request.token,
        request.content,
        now.at,
        request.kept,
    )
