"""HubSpot without sockets: turns a request into a reply."""

from collections.abc import Collection, Mapping
from random import Random
from typing import Final

import attrs

from hubbatch.simulator import routes
from hubbatch.simulator.api.calls import Call
from hubbatch.simulator.api.oauth import Installation, exchange_token, parse_form
from hubbatch.simulator.clocks import Clock, Now
from hubbatch.simulator.crm.accounts import (
    DAY_MS,
    Account,
    Token,
    authenticate,
    check_scopes,
    random_token,
    required_scopes,
)
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.faults import failures
from hubbatch.simulator.faults.conditions import Seen
from hubbatch.simulator.faults.faults import Fault, Faults, Strike
from hubbatch.simulator.limits import (
    ASSOCIATION_LIMITS,
    TIERS,
    Day,
    check_limit,
    check_tier,
)
from hubbatch.simulator.routes import Route
from hubbatch.simulator.wire import (
    VALIDATION_ERROR,
    Answer,
    Refusal,
    Request,
    correlation_id,
    with_common_headers,
)


# Families of calls; each has a rolling window of its own.
ASSOCIATIONS: Final = "associations"
OTHERS: Final = "others"


@attrs.frozen
class Reply:
    """An answer and how to send it.

    Attributes:
        records: The number of records processed, for the latency.
        cut: The fault that cuts the connection (one of `faults.CUTS`), or None.
        seconds: The delay of the answer.
        stray: The delay after which it is sent again; None for never.
    """

    answer: Answer
    records: int = 0
    cut: str | None = None
    seconds: float = 0.0
    stray: float | None = None


@attrs.define
class HubSpot:
    """The accounts, their tokens, and the answers to requests.

    Attributes:
        accounts: The accounts by portal id.
        tokens: The access tokens by value.
        installations: The installed public apps by refresh token.
    """

    clock: Clock
    faults: Faults
    rng: Random
    accounts: dict[int, Account] = attrs.field(factory=dict)
    tokens: dict[str, Token] = attrs.field(factory=dict, repr=False)
    installations: dict[str, Installation] = attrs.field(factory=dict, repr=False)

    def account(self, portal_id: int, tier: str) -> Account:
        """Return the account with this portal id, created on first use."""
        check_tier(tier)
        if portal_id not in self.accounts:
            store = Store(portal_id, self.clock.ms, self.rng)
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
        """Issue a token to an app; the tokens of one app share its windows.

        `expires` is in milliseconds since 1970.

        Raises:
            ValueError: If the tier is unknown or the limit negative.
        """
        check_tier(tier)
        check_limit(limit)
        oauth = tier == "oauth"
        if account.day.limit is None:
            # Opened for public apps, which have no daily limit; private apps do.
            account.day.limit = TIERS[tier][1]
        app_id = app_id or 1_024_738 + 11 * len(self.tokens)
        limits = {OTHERS: TIERS[tier][0], ASSOCIATIONS: ASSOCIATION_LIMITS[tier]}
        windows = {
            family: account.window(app_id, family, default if limit is None else limit)
            for family, default in limits.items()
        }
        token = Token(
            random_token(self.rng, oauth=oauth),
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
        """Issue a new access token to a public app."""
        lifetime = round(installation.lifetime * 1000)
        return self.install(
            installation.account,
            "oauth",
            scopes=installation.scopes,
            expires=self.clock.ms() + lifetime,
            app_id=installation.app_id,
        )

    def receive(self, request: Request) -> Reply:
        """Return the reply to a request, applying the faults that strike it."""
        now = self.clock.now()
        route = routes.find(request.path)
        strike = self.faults.strike(_seen(request, route, now))
        correlation = correlation_id(now.ms, self.rng)
        ending = strike.ending
        if ending is not None and ending.kind == "drop_before":
            return Reply(Answer(0), cut="drop_before", seconds=strike.seconds)
        if ending is not None and ending.kind == "proxy":
            # The request did not reach HubSpot and is not counted.
            return Reply(failures.proxy(ending), 0, None, strike.seconds, strike.stray)
        if ending is not None and ending.kind == "status":
            answer = self._scripted(request, route, ending, correlation, now)
            records = 0
        else:
            answer, records = self._processed(request, route, strike, correlation, now)
        cut = None if ending is None or ending.kind == "status" else ending.kind
        if cut == "truncate" and not answer.content:
            # Half of an empty body would be the whole answer: drop the headers too.
            cut = "drop_after_commit"
        answer = with_common_headers(answer, correlation)
        return Reply(answer, records, cut, strike.seconds, strike.stray)

    def unreadable(self, status: int) -> Reply:
        """Return the refusal for a body that cannot be read.

        Args:
            status: 413 if it is too large, 400 if it is badly encoded.
        """
        correlation = correlation_id(self.clock.ms(), self.rng)
        message = {413: "Request body is too large", 400: "Request body cannot be read"}
        refusal = Refusal(status, message[status], VALIDATION_ERROR)
        return Reply(with_common_headers(refusal.answer(correlation), correlation))

    def _scripted(
        self,
        request: Request,
        route: Route | None,
        fault: Fault,
        correlation: str,
        now: Now,
    ) -> Answer:
        family = _limit_family(route)
        token = self.tokens.get(request.token or "")
        group = token.group() if token else "publicapi:private_app-api-calls"
        shelf = None if token is None else _shelf(token, route)
        scopes: Collection[str] = ()
        if route is not None and shelf is not None:
            scopes = required_scopes(shelf.type, route.verb)
        answer = failures.scripted(fault, correlation, group, self.rng, scopes)
        if token is None or fault.status in {401, 403}:
            return answer
        if fault.status == failures.TOO_MANY_REQUESTS:
            limits = failures.limits(token.headers(now.at, family), fault.policy)
        else:
            # Failed requests count against the limits like any other.
            token.throttled(now.at, now.ms, family)
            limits = token.headers(now.at, family)
        return attrs.evolve(answer, headers={**limits, **answer.headers})

    def _processed(
        self,
        request: Request,
        route: Route | None,
        strike: Strike,
        correlation: str,
        now: Now,
    ) -> tuple[Answer, int]:
        limits: Mapping[str, str] = {}
        records = 0
        if route is not None and route.family == "oauth":
            refresh_token = parse_form(request).get("refresh_token", "")
            installation = self.installations.get(refresh_token)
            return exchange_token(request, installation, correlation, self.renew), 0
        try:
            token = authenticate(self.tokens, request.token, now.ms)
            shelf = _shelf(token, route)
            in_context = strike.quirks.scopes_in_context
            for each in (shelf, _target_shelf(token, route)):
                if route is not None and each is not None:
                    check_scopes(token, each.type, route.verb, in_context=in_context)
            family = _limit_family(route)
            policy = token.throttled(now.at, now.ms, family)
            limits = token.headers(now.at, family)
            if policy is not None:
                group = token.group()
                answer = failures.throttled(policy, correlation, group, self.rng)
            else:
                call = Call(self.clock, self.rng, token, request, strike.quirks, now)
                answer, records = call.answer(route, shelf)
        except Refusal as refusal:
            answer = refusal.answer(correlation)
        return attrs.evolve(answer, headers={**limits, **answer.headers}), records


def _shelf(token: Token, route: Route | None) -> Shelf | None:
    if route is None or not route.object_type:
        return None
    return token.account.store.shelf(route.object_type)


def _target_shelf(token: Token, route: Route | None) -> Shelf | None:
    if route is None or not route.to_type:
        return None
    return token.account.store.shelf(route.to_type)


def _limit_family(route: Route | None) -> str:
    is_association = route is not None and route.family.startswith(ASSOCIATIONS)
    return ASSOCIATIONS if is_association else OTHERS


# Families whose verbs get the family as a prefix in `When(verb=...)`.
_PREFIXED = {
    *("associations", "associations v3", "limits", "memberships", "properties"),
    *("schemas", "splits"),
}


def _seen(request: Request, route: Route | None, now: Now) -> Seen:
    verb = None if route is None else route.verb
    if route is not None and route.family in _PREFIXED:
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
