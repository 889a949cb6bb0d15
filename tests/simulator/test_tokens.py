"""What the calls about tokens say of them."""

from .behaviours import behaviour
from .conftest import World


PRIVATE = "/oauth/v2/private-apps/get/access-token-info"


@behaviour("token-info-oauth")
def test_the_access_token_of_a_public_app(world: World) -> None:
    token = world.sim.issue_token(
        tier="oauth", scopes=["tickets", "oauth"], expires_in=1800, app_id=77
    )
    world.clock.at += 402
    response = world.get(f"/oauth/v1/access-tokens/{token}")
    world.clock.at += 1398
    expired = world.get(f"/oauth/v1/access-tokens/{token}")

    assert response.status == 200
    assert response.body == {
        "token": token,
        "user": "user@example.com",
        "hub_domain": "portal62515.example.com",
        "scopes": ["oauth", "tickets"],
        "token_type": "access",
        "user_id": 2506672,
        "is_private_distribution": False,
        "hub_id": 62515,
        "expires_in": 1398,
        "app_id": 77,
    }
    assert expired.status == 404


@behaviour("token-info-private")
def test_the_access_token_of_a_private_app(world: World) -> None:
    token = world.sim.issue_token(scopes=["tickets"], app_id=77)
    response = world.post(PRIVATE, {"tokenKey": token})

    assert response.body == {
        "userId": 2506672,
        "hubId": 62515,
        "appId": 77,
        "scopes": ["tickets"],
    }
    assert world.post(PRIVATE, {}).status == 400
    assert world.post(PRIVATE, []).status == 400


@behaviour("token-info-oauth", "token-info-private")
def test_each_call_has_its_own_kind_of_tokens(world: World) -> None:
    public = world.sim.issue_token(tier="oauth")

    assert world.get(f"/oauth/v1/access-tokens/{world.token}").status == 404
    assert world.post(PRIVATE, {"tokenKey": public}).status == 404
    assert world.post(PRIVATE, {"tokenKey": "pat-na1-nobody"}).status == 404


@behaviour("token-info-private")
def test_a_token_with_all_scopes_names_them(world: World) -> None:
    scopes = world.post(PRIVATE, {"tokenKey": world.token}).body["scopes"]

    assert {"oauth", "tickets", "crm.objects.contacts.write"} <= {*scopes}
    assert scopes == sorted(scopes)


@behaviour("token-info-private")
def test_no_call_about_tokens_is_counted(world: World) -> None:
    response = world.post(PRIVATE, {"tokenKey": world.token})

    assert response.status == 200
    assert [name for name in response.headers if "RateLimit" in name] == []
    assert world.sim.account.day.used == 0
