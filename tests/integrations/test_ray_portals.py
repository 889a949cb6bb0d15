"""What an actor needs of portals can be pickled, and contains no secret."""

import pickle

from typing import Any

import pytest

from hubbatch import ConfigurationError, HubBatchError, RateLimit
from hubbatch.integrations._ray.portals import Portals, portal_name
from hubbatch.integrations.redis import RedisRateLimit


TOKEN = "pat-na1-11112222-3333-4444-5555-666677778888"  # noqa: S105 -- nobody's
VARIABLE = "HUBSPOT_{portal}"


async def load(portal: str) -> str:
    return f"token-{portal}"


async def failing(portal: str) -> str:
    raise OSError(f"the vault of {portal} is closed: {TOKEN}")


async def careful(portal: str) -> str:
    raise HubBatchError(f"no {portal} here")


async def client_of(portals: Portals, portal: str) -> Any:
    async with portals.open(2) as accounts:
        return await accounts.get(portal)


def test_what_travels_has_names_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBSPOT_62515", TOKEN)
    monkeypatch.setenv("REDIS_URL", "redis://:secret@localhost/0")
    portals = Portals(token_env=VARIABLE, redis_env="REDIS_URL", timeout=5.0)
    travelled = pickle.dumps(portals)
    assert TOKEN.encode() not in travelled
    assert b"secret" not in travelled
    arrived = pickle.loads(travelled)  # noqa: S301 -- our own
    assert repr(arrived) == (
        "<Portals, tokens from $HUBSPOT_{portal}, Redis of $REDIS_URL>"
    )


def test_repr_of_a_function_does_not_show_it() -> None:
    assert repr(Portals(load=load)) == "<Portals, tokens from a function>"


@pytest.mark.parametrize("options", [{}, {"token_env": "A", "load": load}])
def test_tokens_come_from_one_place(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="token_env or load"):
        Portals(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"token_env": TOKEN},
        {"token_env": ""},
        {"token_env": 5},
        {"token_env": "TÖKEN"},
        {"token_env": "A", "redis_env": "redis://:secret@localhost/0"},
    ],
)
def test_name_of_a_variable_is_one_and_a_secret_is_not_shown(
    options: dict[str, Any],
) -> None:
    with pytest.raises(
        ConfigurationError, match="name of an environment variable"
    ) as caught:
        Portals(**options)
    assert "secret" not in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"session": None}, TypeError, "cannot be sent to the actors"),
        ({"listeners": ()}, TypeError, "cannot be sent to the actors"),
        ({"rate_limit": 5}, TypeError, "cannot be sent to the actors"),
        ({"colour": "red"}, TypeError, "colour"),
        ({"timeout": -1}, ConfigurationError, "timeout"),
        ({"max_requests": 0}, ConfigurationError, "max_requests"),
    ],
)
def test_option_that_cannot_be_is_refused_at_once(
    options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        Portals(token_env=VARIABLE, **options)


def test_load_must_be_callable() -> None:
    with pytest.raises(TypeError, match="load must be callable, not str"):
        Portals(load="x")  # type: ignore[arg-type] # that is the point


async def test_variable_is_named_by_the_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBSPOT_62515_import_1", "t")
    hub = await client_of(Portals(token_env=VARIABLE), "62515-import.1")
    assert hub.limits.max_requests > 0


async def test_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="HUBSPOT_9 is not set where an actor"):
        await client_of(Portals(token_env=VARIABLE), "9")


async def test_redis_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="The variable NO_REDIS is not set"):
        Portals(load=load, redis_env="NO_REDIS").open(2)


async def test_error_of_a_function_is_named_by_its_kind_only() -> None:
    with pytest.raises(ConfigurationError) as caught:
        await client_of(Portals(load=failing), "7")
    assert str(caught.value) == "load returned no token for portal 7: OSError."


async def test_error_of_ours_in_a_function_is_passed_on() -> None:
    with pytest.raises(HubBatchError, match="No 7 here"):
        await client_of(Portals(load=careful), "7")


async def test_without_redis_an_actor_has_its_part_of_the_limit() -> None:
    hub = await client_of(Portals(load=load, max_requests=100), "7")
    assert hub._state.gate.ceiling == RateLimit(100, processes=2)


async def test_with_redis_all_actors_have_the_limit_of_each_portal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost:1/0")
    limit_of = Portals(load=load, redis_env="REDIS_URL", max_requests=100)._limiter(3)
    shared = limit_of("7")
    assert isinstance(shared, RedisRateLimit)
    assert (shared.account, shared.limit) == ("7", RateLimit(100))
    assert shared.expected_processes == 3


def test_number_names_a_portal_as_text_too() -> None:
    assert portal_name("62515") == portal_name(62515) == "62515"


@pytest.mark.parametrize("given", [None, True, 62515.0, "", "a/b", "x" * 65, "{a}"])
def test_anything_else_does_not_name_a_portal(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^portal must be a number"):
        portal_name(given)
