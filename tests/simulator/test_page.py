"""The page at `/` of a running simulator."""

import asyncio
import re
import shutil
import subprocess

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hubbatch.simulator import Simulator
from hubbatch.simulator.server.page import HTML


NASTY = "<img src=x onerror=document.title='hit'>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


async def use(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """Send requests for the page to show: a batch and an unknown path."""
    headers = {"Authorization": f"Bearer {sim.token}"}
    inputs = [{"properties": {"subject": "secret"}}] * 3
    url = f"{sim.url}/crm/v3/objects/tickets/batch/create"
    async with session.post(url, json={"inputs": inputs}, headers=headers) as answer:
        assert answer.status == 201
    async with session.get(f"{sim.url}/{NASTY}", headers=headers) as answer:
        assert answer.status == 501


async def state_of(sim: Simulator, session: aiohttp.ClientSession) -> dict[str, Any]:
    async with session.get(f"{sim.url}/simulator/state") as answer:
        assert answer.status == 200
        state: dict[str, Any] = await answer.json()
        assert sim.token not in await answer.text()
        assert "secret" not in await answer.text()
    return state


async def test_the_state_on_the_page() -> None:
    """The page is not counted as a request and needs no token."""
    async with Simulator(limit=20) as sim, aiohttp.ClientSession() as session:
        await use(sim, session)
        sim.store.archive("tickets", sim.store.create("tickets", {}).id)
        for email in ("a", "b"):
            sim.store.create("contacts", {"email": email})
        gone, kept = sim.store.all("contacts")
        sim.store.archive("contacts", gone.id)
        sim.store.merge("contacts", gone.id, kept.id)
        sim.open_account(7)

        await state_of(sim, session)
        state = await state_of(sim, session)

        assert len(sim.requests) == 2
        first, second = state["portals"]
        assert first["id"] == 62515
        assert first["records"] == {"tickets": 3, "contacts": 1}  # none archived
        empty = {"used": 0, "records": {}, "lists": []}
        assert second == {"id": 7, "limit": 625_000, **empty}
        used = {
            item["family"]: (item["used"], item["limit"]) for item in state["windows"]
        }
        assert used["others"][1] == 20
        assert used["others"][0] >= 1
        assert used["search"][1] == 5
        assert (first["lists"], state["apps"]) == ([], [])
        missing, created = state["requests"]
        assert (created["method"], created["status"], created["inputs"]) == (
            *("POST", 201),
            3,
        )
        assert created["path"] == "/crm/v3/objects/tickets/batch/create"
        assert (missing["status"], missing["inputs"]) == (501, None)
        assert (created["implemented"], missing["implemented"]) == (True, False)
        assert created["at"] <= missing["at"] <= state["now"]


async def test_lists_and_apps_on_the_page() -> None:
    """Secrets, codes and refresh tokens are not among the state."""
    async with Simulator() as sim, aiohttp.ClientSession() as session:
        sim.store.put_on_list("contacts", sim.store.create("contacts", {}).id, 7)
        sim.register_app("new", "hush", redirect_uris=["https://app.example"])
        code = sim.issue_code("new", "https://app.example")
        other = sim.open_account(7)
        tokens = [
            sim.install_app("app", "hush", account=account)
            for account in (sim.account, other)
        ]
        headers = {"Authorization": f"Bearer {sim.token}"}
        url = f"{sim.url}/crm/v3/objects/contacts/search"
        async with session.post(url, json={}, headers=headers) as answer:
            assert answer.status == 200
        state = await state_of(sim, session)
        shown = str(state)

    searched = [each for each in state["windows"] if each["family"] == "search"]
    assert state["portals"][0]["lists"] == [
        {"name": "List 7", "type": "contacts", "size": 1}
    ]
    assert [(each["client"], each["portals"]) for each in state["apps"]] == [
        ("new", []),
        ("app", [62515, 7]),
    ]
    assert [(each["app"], each["limit"]) for each in searched] == [(None, 5), (None, 5)]
    assert not [secret for secret in ("hush", code, *tokens) if secret in shown]


async def test_only_the_last_requests_are_kept() -> None:
    async with (
        Simulator(keep_requests=False) as sim,
        aiohttp.ClientSession() as session,
    ):
        for _ in range(60):
            async with session.get(f"{sim.url}/x"):
                pass
        state = await state_of(sim, session)

    assert len(state["requests"]) == 50
    assert sim.requests == []


async def test_the_page_is_self_contained_and_answers_get_only() -> None:
    """Only GET shows the page, and it loads nothing from other hosts."""
    async with Simulator() as sim, aiohttp.ClientSession() as session:
        async with session.get(sim.url) as answer:
            assert answer.content_type == "text/html"
            assert await answer.text() == HTML
        async with session.post(sim.url) as answer:
            assert answer.status == 501
    assert not re.search(r"""(src|href)=|https?:(?!//www\.w3\.org)|innerHTML""", HTML)


async def browsed(sim: Simulator, profile: Path) -> str:
    """Return the DOM after Chromium has shown the page for three seconds."""
    assert CHROMIUM is not None
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={profile}", "--disable-dev-shm-usage"),
            *("--virtual-time-budget=3000", "--window-size=500,900"),
            *("--dump-dom", sim.url),
        ],
        capture_output=True,
        text=True,
        timeout=180,
    )
    # Ignore where the page allows line breaks within a path.
    return done.stdout.replace("<wbr>", "")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
async def test_a_portal_with_nothing_in_it(tmp_path: Path) -> None:
    """It says "None yet." and omits what would be redundant."""
    async with Simulator(portal_id=101) as sim:
        dom = await browsed(sim, tmp_path)

    assert "Portal 101: 0 of 625,000 calls today." in dom
    assert dom.count(">None yet.<") == 2  # records, requests
    assert "portal 101" not in dom  # the name of the only portal is redundant


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
async def test_the_page_in_a_browser(tmp_path: Path) -> None:
    """It fills itself in, keeps updating, and escapes markup in names."""
    async with Simulator(limit=20) as sim, aiohttp.ClientSession() as session:
        await use(sim, session)
        dom = await browsed(sim, tmp_path)

    assert "<title>HubSpot simulator</title>" in dom
    assert "Portal 62515: " in dom
    assert "<b>3</b>" in dom
    assert ">None yet.<" not in dom
    assert ">other calls, in ten seconds<" in dom
    assert ">searches, in a second<" in dom
    assert '<section id="listed" hidden="">' in dom
    assert '<section id="installed" hidden="">' in dom
    assert "/crm/v3/objects/tickets/batch/create" in dom
    assert dom.count(">not in the simulator<") == 1
    assert "<img" not in dom
    points = re.search(r'<polyline points="([^"]*)"', dom)
    assert points is not None
    assert len(points[1].split()) > 1  # it has fetched the state more than once
