"""Rate limits: the window, the daily limit, and the headers."""

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch.simulator.limits import RollingWindow

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


PREFIX = "X-HubSpot-RateLimit-"


def ask(world: World, token: str | None = None) -> Response:
    return world.batch("read", [], token=token)


def limits(response: Response) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX): text
        for name, text in response.headers.items()
        if name.startswith(PREFIX)
    }


@behaviour("rate-headers")
def test_headers(world: World) -> None:
    """The headers of 2024, with consistent figures."""
    assert limits(ask(world)) == {
        "Daily": "625000",
        "Daily-Remaining": "624999",
        "Interval-Milliseconds": "10000",
        "Max": "190",
        "Remaining": "189",
        "Secondly": "19",
        "Secondly-Remaining": "18",
    }


@pytest.mark.parametrize(
    ("tier", "limit", "day"),
    [
        ("starter", 100, "250000"),
        ("professional", 190, "625000"),
        ("enterprise", 190, "1000000"),
        ("increased", 250, "1000000"),
        ("oauth", 110, None),
    ],
)
@behaviour("tiers", "oauth-no-daily", "burst-429")
def test_tiers(make_world: MakeWorld, tier: str, limit: int, day: str | None) -> None:
    """The limit of the tier, and then a 429."""
    world = make_world(tier=tier)
    first = limits(ask(world))
    statuses = {ask(world).status for _ in range(limit - 1)}
    refused = ask(world)

    assert first["Max"] == str(limit)
    assert first.get("Daily") == day
    assert ("Daily-Remaining" in first) == (day is not None)
    assert statuses == {200}
    assert refused.status == 429
    assert limits(refused)["Remaining"] == "0"
    kind = "oauth" if tier == "oauth" else "private_app"
    body = refused.body
    assert body == {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": refused.headers["X-HubSpot-Correlation-Id"],
        "policyName": "TEN_SECONDLY_ROLLING",
        "groupName": body["groupName"],
    }
    assert body["groupName"].startswith(f"publicapi:{kind}-api-calls-ten-secondly:")
    assert body["groupName"].endswith(":62515")
    assert "Retry-After" not in refused.headers


@behaviour("rolling-window")
def test_window_rolls_by_the_second(make_world: MakeWorld) -> None:
    """Capacity returns second by second as it was used, never all at once."""
    world = make_world(limit=10)
    left = []
    for second in range(13):
        world.clock.at = 2000.5 + second
        if second in {0, 1, 2}:
            ask(world)
            ask(world)
            ask(world)
        left.append(int(limits(ask(world))["Remaining"]))

    # Four requests in each of the first two seconds and two in the third. Those of the
    # first second are free again ten seconds later, less that second's own request.
    assert left[:3] == [6, 2, 0]
    assert left[3:10] == [0] * 7
    assert left[10] == 3
    assert left[11] == 6


@given(
    limit=st.integers(1, 20),
    steps=st.lists(st.floats(0, 3), min_size=1, max_size=200),
)
def test_window_never_admits_more(limit: int, steps: list[float]) -> None:
    """No ten consecutive seconds admit more than the limit."""
    window = RollingWindow(limit)
    admitted: list[float] = []
    now = 100.0
    for step in steps:
        now += step
        if window.take(now):
            admitted.append(now)
    seconds = [int(at) for at in admitted]

    for second in seconds:
        assert sum(second - 10 < other <= second for other in seconds) <= limit
    assert int(window.headers(now)["X-HubSpot-RateLimit-Remaining"]) >= 0


@behaviour("secondly-is-derived")
def test_secondly_is_a_tenth(make_world: MakeWorld) -> None:
    """Derived in 644 of 644 recorded answers; it is not a limit."""
    world = make_world(limit=95)
    seen = [limits(ask(world)) for _ in range(95)]

    assert {item["Secondly"] for item in seen} == {"9"}
    assert all(
        int(item["Secondly-Remaining"]) == int(item["Remaining"]) // 10 for item in seen
    )


@behaviour("daily-429", "daily-reset")
def test_day(world: World) -> None:
    """Used up, the daily limit yields its own 429; midnight resets it."""
    world.sim.account.day.limit = 3
    statuses = [ask(world).status for _ in range(3)]
    refused = ask(world)

    assert statuses == [200] * 3
    assert refused.status == 429
    assert refused.body == {
        "status": "error",
        "message": "You have reached your daily limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": refused.headers["X-HubSpot-Correlation-Id"],
        "policyName": "DAILY",
        "requestId": refused.body["requestId"],
    }
    assert limits(refused)["Daily-Remaining"] == "0"

    world.clock.at += 12 * 3600

    assert limits(ask(world))["Daily-Remaining"] == "2"


@behaviour("daily-429")
def test_day_that_is_nearly_used_up(world: World) -> None:
    world.sim.account.day.used = 624_999

    assert [ask(world).status for _ in range(2)] == [200, 429]


@behaviour("usage")
def test_usage(world: World) -> None:
    ask(world)
    path = "/account-info/v3/api-usage/daily/private-apps"
    response = world.post(path, method="GET")

    assert response.body["results"] == [
        {
            "name": "private-apps-api-calls-daily",
            "usageLimit": 625000,
            "currentUsage": 2,
            "collectedAt": "2026-09-14T12:00:00Z",
            "fetchStatus": "SUCCESS",
            "resetsAt": "2026-09-15T00:00:00Z",
        }
    ]


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09-beta"])
@behaviour("account-details")
def test_details(world: World, version: str) -> None:
    response = world.post(f"/account-info/{version}/details", method="GET")

    assert response.status == 200
    assert response.body["portalId"] == 62515
    assert response.body["accountType"] == "STANDARD"


@behaviour("window-per-app")
def test_apps_have_windows_of_their_own_and_share_the_day(world: World) -> None:
    other = world.sim.issue_token()
    ask(world)
    seen = limits(ask(world, other))

    assert seen["Remaining"] == "189"
    assert seen["Daily-Remaining"] == "624998"


@behaviour("window-per-app")
def test_tokens_of_one_app_share_a_window(world: World) -> None:
    """A new token does not reset the window."""
    first = world.sim.issue_token(app_id=7)
    second = world.sim.issue_token(app_id=7)
    ask(world, first)

    assert limits(ask(world, second))["Remaining"] == "188"


@behaviour("refusals-count")
def test_refused_requests_count(world: World) -> None:
    world.batch("update", [{"id": "1", "properties": {"no": "x"}}])
    world.post("/crm/v3/objects/tickets/batch/nothing")

    assert limits(ask(world))["Remaining"] == "187"


@behaviour("throttled-does-not-count")
def test_a_throttled_request_takes_no_room(make_world: MakeWorld) -> None:
    world = make_world(limit=1)
    ask(world)
    for _ in range(9):
        world.clock.at += 1

        assert ask(world).status == 429

    world.clock.at += 1

    assert ask(world).status == 200
    assert limits(ask(world))["Daily-Remaining"] == "624998"


@behaviour("rate-headers", "oauth-no-daily")
def test_private_app_beside_a_public_one(make_world: MakeWorld) -> None:
    """The daily limit belongs to the account, whichever app came first."""
    world = make_world(tier="oauth")
    private = world.sim.issue_token(tier="professional")
    seen = limits(ask(world, private))

    assert (seen["Daily"], seen["Daily-Remaining"]) == ("625000", "624999")
    assert "Daily" not in limits(ask(world))

    world.sim.account.day.used = 625_000

    assert ask(world, private).body["policyName"] == "DAILY"
    assert ask(world).status == 200


@behaviour("burst-429")
def test_a_limit_of_zero(make_world: MakeWorld) -> None:
    world = make_world(limit=0)

    assert ask(world).status == 429


@behaviour("daily-429")
def test_the_daily_limit_is_reported_before_a_full_window(
    make_world: MakeWorld,
) -> None:
    """Such a request takes no room in the window."""
    world = make_world(limit=1)
    ask(world)
    world.sim.account.day.limit = 1

    assert ask(world).body["policyName"] == "DAILY"

    world.sim.account.day.limit = 5

    assert ask(world).body["policyName"] == "TEN_SECONDLY_ROLLING"
