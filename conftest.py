"""The examples of the README and the pages are tests, on a simulator for each."""

import ast
import asyncio
import inspect

from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from hubbatch import HubBatch
from hubbatch.simulator import Simulator


@pytest.fixture
def account(hubspot_simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Point the environment, as a user would, at a simulated account."""
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", hubspot_simulator.token)
    monkeypatch.setenv("HUBBATCH_BASE_URL", hubspot_simulator.url)
    return hubspot_simulator


def stand_ins(account: Simulator) -> dict[str, Any]:
    """Make what the examples of a page take for given, in whichever order they run."""
    store = account.store
    pa = import_module("pyarrow")
    ids = [store.create("tickets", {"subject": "Hello"}).id for _ in range(2)]
    if not store.lists.by_id:  # an account serves all examples of a page
        store.lists.add("Newsletter")
        store.owners.add("ada@example.com")
    row = {
        "access_token": account.token,
        "refresh_token": account.install_app("app", "secret"),
        "expires_at": None,
    }

    async def anything(*_: object) -> dict[str, Any]:
        return row

    return {
        "ids": ids,
        "pa": pa,
        "people": pa.table(
            {
                "email": ["ada@example.com", "bob@example.com", "no address"],
                "firstname": ["Ada", None, "Cy"],
            }
        ),
        "records": [{"id": ids[0], "properties": {"subject": "Hi"}}],
        "client_id": "app",
        "client_secret": "secret",
        "portal_id": 62515,
        "row": row,
        "load_row": anything,
        "store": anything,
        "read_from_vault": anything,
        "db": SimpleNamespace(execute=anything),
        "redis": SimpleNamespace(lock=lambda *_, **__: nullcontext()),
    }


def run(example: Example) -> None:
    """Run an example as in a coroutine, where `hub` is a client."""
    code = compile(
        "\n" * (example.line + example.parsed.line_offset) + example.parsed,
        example.path,
        "exec",
        ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    names = example.namespace
    names["HubBatch"] = HubBatch

    async def main() -> None:
        async with HubBatch() as names["hub"]:
            names.update(stand_ins(names["account"]))
            running = eval(code, names)  # noqa: S307 -- our own pages
            if inspect.isawaitable(running):
                await running

    asyncio.run(main())


_readme = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=[
        "README.md",
        "docs/coming-from-hubspot-api-client.md",
        "docs/guides/*.md",
        "docs/journals.md",
        "docs/migrations.md",
        "docs/observing.md",
        "docs/outcomes.md",
        "docs/promises.md",
        "docs/repeated-keys.md",
        "docs/retries.md",
        "docs/testing.md",
    ],
    fixtures=["account"],
)
_pages = Sybil(
    parsers=[CodeBlockParser("python", run)],
    patterns=[
        "docs/index.md",
        "docs/logins.md",
        "docs/objects.md",
        "docs/search.md",
        "docs/single.md",
        "docs/sync.md",
        "docs/tables.md",
        "docs/versions.md",
    ],
    fixtures=["account"],
)
pytest_collect_file = (_readme + _pages).pytest()
