"""Access tokens that expire, and the token endpoint."""

from urllib.parse import urlencode

import pytest

from .behaviours import behaviour
from .conftest import Response, World


NO_TOKEN = "-"  # noqa: S105
APP = {"client_id": "app", "client_secret": "hush"}


def exchange(world: World, path: str = "/oauth/v3/token", **asked: str) -> Response:
    form = {"grant_type": "refresh_token", **APP, **asked}
    return world.post(path, content=urlencode(form).encode(), token=NO_TOKEN)


@pytest.mark.parametrize("version", ["v1", "v3", "2026-03"])
@behaviour("oauth-refresh")
def test_refresh(world: World, version: str) -> None:
    """The token works for half an hour, under the limits of a public app."""
    refresh_token = world.sim.install_app("app", "hush")
    path = f"/oauth/{version}/token"
    response = exchange(world, path, refresh_token=refresh_token)
    token = response.body["access_token"]
    used = world.batch("read", [], token=token)
    world.clock.at += 1800
    expired = world.batch("read", [], token=token)
    again = exchange(world, path, refresh_token=refresh_token)

    assert response.status == 200
    assert response.body["expires_in"] == 1800
    assert response.body["refresh_token"] == refresh_token
    assert used.headers["X-HubSpot-RateLimit-Max"] == "110"
    assert expired.body["category"] == "EXPIRED_AUTHENTICATION"
    assert world.batch("read", [], token=again.body["access_token"]).status == 200


@behaviour("oauth-refresh")
def test_new_tokens_share_the_window(world: World) -> None:
    refresh_token = world.sim.install_app("app", "hush", scopes=["tickets"])
    tokens = [
        exchange(world, refresh_token=refresh_token).body["access_token"]
        for _ in range(2)
    ]
    left = [
        world.batch("read", [], token=token).headers["X-HubSpot-RateLimit-Remaining"]
        for token in tokens
    ]

    assert left == ["109", "108"]
    assert world.batch("read", [], type="deals", token=tokens[0]).status == 403


@pytest.mark.parametrize(
    ("asked", "error", "status"),
    [
        ({"refresh_token": "no"}, "invalid_grant", "BAD_REFRESH_TOKEN"),
        ({"client_secret": "guess"}, "invalid_client", "BAD_CLIENT"),
        ({"grant_type": "password"}, "unsupported_grant_type", "BAD_GRANT_TYPE"),
    ],
)
@behaviour("oauth-refused")
def test_refusals(world: World, asked: dict[str, str], error: str, status: str) -> None:
    refresh_token = world.sim.install_app("app", "hush")
    response = exchange(world, **{"refresh_token": refresh_token, **asked})

    assert response.status == 400
    assert (response.body["error"], response.body["status"]) == (error, status)


@behaviour("oauth-refused")
def test_revoked(world: World) -> None:
    refresh_token = world.sim.install_app("app", "hush")
    world.sim.revoke_token(refresh_token)
    other = world.sim.install_app("app", "hush")

    assert exchange(world, refresh_token=refresh_token).status == 400
    assert exchange(world, refresh_token=other).status == 200
