"""`HubSpotDeprecation`: which calls warn, when, where, and how often."""

import asyncio
import subprocess
import sys
import warnings

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hubbatch import HubBatch, HubSpotDeprecation
from hubbatch._net import retirements
from hubbatch._wire.endpoints import RETIREMENTS
from hubbatch.simulator import Simulator
from hubbatch.sync import SyncHubBatch


@pytest.fixture(autouse=True)
def nothing_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retirements, "_warned", set())


@pytest.fixture
def showing() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        yield shown


def client(sim: Simulator, day: date, **options: Any) -> HubBatch:
    hub = HubBatch(sim.token, base_url=sim.url, **options)
    hub._state.today = lambda: datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return hub


def before(version: str, days: int) -> date:
    return RETIREMENTS[version] - timedelta(days)


@pytest.mark.parametrize(("days", "times"), [(91, 0), (90, 1), (0, 1), (-400, 1)])
@pytest.mark.parametrize("version", ["v3", "2025-09", "2026-03", "2026-09"])
async def test_a_call_warns_from_90_days_before_its_version_ends(
    hubspot_simulator: Simulator,
    showing: list[warnings.WarningMessage],
    version: str,
    days: int,
    times: int,
) -> None:
    day = before(version, days)
    async with client(hubspot_simulator, day, api_version=version) as hub:
        for _ in range(3):
            assert (await hub.tickets.create([{"properties": {}}])).succeeded == 1
    assert [warning.category for warning in showing] == [HubSpotDeprecation] * times
    for warning in showing:
        ends = f"{RETIREMENTS[version]:%Y-%m}"
        assert str(warning.message) == (
            f"HubSpot stops supporting {version} in {ends}, and tickets.create uses it."
            ' Pass a newer one: `HubBatch(api_version="2026-09")`.'
        )


@pytest.mark.parametrize("version", ["2027-03-beta", "2027-03", "2026-09-beta"])
async def test_a_version_without_an_announced_end_never_warns(
    hubspot_simulator: Simulator,
    showing: list[warnings.WarningMessage],
    version: str,
) -> None:
    day = date(2035, 1, 1)
    async with client(hubspot_simulator, day, api_version=version) as hub:
        await hub.tickets.create([{"properties": {}}])
    assert showing == []


async def test_each_call_warns_once_in_a_process(
    hubspot_simulator: Simulator, showing: list[warnings.WarningMessage]
) -> None:
    """Other clients of the process and other object types do not warn again."""
    for _ in range(2):
        async with client(hubspot_simulator, before("v3", 5)) as hub:
            await hub.tickets.create([{"properties": {}}])
            await hub.contacts.create([{"properties": {}}])
            async with hub.tickets.archive(["1"]) as outcomes:
                async for _ in outcomes:
                    pass
            await asyncio.gather(*(hub.single.contacts.archive(n) for n in range(5)))
            await hub.account()
    assert [str(one.message).split()[7] for one in showing] == [
        *("tickets.create", "tickets.archive", "account.details")
    ]


Ask = Callable[[HubBatch], Awaitable[Any]]
CALLS: dict[str, tuple[Ask, str]] = {
    "batch": (lambda hub: hub.tickets.read(["1"]), "Pass a newer one"),
    "single": (lambda hub: hub.single.tickets.archive("1"), "Pass a newer one"),
    "list": (lambda hub: hub.properties("tickets").list(), "Pass a newer one"),
    "v1": (
        lambda hub: hub.legacy.tickets.read(["1"]),
        "Use `hub.tickets`, `hub.products` or `hub.line_items`",
    ),
    "v3 associations": (
        lambda hub: hub.associations("tickets", "contacts", api_version="v3").read([1]),
        "Use `hub.associations\\(...\\)` without `api_version`, with type ids",
    ),
}


@pytest.mark.parametrize("name", CALLS)
async def test_the_warning_says_what_to_use_and_names_the_callers_line(
    hubspot_simulator: Simulator, name: str
) -> None:
    call, advice = CALLS[name]
    async with client(hubspot_simulator, before("v3", 5)) as hub:
        with pytest.warns(HubSpotDeprecation, match=advice) as shown:
            await call(hub)
    assert [one.filename for one in shown] == [__file__]


async def test_associations_of_v3_end_with_v3_and_not_with_v4(
    hubspot_simulator: Simulator, showing: list[warnings.WarningMessage]
) -> None:
    sim = hubspot_simulator
    async with client(sim, RETIREMENTS["v4"]) as hub:
        await hub.associations("tickets", "contacts").read(["1"])
    assert showing == []
    assert sim.requests[-1].path.startswith("/crm/associations/2026-03/")


async def test_where_warnings_are_errors_every_call_raises_and_sends_nothing(
    hubspot_simulator: Simulator,
) -> None:
    async with client(hubspot_simulator, before("v3", 5)) as hub:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(2):
                with pytest.raises(HubSpotDeprecation):
                    await hub.tickets.create([{"properties": {}}])
                with pytest.raises(HubSpotDeprecation):
                    await hub.single.contacts.read("1")
    assert hubspot_simulator.requests == []


def test_a_client_without_asyncio_warns(hubspot_simulator: Simulator) -> None:
    sim = hubspot_simulator
    with (
        SyncHubBatch(lambda: client(sim, before("v3", 5))) as hub,
        pytest.warns(HubSpotDeprecation),
    ):
        hub.tickets.archive(["1"])


def test_a_service_shows_it_without_any_setting() -> None:
    """Python's default filters hide the `DeprecationWarning`s of imported modules."""
    program = (
        "import warnings, hubbatch\n"
        "for kind in (hubbatch.HubSpotDeprecation, DeprecationWarning):\n"
        "    warnings.warn_explicit(kind.__name__, kind, 'app.py', 1, 'app')\n"
    )
    shown = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-E", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert "HubSpotDeprecation: HubSpotDeprecation" in shown
    assert shown.count("Warning") == 0
