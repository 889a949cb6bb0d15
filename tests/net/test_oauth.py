"""OAuth: tokens that expire, on a virtual clock."""

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
from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._net.batch import Batch
from hubbatch._net.client_state import ClientState
from hubbatch._net.gate import Gate
from hubbatch._net.oauth import OAuthLogin, make_login
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

    def state(
        self, oauth: OAuth, *, version: str = "v3", limit: int = 1_000, workers: int = 8
    ) -> ClientState:
        policy = RetryPolicy(attempts=3)
        return ClientState(
            gate=Gate(RateLimit(limit), workers),
            transport=self,
            credentials=make_login(
                oauth, transport=self, policy=policy, api_version=version
            ),
            policy=policy,
            max_concurrency=workers,
        )

    def batch(self, oauth: OAuth, count: int = 3, **options: Any) -> Batch[Any]:
        self.crm.fill(count)
        call = operation("update", max_inputs=1)
        return Batch(self.state(oauth, **options), call, updates(count))


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


async def test_a_given_access_token_is_used_first() -> None:
    portal = Portal(dies={"given": 1e9})
    await portal.batch(app(access_token=" given\n"))
    await portal.batch(app(access_token="given", expires_at=NOON + timedelta(hours=1)))
    assert (portal.asked, {*portal.shown}) == ([], {"given"})


@pytest.mark.parametrize("left", [-5, 0, 0.5, 20])
async def test_an_expired_token_is_never_sent(left: float) -> None:
    """It is still used in its last seconds, but not in the very last ones."""
    portal = Portal(dies={"given": left})
    oauth = app(access_token="given", expires_at=NOON + timedelta(seconds=left))
    for _ in range(3):
        await portal.batch(oauth)
        await asyncio.sleep(max(0.0, left) * 0.45)
    assert portal.turned_away == 0
    assert len(portal.asked) == 1
    assert ("given" in portal.shown) == (left > 0)


async def test_a_token_is_refreshed_a_minute_before_it_expires() -> None:
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


async def test_a_token_without_expiry_is_used_until_it_is_refused() -> None:
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
async def test_a_batch_may_last_longer_than_its_tokens(
    workers: int, limit: int
) -> None:
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
    state = portal.state(app(), workers=1_000)
    call = operation("update", max_inputs=1)
    calls: list[Batch[Any]] = [Batch(state, call, [item]) for item in updates(1_000)]
    responses = await asyncio.gather(*calls)
    assert sum(response.succeeded for response in responses) == 1_000
    assert len(portal.asked) == 1


async def test_a_refused_token_is_refreshed_once_for_all_requests() -> None:
    """E.g. revoked at HubSpot before it expires, and 32 requests find out."""
    portal = Portal(dies={"given": 0.0})
    oauth = app(access_token="given")
    made = portal.batch(oauth, 32, workers=32)
    assert (await made).succeeded == 32
    assert (portal.turned_away, len(portal.asked)) == (32, 1)
    assert made.summary.retries == 32


async def test_a_refused_fresh_token_ends_the_batch() -> None:
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


async def test_a_late_refusal_of_an_old_token_does_not_affect_the_new_one() -> None:
    portal = Portal(dies={"given": 0.0})
    oauth = app(access_token="given")
    await portal.batch(oauth)
    oauth.reject("given")
    assert oauth.current() == "access-1"


async def test_two_clients_share_a_login() -> None:
    portal = Portal()
    oauth = app()
    await asyncio.gather(portal.batch(oauth), portal.batch(oauth))
    assert len(portal.asked) == 1


# ---- on_refresh


@pytest.mark.parametrize("is_async", [True, False])
async def test_rotated_refresh_tokens_are_passed_to_on_refresh(
    *, is_async: bool
) -> None:
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


async def test_tokens_that_were_not_stored_are_passed_to_on_refresh_again() -> None:
    """The old refresh token may be invalid, so the new one must not be lost."""
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
    """The store that the workers share for one account."""

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


async def test_workers_with_a_shared_store_refresh_once() -> None:
    portal, store = Portal(rotates=True, life=600), Store()
    fleet = [app(lock=store.lock, on_refresh=store.keep) for _ in range(10)]
    for round_ in (1, 2):
        await asyncio.gather(*(portal.batch(worker) for worker in fleet))
        assert len(portal.asked) == round_
        await asyncio.sleep(600)
    assert store.entered == 20
    # The second refresh uses the refresh token of the first one.
    assert portal.forms[1]["refresh_token"] == "refresh-1"
    assert portal.turned_away == 0


async def test_a_stored_token_that_was_refused_is_not_used_again() -> None:
    portal, store = Portal(), Store(OAuthTokens("given", "stored-refresh", None))
    oauth = app(access_token="given", lock=store.lock)
    assert (await portal.batch(oauth)).succeeded == 3
    assert portal.forms[0]["refresh_token"] == "stored-refresh"
    assert portal.shown.count("given") == 3


async def test_an_expired_stored_token_is_refreshed() -> None:
    stored = OAuthTokens("stale", "stored-refresh", NOON - timedelta(seconds=1))
    portal, store = Portal(), Store(stored)
    assert (await portal.batch(app(lock=store.lock))).succeeded == 3
    assert (len(portal.asked), portal.turned_away) == (1, 0)


async def test_a_store_may_be_empty() -> None:
    portal, store = Portal(), Store(OAuthTokens("", "", None))
    assert (await portal.batch(app(lock=store.lock, access_token=""))).succeeded == 3
    assert portal.forms[0]["refresh_token"] == "na1-refresh"


def test_a_stored_expiry_needs_a_time_zone() -> None:
    with pytest.raises(ConfigurationError, match="with a time zone"):
        OAuthTokens("given", "refresh", NOON.replace(tzinfo=None))


async def test_an_on_refresh_that_uses_the_client_raises() -> None:
    """It would wait for the token, whose refresh waits for `on_refresh`."""
    portal = Portal()

    async def keep(_tokens: OAuthTokens) -> None:
        await portal.batch(oauth)

    oauth = app(on_refresh=keep)
    with pytest.raises(RuntimeError, match="would wait for its own result"):
        await portal.batch(oauth)
    assert len(asyncio.all_tasks()) == 1


async def test_a_lock_without_stored_tokens_still_locks() -> None:
    portal, mutex = Portal(), asyncio.Lock()
    fleet = [app(lock=lambda: mutex) for _ in range(3)]
    await asyncio.gather(*(portal.batch(worker) for worker in fleet))
    assert len(portal.asked) == 3


async def test_unsaved_tokens_take_precedence_over_the_store() -> None:
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
async def test_an_invalid_refresh_token_raises_reconnect_required(
    gone: Response,
) -> None:
    portal = Portal(script=[gone])
    made = portal.batch(app())
    with pytest.raises(ReconnectRequired, match="install the app again") as caught:
        await made
    assert caught.value.category in ("invalid_grant", "BAD_REFRESH_TOKEN")
    assert made.summary.not_sent == 3
    assert portal.shown == []


async def test_an_invalid_refresh_token_is_sent_once() -> None:
    """Further calls for an account that has uninstalled the app send no request."""
    portal = Portal(script=[INVALID_GRANT])
    oauth = app()
    errors = []
    for _ in range(3):
        with pytest.raises(ReconnectRequired) as caught:
            await portal.batch(oauth)
        errors.append(caught.value)
    assert len(portal.asked) == 1
    assert len({id(error) for error in errors}) == 3


async def test_a_store_may_provide_the_tokens_of_a_new_installation() -> None:
    portal, store = Portal(script=[INVALID_GRANT]), Store()
    oauth = app(lock=store.lock)
    with pytest.raises(ReconnectRequired):
        await portal.batch(oauth)
    store.tokens = OAuthTokens("anew", "refresh-anew", NOON + timedelta(hours=1))
    portal.dies["anew"] = 1e9
    assert (await portal.batch(oauth)).succeeded == 3


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (refused("invalid_client", "BAD_CLIENT"), AuthenticationError, "so invalid_cl"),
        (answer(400, {}), AuthenticationError, "HubSpot gave no reason"),
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
async def test_other_refusals(
    said: Response, kind: type[Exception], message: str
) -> None:
    portal = Portal(script=[said])
    with pytest.raises(kind, match=message) as caught:
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
async def test_an_unavailable_token_endpoint_raises_hubspot_unavailable(
    down: Answer,
) -> None:
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
async def test_a_refresh_is_retried(passing: Answer) -> None:
    portal = Portal(script=[passing])
    assert (await portal.batch(app())).succeeded == 3
    assert len(portal.asked) == 2


async def test_a_token_that_is_not_a_header_value_is_refused() -> None:
    portal = Portal(script=[answer(200, {"access_token": "two\nlines"})])
    with pytest.raises(ConfigurationError, match="visible ASCII") as caught:
        await portal.batch(app())
    assert "two" not in str(caught.value)


@pytest.mark.parametrize("life", [0, -5, "soon", None, 1e400])
async def test_an_impossible_lifetime_is_ignored(life: Any) -> None:
    body = b'{"access_token":"plain","expires_in":%s}' % (
        b"1e400" if life == 1e400 else orjson.dumps(life)
    )
    portal = Portal(script=[Response(200, {}, body)])
    portal.dies["plain"] = 1e9
    made = portal.batch(app())
    await made
    assert portal.shown[0] == "plain"


# ---- cancellation and closing


async def test_a_refresh_continues_when_its_caller_is_cancelled() -> None:
    """It may have invalidated the old refresh token, so the new tokens are kept."""
    seen: list[OAuthTokens] = []
    portal = Portal(seconds=5.0, rotates=True)
    oauth = app(on_refresh=seen.append)
    state = portal.state(oauth)
    made: Batch[Any] = Batch(state, operation("update"), updates(3))
    task = asyncio.create_task(made)
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert (made.summary.not_sent, now() < 2) == (3, True)
    assert state.credentials.busy
    await state.aclose()
    assert [tokens.refresh_token for tokens in seen] == ["refresh-1"]
    assert not state.credentials.busy
    assert len(asyncio.all_tasks()) == 1


async def test_cancelled_closing_leaves_no_task_running() -> None:
    portal = Portal(seconds=1_000.0)
    state = portal.state(app())
    made: Batch[Any] = Batch(state, operation("update"), updates(3))
    task = asyncio.create_task(made)
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    closing = asyncio.create_task(state.aclose())
    await asyncio.sleep(1)
    closing.cancel()
    await asyncio.wait([closing])
    assert closing.cancelled()
    assert len(asyncio.all_tasks()) == 1


THROTTLED = Response(429, {"Retry-After": "30"}, b"{}")


async def left_alone(state: ClientState, seconds: float) -> None:
    """Start a batch that needs a token, and cancel it after `seconds`."""
    made: Batch[Any] = Batch(state, operation("update"), updates(3))
    task = asyncio.create_task(made)
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("trouble", [THROTTLED, page(503), answer(429, {})])
async def test_closing_does_not_wait_for_further_attempts_of_a_refresh(
    trouble: Response,
) -> None:
    """The token is not needed any more, and the endpoint may throttle for minutes."""
    portal = Portal(script=[trouble] * 50)
    state = portal.state(app())
    await left_alone(state, 0.1001)
    closed, asked = now(), len(portal.asked)
    await state.aclose()
    assert (asked, len(portal.asked)) == (1, 1)
    assert now() - closed < 0.01
    assert len(asyncio.all_tasks()) == 1


async def test_closing_waits_only_for_the_attempt_in_flight() -> None:
    portal = Portal(script=[THROTTLED] * 50, seconds=5.0)
    state = portal.state(app())
    await left_alone(state, 1.0)
    await state.aclose()
    assert len(portal.asked) == 1
    assert 5.0 <= now() < 5.1


async def test_closing_one_client_does_not_stop_the_refresh_of_others() -> None:
    """A client that waits for the ended refresh starts one of its own."""
    portal = Portal(script=[THROTTLED])
    oauth = app()
    closing = portal.state(oauth)
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
    await portal.state(oauth).aclose()
    assert now() < 2
    assert (await waiting).succeeded == 3


async def test_a_closed_client_starts_no_refresh() -> None:
    """A client that waited for the lock when it was closed sends no request."""
    portal, lock = Portal(), asyncio.Lock()
    state = portal.state(app(lock=lambda: lock))
    await lock.acquire()
    await left_alone(state, 1.0)
    closing = asyncio.create_task(state.aclose())
    await asyncio.sleep(1)
    lock.release()
    await closing
    assert portal.asked == []
    with pytest.raises(RuntimeError, match="This client is closed"):
        await state.credentials.bearer()


# ---- misuse and secrets


@pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
@pytest.mark.parametrize("wrong", [None, "", "  ", 5])
def test_missing_arguments_are_named(name: str, wrong: Any) -> None:
    options: dict[str, Any] = {"client_id": "app", **SECRETS, name: wrong}
    with pytest.raises(ConfigurationError, match=f"{name} must be a non-empty str"):
        OAuth(**options)


@pytest.mark.parametrize(
    ("option", "wrong", "message"),
    [
        ("access_token", "two words", "visible ASCII"),
        ("access_token", b"pat", "visible ASCII"),
        ("expires_at", NOON.replace(tzinfo=None), "with a time zone"),
        ("expires_at", 1_700_000_000, "with a time zone"),
        ("on_refresh", "x", "on_refresh must be callable, not str"),
        ("lock", asyncio.Lock(), "lock must be callable, not Lock"),
    ],
)
def test_wrong_options_are_refused(option: str, wrong: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
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
    state = made._state
    tokens = OAuthTokens("given", SECRETS["refresh_token"], NOON)
    shown = [oauth, state, state.credentials, tokens, error, error.args, vars(error)]
    shown += [portal.asked[0], made.response, made.summary]
    kept = pickle.dumps([error, made.response])
    for secret in (*SECRETS.values(), "given"):
        assert secret not in f"{shown!r} {error}"
        assert secret.encode() not in kept
    assert (error.__cause__, error.__context__) == (None, None)


async def test_secrets_of_an_echoed_form_are_redacted() -> None:
    echo = "you sent client_secret=two%2Fparts%2B&refresh_token=na1-refresh"
    said = answer(400, {"error": "invalid_client", "error_description": echo})
    oauth = app(client_secret="two/parts+")
    with pytest.raises(AuthenticationError, match=r"client_secret=\*\*\*&") as caught:
        await Portal(script=[said]).batch(oauth)
    assert "parts" not in str(caught.value)


@pytest.mark.parametrize("secret", ["e", "ab1"])
async def test_a_message_is_hidden_if_a_secret_is_too_short(secret: str) -> None:
    """Replacing each of its letters would make the message unreadable."""
    said = answer(400, {"error": "invalid_client", "error_description": "see ab1"})
    with pytest.raises(
        AuthenticationError,
        match="HubSpot's message is hidden: a secret is too short to redact",
    ) as caught:
        await Portal(script=[said]).batch(app(client_secret=secret))
    assert "ab1" not in str(caught.value)
    assert "***" not in str(caught.value)


async def test_a_secret_of_four_letters_is_redacted() -> None:
    said = answer(400, {"error": "invalid_client", "error_description": "no abc1 here"})
    with pytest.raises(AuthenticationError, match=r"no \*\*\* here"):
        await Portal(script=[said]).batch(app(client_secret="abc1"))


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_cannot_be_pickled(duplicate: Callable[[Any], Any]) -> None:
    for thing in (app(), Portal().state(app()).credentials):
        with pytest.raises(TypeError, match="the pickle would hold secrets"):
            duplicate(thing)


def test_repr_shows_the_client_id() -> None:
    login = Portal().state(app()).credentials
    assert isinstance(login, OAuthLogin)
    assert repr(login) == "<OAuthLogin, <OAuth, client_id 'app'>>"
    assert login.renewable
