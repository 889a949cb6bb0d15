"""OAuth: tokens that run out, on a clock that jumps."""

# ruff: noqa: S105, S106 -- nobody's secrets

import asyncio
import copy
import pickle

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest

from attrs import define, field

from hubbatch import (
    AuthenticationError,
    ConfigurationError,
    HubSpotUnavailable,
    InvalidRequestError,
    OAuth,
    OAuthTokens,
    ProxyError,
    RateLimit,
    ReconnectRequired,
    RetryPolicy,
)
from hubbatch.core.answers import Answer, NoAnswer, Request, Response
from hubbatch.net.batch import Batch
from hubbatch.net.engine import Engine
from hubbatch.net.gate import Gate
from hubbatch.net.oauth import OAuthLogin, sign_in
from tests.net.crm import Crm, operation, page, updates


SECRETS = {"client_secret": "hush-hush", "refresh_token": "na1-refresh"}
NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
EXPIRED = {
    "status": "error",
    "message": "The OAuth token used to make this call expired 0 second(s) ago.",
    "correlationId": "c-1",
    "category": "EXPIRED_AUTHENTICATION",
}


def now() -> float:
    return asyncio.get_running_loop().time()


def wall() -> datetime:
    return NOON + timedelta(seconds=now())


def answer(status: int, body: Mapping[str, object]) -> Response:
    return Response(status, {}, orjson.dumps(body))


def refused(error: str, status: str, code: int = 400) -> Response:
    body = {"error": error, "error_description": f"so {error}", "status": status}
    return answer(code, body)


INVALID_GRANT = refused("invalid_grant", "BAD_REFRESH_TOKEN")


@define(eq=False)
class Portal:
    """HubSpot with a token endpoint: tokens live for `life` seconds.

    `script` gives the next answers of the token endpoint.
    """

    life: float | None = 1800
    rotates: bool = False
    script: list[Answer] = field(factory=list)
    seconds: float = 0.1
    crm: Crm = field(factory=lambda: Crm(latency=(0.01, 0.02)))
    forms: list[dict[str, str]] = field(factory=list, repr=False)
    asked: list[Request] = field(factory=list)
    dies: dict[str, float] = field(factory=dict)
    shown: list[str] = field(factory=list, repr=False)
    turned_away: int = 0

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        if request.path.startswith("/oauth/"):
            on_sent()
            return await self.grant(request)
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.shown.append(token)
        if self.dies.get(token, 0.0) <= now():
            self.turned_away += 1
            on_sent()
            await asyncio.sleep(0.05)
            return answer(401, EXPIRED)
        return await self.crm.send(request, on_sent)

    async def grant(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode()))
        self.asked.append(request)
        self.forms.append(form)
        await asyncio.sleep(self.seconds)
        if self.script:
            return self.script.pop(0)
        number = len(self.asked)
        body: dict[str, object] = {
            "access_token": f"access-{number}",
            "refresh_token": f"refresh-{number}"
            if self.rotates
            else form["refresh_token"],
            "token_type": "bearer",
        }
        life = self.life
        if life is not None:
            body["expires_in"] = life
        self.dies[f"access-{number}"] = now() + (1e9 if life is None else life)
        return answer(200, body)

    def retire(self) -> None:
        """Keep no connections."""

    async def aclose(self) -> None:
        """Let go of nothing."""

    def engine(
        self, oauth: OAuth, *, version: str = "v3", limit: int = 1_000, workers: int = 8
    ) -> Engine:
        policy = RetryPolicy(attempts=3)
        return Engine(
            gate=Gate(RateLimit(limit), workers),
            transport=self,
            credentials=sign_in(
                oauth, transport=self, policy=policy, api_version=version
            ),
            policy=policy,
            max_concurrency=workers,
        )

    def batch(self, oauth: OAuth, count: int = 3, **options: Any) -> Batch[Any]:
        self.crm.fill(count)
        call = operation("update", max_inputs=1)
        return Batch(self.engine(oauth, **options), call, updates(count))


def app(**options: Any) -> OAuth:
    return OAuth("app", **{**SECRETS, "clock": wall, **options})


# ---- fetching and refreshing


async def test_the_first_call_fetches_a_token() -> None:
    portal = Portal()
    response = await portal.batch(app())
    assert response.succeeded == 3
    assert portal.forms == [
        {"grant_type": "refresh_token", "client_id": "app", **SECRETS}
    ]
    assert portal.shown == ["access-1"] * 3
    [asked] = portal.asked
    assert (asked.method, asked.path) == ("POST", "/oauth/v3/token")
    assert asked.headers == {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("v3", "/oauth/v3/token"),
        ("2025-09", "/oauth/v3/token"),
        ("2026-03", "/oauth/2026-03/token"),
        ("2026-09", "/oauth/2026-09/token"),
        ("2027-03-beta", "/oauth/v3/token"),
    ],
)
async def test_the_token_endpoint_of_each_version(version: str, path: str) -> None:
    portal = Portal()
    await portal.batch(app(), version=version)
    assert portal.asked[0].path == path


async def test_a_token_to_begin_with() -> None:
    portal = Portal(dies={"given": 1e9})
    await portal.batch(app(access_token=" given\n"))
    await portal.batch(app(access_token="given", expires_at=NOON + timedelta(hours=1)))
    assert (portal.asked, {*portal.shown}) == ([], {"given"})


@pytest.mark.parametrize("left", [-5, 0, 0.5, 20])
async def test_a_token_that_has_run_out_is_never_sent(left: float) -> None:
    """It lives on for its last seconds, and is not used in the very last of them."""
    portal = Portal(dies={"given": left})
    oauth = app(access_token="given", expires_at=NOON + timedelta(seconds=left))
    for _ in range(3):
        await portal.batch(oauth)
        await asyncio.sleep(max(0.0, left) * 0.45)
    assert portal.turned_away == 0
    assert len(portal.asked) == 1
    assert ("given" in portal.shown) == (left > 0)


async def test_refreshed_a_minute_before_it_runs_out() -> None:
    portal = Portal(life=1800)
    oauth = app()
    await portal.batch(oauth)
    await asyncio.sleep(1730)
    await portal.batch(oauth)
    assert len(portal.asked) == 1
    await asyncio.sleep(15)
    await portal.batch(oauth)
    assert (len(portal.asked), portal.shown[-1]) == (2, "access-2")
    assert portal.turned_away == 0


async def test_a_token_of_no_known_life_is_used_until_it_is_refused() -> None:
    portal = Portal(life=None)
    oauth = app()
    await portal.batch(oauth)
    await asyncio.sleep(1e6)
    await portal.batch(oauth)
    assert len(portal.asked) == 1
    portal.dies.clear()
    assert (await portal.batch(oauth)).succeeded == 3
    assert len(portal.asked) == 2


@pytest.mark.parametrize("workers", [1, 8, 32])
@pytest.mark.parametrize("limit", [20, 1_000])
async def test_a_run_longer_than_the_tokens_life(workers: int, limit: int) -> None:
    """Tokens live for one second; with the small limit the queue is longer than that.

    A token is read when its request may leave, so none that has run out is sent.
    """
    portal = Portal(life=1)
    made = portal.batch(app(), 300, workers=workers, limit=limit)
    response = await made
    assert (response.succeeded, made.summary.retries) == (300, 0)
    assert portal.turned_away == 0
    assert len(portal.asked) > (10 if limit == 20 else 0)
    assert len(asyncio.all_tasks()) == 1


async def test_a_thousand_waiting_calls_share_one_refresh() -> None:
    portal = Portal(seconds=5.0)
    portal.crm.fill(1_000)
    engine = portal.engine(app(), workers=1_000)
    call = operation("update", max_inputs=1)
    calls: list[Batch[Any]] = [Batch(engine, call, [given]) for given in updates(1_000)]
    responses = await asyncio.gather(*calls)
    assert sum(response.succeeded for response in responses) == 1_000
    assert len(portal.asked) == 1


async def test_a_token_that_is_refused_is_refreshed_once_for_all() -> None:
    """Revoked at HubSpot, say: its time is not over, and 32 requests find out."""
    portal = Portal(dies={"given": 0.0})
    oauth = app(access_token="given")
    made = portal.batch(oauth, 32, workers=32)
    assert (await made).succeeded == 32
    assert (portal.turned_away, len(portal.asked)) == (32, 1)
    assert made.summary.retries == 32


async def test_a_fresh_token_that_is_refused_ends_the_batch() -> None:
    portal = Portal()
    portal.life = None
    made = portal.batch(app(), 1)
    portal.dies = _Dead()
    with pytest.raises(AuthenticationError, match="EXPIRED_AUTHENTICATION"):
        await made
    assert (portal.turned_away, len(portal.asked)) == (2, 2)


class _Dead(dict[str, float]):
    def get(self, _key: str, _default: Any = None) -> Any:
        return 0.0


async def test_a_late_refusal_of_an_old_token_says_nothing_of_the_new_one() -> None:
    portal = Portal(dies={"given": 0.0})
    oauth = app(access_token="given")
    await portal.batch(oauth)
    oauth.refused("given")
    assert oauth.current() == "access-1"


async def test_two_clients_share_a_login() -> None:
    portal = Portal()
    oauth = app()
    await asyncio.gather(portal.batch(oauth), portal.batch(oauth))
    assert len(portal.asked) == 1


# ---- what comes of a refresh


@pytest.mark.parametrize("is_async", [True, False])
async def test_rotated_refresh_tokens_are_handed_on(*, is_async: bool) -> None:
    seen: list[OAuthTokens] = []

    async def keep(tokens: OAuthTokens) -> None:
        await asyncio.sleep(0)
        seen.append(tokens)

    portal = Portal(rotates=True, life=600)
    oauth = app(on_refresh=keep if is_async else seen.append)
    for _ in range(3):
        await portal.batch(oauth)
        await asyncio.sleep(600)
    assert [form["refresh_token"] for form in portal.forms] == [
        "na1-refresh",
        "refresh-1",
        "refresh-2",
    ]
    assert [(t.access_token, t.refresh_token) for t in seen] == [
        ("access-1", "refresh-1"),
        ("access-2", "refresh-2"),
        ("access-3", "refresh-3"),
    ]
    assert seen[0].expires_at is not None
    assert abs(seen[0].expires_at - NOON - timedelta(seconds=600.1)) < timedelta(
        seconds=0.01
    )


async def test_an_answer_without_a_refresh_token_keeps_the_old_one() -> None:
    seen: list[OAuthTokens] = []
    portal = Portal(script=[answer(200, {"access_token": "plain"})])
    portal.dies["plain"] = 1e9
    await portal.batch(app(on_refresh=seen.append))
    assert seen == [OAuthTokens("plain", "na1-refresh", None)]


async def test_tokens_that_were_not_stored_are_handed_on_again() -> None:
    """The refresh token is new, and the old one may be dead: it must not be lost."""
    seen: list[OAuthTokens] = []

    def keep(tokens: OAuthTokens) -> None:
        seen.append(tokens)
        if len(seen) == 1:
            raise LookupError("the store is down")

    portal = Portal(rotates=True)
    oauth = app(on_refresh=keep)
    made = portal.batch(oauth)
    with pytest.raises(LookupError, match="the store is down"):
        await made
    assert made.summary.not_sent == 3
    assert (await portal.batch(oauth)).succeeded == 3
    assert [tokens.refresh_token for tokens in seen] == ["refresh-1", "refresh-1"]
    assert len(portal.asked) == 1


# ---- workers that share a store


@define(eq=False)
class Store:
    """Where the workers of a fleet keep what they know of one account."""

    tokens: OAuthTokens | None = None
    mutex: asyncio.Lock = field(factory=asyncio.Lock)
    entered: int = 0

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[OAuthTokens | None]:
        async with self.mutex:
            self.entered += 1
            yield self.tokens

    async def keep(self, tokens: OAuthTokens) -> None:
        assert self.mutex.locked()
        await asyncio.sleep(0.01)
        self.tokens = tokens


async def test_workers_with_a_store_refresh_once_for_all() -> None:
    portal, store = Portal(rotates=True, life=600), Store()
    fleet = [app(lock=store.lock, on_refresh=store.keep) for _ in range(10)]
    for round_ in (1, 2):
        await asyncio.gather(*(portal.batch(worker) for worker in fleet))
        assert len(portal.asked) == round_
        await asyncio.sleep(600)
    assert store.entered == 20
    # The second round is asked for with the token that the first one gave.
    assert portal.forms[1]["refresh_token"] == "refresh-1"
    assert portal.turned_away == 0


async def test_a_stored_token_that_was_just_refused_is_not_taken_again() -> None:
    portal, store = Portal(), Store(OAuthTokens("given", "stored-refresh", None))
    oauth = app(access_token="given", lock=store.lock)
    assert (await portal.batch(oauth)).succeeded == 3
    assert portal.forms[0]["refresh_token"] == "stored-refresh"
    assert portal.shown.count("given") == 3


async def test_a_stored_token_that_has_run_out_is_refreshed() -> None:
    stored = OAuthTokens("stale", "stored-refresh", NOON - timedelta(seconds=1))
    portal, store = Portal(), Store(stored)
    assert (await portal.batch(app(lock=store.lock))).succeeded == 3
    assert (len(portal.asked), portal.turned_away) == (1, 0)


async def test_a_store_that_has_no_tokens_yet() -> None:
    portal, store = Portal(), Store(OAuthTokens("", "", None))
    assert (await portal.batch(app(lock=store.lock, access_token=""))).succeeded == 3
    assert portal.forms[0]["refresh_token"] == "na1-refresh"


def test_a_stored_date_has_a_time_zone() -> None:
    with pytest.raises(ConfigurationError, match="with a time zone"):
        OAuthTokens("given", "refresh", NOON.replace(tzinfo=None))


async def test_storing_that_uses_the_client_is_told_so() -> None:
    """It would wait for the token that waits for it."""
    portal = Portal()

    async def keep(_tokens: OAuthTokens) -> None:
        await portal.batch(oauth)

    oauth = app(on_refresh=keep)
    with pytest.raises(RuntimeError, match="waits for its own end"):
        await portal.batch(oauth)
    assert len(asyncio.all_tasks()) == 1


async def test_a_lock_that_gives_nothing_is_a_lock_all_the_same() -> None:
    portal, mutex = Portal(), asyncio.Lock()
    fleet = [app(lock=lambda: mutex) for _ in range(3)]
    await asyncio.gather(*(portal.batch(worker) for worker in fleet))
    assert len(portal.asked) == 3


async def test_what_was_not_stored_is_newer_than_the_store() -> None:
    portal, store = Portal(rotates=True), Store(OAuthTokens("old", "old", NOON))
    failing = [LookupError()]

    async def keep(tokens: OAuthTokens) -> None:
        if failing:
            raise failing.pop()
        await store.keep(tokens)

    oauth = app(lock=store.lock, on_refresh=keep)
    with pytest.raises(LookupError):
        await portal.batch(oauth)
    assert (await portal.batch(oauth)).succeeded == 3
    assert store.tokens is not None
    assert store.tokens.refresh_token == "refresh-1"
    assert len(portal.asked) == 1


# ---- refusals and trouble


@pytest.mark.parametrize(
    "gone",
    [
        INVALID_GRANT,
        refused("invalid_grant", "BAD_REFRESH_TOKEN", 401),
        answer(400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or unknown"}),
    ],
    ids=["v3", "v3 with 401", "v1"],
)
async def test_a_refresh_token_that_is_dead(gone: Response) -> None:
    portal = Portal(script=[gone])
    made = portal.batch(app())
    with pytest.raises(ReconnectRequired, match="new installation") as caught:
        await made
    assert caught.value.category in ("invalid_grant", "BAD_REFRESH_TOKEN")
    assert made.summary.not_sent == 3
    assert portal.shown == []


async def test_a_dead_refresh_token_is_asked_about_once() -> None:
    """Calls go on for an account that has uninstalled the app; nobody is bothered."""
    portal = Portal(script=[INVALID_GRANT])
    oauth = app()
    errors = []
    for _ in range(3):
        with pytest.raises(ReconnectRequired) as caught:
            await portal.batch(oauth)
        errors.append(caught.value)
    assert len(portal.asked) == 1
    assert len({id(error) for error in errors}) == 3


async def test_a_store_may_bring_a_new_installation() -> None:
    portal, store = Portal(script=[INVALID_GRANT]), Store()
    oauth = app(lock=store.lock)
    with pytest.raises(ReconnectRequired):
        await portal.batch(oauth)
    store.tokens = OAuthTokens("anew", "refresh-anew", NOON + timedelta(hours=1))
    portal.dies["anew"] = 1e9
    assert (await portal.batch(oauth)).succeeded == 3


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        (refused("invalid_client", "BAD_CLIENT"), AuthenticationError, "so invalid_cl"),
        (answer(400, {}), AuthenticationError, "no reason given"),
        (answer(403, {}), ProxyError, "not HubSpot's"),
        (
            answer(400, {"error": 5, "status": "error"}),
            AuthenticationError,
            "client id",
        ),
        (page(404), InvalidRequestError, "nothing at /oauth/v3/token"),
        (page(302), InvalidRequestError, "a redirect"),
    ],
    ids=["client", "bare", "of a proxy", "odd", "no such path", "redirect"],
)
async def test_other_refusals(said: Response, kind: type[Exception], told: str) -> None:
    portal = Portal(script=[said])
    with pytest.raises(kind, match=told) as caught:
        await portal.batch(app())
    assert not isinstance(caught.value, ReconnectRequired)
    assert len(portal.asked) == 1


@pytest.mark.parametrize(
    "down",
    [
        page(502),
        answer(500, {"message": "na1-refresh upset us"}),
        NoAnswer(sent=False, reason="connection failed: refused"),
        NoAnswer(sent=True, reason="no answer within 120 s"),
        answer(200, {}),
        answer(200, {"access_token": 5}),
        answer(200, {"access_token": ""}),
        Response(200, {}, b'["access_token"]'),
        Response(200, {}, b'{"access_tok'),
    ],
    ids=[
        "proxy",
        "error",
        "not connected",
        "timeout",
        "empty",
        "number",
        "empty text",
        "list",
        "cut",
    ],
)
async def test_a_token_endpoint_that_is_down(down: Answer) -> None:
    portal = Portal(script=[down] * 3)
    made = portal.batch(app())
    with pytest.raises(HubSpotUnavailable) as caught:
        await made
    assert len(portal.asked) == 3
    assert (made.summary.not_sent, portal.shown) == (3, [])
    assert "na1-refresh" not in str(caught.value)


@pytest.mark.parametrize(
    "passing", [page(503), answer(429, {}), NoAnswer(sent=True, reason="cut off")]
)
async def test_trouble_that_passes(passing: Answer) -> None:
    portal = Portal(script=[passing])
    assert (await portal.batch(app())).succeeded == 3
    assert len(portal.asked) == 2


async def test_a_token_that_cannot_be_a_header() -> None:
    portal = Portal(script=[answer(200, {"access_token": "two\nlines"})])
    with pytest.raises(ConfigurationError, match="visible ASCII") as caught:
        await portal.batch(app())
    assert "two" not in str(caught.value)


@pytest.mark.parametrize("life", [0, -5, "soon", None, 1e400])
async def test_a_life_that_makes_no_sense_is_not_believed(life: Any) -> None:
    body = b'{"access_token":"plain","expires_in":%s}' % (
        b"1e400" if life == 1e400 else orjson.dumps(life)
    )
    portal = Portal(script=[Response(200, {}, body)])
    portal.dies["plain"] = 1e9
    made = portal.batch(app())
    await made
    assert portal.shown[0] == "plain"


# ---- cancellation and closing


async def test_a_refresh_goes_on_when_the_call_is_cancelled() -> None:
    """It may have cost the old refresh token, so what it brings is kept."""
    seen: list[OAuthTokens] = []
    portal = Portal(seconds=5.0, rotates=True)
    oauth = app(on_refresh=seen.append)
    engine = portal.engine(oauth)
    made: Batch[Any] = Batch(engine, operation("update"), updates(3))
    task = asyncio.create_task(made)
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert (made.summary.not_sent, now() < 2) == (3, True)
    assert engine.credentials.busy
    await engine.aclose()
    assert [tokens.refresh_token for tokens in seen] == ["refresh-1"]
    assert not engine.credentials.busy
    assert len(asyncio.all_tasks()) == 1


async def test_closing_that_is_cancelled_leaves_nothing_running() -> None:
    portal = Portal(seconds=1_000.0)
    engine = portal.engine(app())
    made: Batch[Any] = Batch(engine, operation("update"), updates(3))
    task = asyncio.create_task(made)
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    closing = asyncio.create_task(engine.aclose())
    await asyncio.sleep(1)
    closing.cancel()
    await asyncio.wait([closing])
    assert closing.cancelled()
    assert len(asyncio.all_tasks()) == 1


THROTTLED = Response(429, {"Retry-After": "30"}, b"{}")


async def left_alone(engine: Engine, seconds: float) -> None:
    """Start a batch that needs a token, and cancel it after so long."""
    made: Batch[Any] = Batch(engine, operation("update"), updates(3))
    task = asyncio.create_task(made)
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("trouble", [THROTTLED, page(503), answer(429, {})])
async def test_closing_waits_for_no_further_attempt_of_a_refresh(
    trouble: Response,
) -> None:
    """Nobody wants the token any more, and the endpoint may throttle for minutes."""
    portal = Portal(script=[trouble] * 50)
    engine = portal.engine(app())
    await left_alone(engine, 0.1001)
    closed, asked = now(), len(portal.asked)
    await engine.aclose()
    assert (asked, len(portal.asked)) == (1, 1)
    assert now() - closed < 0.01
    assert len(asyncio.all_tasks()) == 1


async def test_closing_waits_for_the_attempt_in_flight_only() -> None:
    portal = Portal(script=[THROTTLED] * 50, seconds=5.0)
    engine = portal.engine(app())
    await left_alone(engine, 1.0)
    await engine.aclose()
    assert len(portal.asked) == 1
    assert 5.0 <= now() < 5.1


async def test_closing_one_client_leaves_the_refresh_to_the_others() -> None:
    """Who waits for a refresh that is given up begins another, through itself."""
    portal = Portal(script=[THROTTLED])
    oauth = app()
    closing = portal.engine(oauth)
    await left_alone(closing, 0.1001)
    waiting = asyncio.create_task(portal.batch(oauth))
    await asyncio.sleep(1)
    await closing.aclose()
    assert (await waiting).succeeded == 3
    assert (len(portal.asked), now() < 2) == (2, True)


async def test_closing_does_not_wait_for_the_refresh_of_another_client() -> None:
    portal = Portal(seconds=50.0)
    oauth = app()
    waiting = asyncio.create_task(portal.batch(oauth))
    await asyncio.sleep(1)
    await portal.engine(oauth).aclose()
    assert now() < 2
    assert (await waiting).succeeded == 3


async def test_a_closed_client_begins_no_refresh() -> None:
    """One that waited for the lock when it was closed asks for nothing."""
    portal, lock = Portal(), asyncio.Lock()
    engine = portal.engine(app(lock=lambda: lock))
    await lock.acquire()
    await left_alone(engine, 1.0)
    closing = asyncio.create_task(engine.aclose())
    await asyncio.sleep(1)
    lock.release()
    await closing
    assert portal.asked == []
    with pytest.raises(RuntimeError, match="this client is closed"):
        await engine.credentials.bearer()


# ---- misuse and secrets


@pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
@pytest.mark.parametrize("wrong", [None, "", "  ", 5])
def test_what_is_missing_is_named(name: str, wrong: Any) -> None:
    given: dict[str, Any] = {"client_id": "app", **SECRETS, name: wrong}
    with pytest.raises(ConfigurationError, match=f"{name} must be a non-empty str"):
        OAuth(**given)


@pytest.mark.parametrize(
    ("option", "wrong", "told"),
    [
        ("access_token", "two words", "visible ASCII"),
        ("access_token", b"pat", "visible ASCII"),
        ("expires_at", NOON.replace(tzinfo=None), "with a time zone"),
        ("expires_at", 1_700_000_000, "with a time zone"),
        ("on_refresh", "x", "on_refresh must be callable, not str"),
        ("lock", asyncio.Lock(), "lock must be callable, not Lock"),
    ],
)
def test_options_that_are_wrong(option: str, wrong: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        app(**{option: wrong})
    assert "two words" not in str(caught.value)


async def test_no_secret_is_shown_or_kept() -> None:
    echo = f"{SECRETS['client_secret']} and {SECRETS['refresh_token']} do not fit"
    said = answer(400, {"error": "invalid_client", "error_description": echo})
    portal = Portal(script=[said])
    oauth = app(access_token="given", expires_at=NOON)
    made = portal.batch(oauth)
    with pytest.raises(AuthenticationError) as caught:
        await made
    error = caught.value
    engine = made._engine
    tokens = OAuthTokens("given", SECRETS["refresh_token"], NOON)
    shown = [oauth, engine, engine.credentials, tokens, error, error.args, vars(error)]
    shown += [portal.asked[0], made.response, made.summary]
    kept = pickle.dumps([error, made.response])
    for secret in (*SECRETS.values(), "given"):
        assert secret not in f"{shown!r} {error}"
        assert secret.encode() not in kept
    assert (error.__cause__, error.__context__) == (None, None)


async def test_a_form_that_comes_back_shows_no_secret() -> None:
    echo = "you sent client_secret=two%2Fparts%2B&refresh_token=na1-refresh"
    said = answer(400, {"error": "invalid_client", "error_description": echo})
    oauth = app(client_secret="two/parts+")
    with pytest.raises(AuthenticationError, match=r"client_secret=\*\*\*&") as caught:
        await Portal(script=[said]).batch(oauth)
    assert "parts" not in str(caught.value)


@pytest.mark.parametrize("secret", ["e", "ab1"])
async def test_a_message_is_not_shown_where_a_secret_is_too_short(secret: str) -> None:
    """Without each of its letters it could not be read, and would tell the secret."""
    said = answer(400, {"error": "invalid_client", "error_description": "see ab1"})
    with pytest.raises(AuthenticationError, match="not shown") as caught:
        await Portal(script=[said]).batch(app(client_secret=secret))
    assert "ab1" not in str(caught.value)
    assert "***" not in str(caught.value)


async def test_a_secret_of_four_letters_is_blotted() -> None:
    said = answer(400, {"error": "invalid_client", "error_description": "no abc1 here"})
    with pytest.raises(AuthenticationError, match=r"no \*\*\* here"):
        await Portal(script=[said]).batch(app(client_secret="abc1"))


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_cannot_be_pickled(duplicate: Callable[[Any], Any]) -> None:
    for thing in (app(), Portal().engine(app()).credentials):
        with pytest.raises(TypeError, match="secrets would be in it"):
            duplicate(thing)


def test_shows_whose_app_it_is() -> None:
    login = Portal().engine(app()).credentials
    assert isinstance(login, OAuthLogin)
    assert repr(login) == "<OAuthLogin, <OAuth, client_id 'app'>>"
    assert login.renewable
