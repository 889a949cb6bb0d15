"""The sources of the token; it is never shown."""

import asyncio
import pickle

from typing import Any

import pytest

from hubbatch import ConfigurationError
from hubbatch._net.auth import Credentials
from tests.net.crm import SECRET


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_token(nothing: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Credentials(nothing)
    assert str(caught.value) == (
        "No access token. Set HUBSPOT_ACCESS_TOKEN to a service key, a private-app "
        "token or an OAuth access token, or pass access_token=."
    )


@pytest.mark.parametrize("wrong", [17, ["x"], b"pat"])
def test_not_a_token(wrong: Any) -> None:
    with pytest.raises(
        ConfigurationError, match="a str, an OAuth or an async callable"
    ):
        Credentials(wrong)


@pytest.mark.parametrize("wrong", ["two words", "zwei\nZeilen", "  ", "pät", "x\0"])
def test_an_invalid_token_is_not_quoted(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="visible ASCII") as caught:
        Credentials(wrong)
    assert wrong.strip() == "" or wrong not in str(caught.value)


async def test_static_token() -> None:
    """White space around it, e.g. the line end of a file, is removed."""
    credentials = Credentials(f" {SECRET}\n")
    assert await credentials.token() == SECRET
    assert not credentials.renewable


async def test_callable_is_called_for_every_token() -> None:
    tokens = iter(["one", "two\n"])

    async def give() -> str:
        return next(tokens)

    credentials = Credentials(give)
    assert [await credentials.token(), await credentials.token()] == ["one", "two"]
    assert credentials.renewable


@pytest.mark.parametrize("wrong", [None, "", 5, "two words"])
async def test_callable_that_returns_no_token(wrong: Any) -> None:
    async def give() -> Any:
        return wrong

    with pytest.raises(ConfigurationError, match="visible ASCII"):
        await Credentials(give).token()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (f"Bearer {SECRET}", 'begins with "Bearer ", which hubbatch adds. Pass only'),
        (f" bearer {SECRET}", "Pass only the token."),
        (f'"{SECRET}"', "The access token is in quotes, .* Remove them."),
        (f"'{SECRET}'\n", "Remove them."),
        (f'"{SECRET}', "Remove them."),
    ],
)
def test_a_token_with_something_around_it(wrong: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint) as caught:
        Credentials(wrong)
    assert SECRET not in str(caught.value)


def give_text() -> Any:
    return SECRET


def give_nothing() -> Any:
    return None


async def give_one_by_one() -> Any:
    yield SECRET


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [(give_text, "str"), (give_nothing, "NoneType"), (give_one_by_one, "async_gener")],
)
async def test_callable_that_is_not_async(wrong: Any, kind: str) -> None:
    with pytest.raises(ConfigurationError, match=f"this one returned {kind}") as caught:
        await Credentials(wrong).token()
    assert "must be an async callable" in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_callable_may_return_any_awaitable() -> None:
    def give() -> Any:
        return asyncio.ensure_future(give_secret())

    assert await Credentials(give).token() == SECRET


async def give_secret() -> str:
    return SECRET


@pytest.mark.parametrize(
    ("source", "shown"),
    [(SECRET, "<Credentials, static>"), (give_secret, "<Credentials, renewable>")],
)
def test_repr_shows_no_token(source: Any, shown: str) -> None:
    credentials = Credentials(source)
    assert repr(credentials) == str(credentials) == shown


def test_cannot_be_pickled() -> None:
    """A pickle would hold the token."""
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(Credentials(SECRET))
