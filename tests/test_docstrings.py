"""What an editor shows of a verb: an example that works, and every keyword."""

import ast
import inspect
import re
import textwrap

from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import hubbatch

from hubbatch import (
    Accounts,
    AssociationInput,
    AssociationLimitInput,
    Contacts,
    HubBatch,
    Lists,
    Owners,
    Pipelines,
    Searches,
    SingleObjects,
)
from hubbatch._verbs import Verbs
from hubbatch.simulator import Simulator
from tests.test_docs import script


options = script("options")

CLASSES = [
    *Verbs.__subclasses__(),
    *(Contacts, Lists, Owners, Pipelines, Searches, SingleObjects),
]


def verbs() -> Iterator[FunctionType]:
    for cls in CLASSES:
        for name, verb in vars(cls).items():
            if isinstance(verb, FunctionType) and not name.startswith("_"):
                yield verb


VERBS = pytest.mark.parametrize("verb", [*verbs()], ids=lambda verb: verb.__qualname__)


def section(docstring: str | None, title: str) -> str:
    """Return the lines of a section of a docstring."""
    shown = inspect.cleandoc(docstring or "")
    found = re.search(rf"^{title}:+\n((?:\n|    .*\n?)+)", shown, re.MULTILINE)
    return textwrap.dedent(found[1]) if found else ""


@VERBS
def test_every_argument_of_a_verb_is_documented(verb: FunctionType) -> None:
    documented = re.findall(r"^(\w+): ", section(verb.__doc__, "Args"), re.MULTILINE)

    assert ["self", *documented] == [*inspect.signature(verb).parameters]


@pytest.mark.parametrize("path", options.modules(), ids=lambda path: path.stem)
def test_what_verbs_say_of_their_options_is_what_options_says(path: Path) -> None:
    """`python docs/options.py` writes it."""
    source = path.read_text(encoding="utf-8")

    assert "            linger: " in source
    assert source == options.written(source)


async def test_the_example_of_the_client_works(
    hubspot_simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", hubspot_simulator.token)
    monkeypatch.setenv("HUBBATCH_BASE_URL", hubspot_simulator.url)
    ticket = hubspot_simulator.store.create("tickets", {})
    example = section(HubBatch.__doc__, "Example").replace("512", ticket.id)
    code = compile(example, "<example>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    await eval(code, {"HubBatch": HubBatch})  # noqa: S307 -- our own docstring

    assert ticket.properties["subject"] == "Printer"


async def test_the_example_of_accounts_works() -> None:
    example = section(Accounts.__doc__, "Example")
    code = compile(example, "<example>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {"Accounts": Accounts, "read_from_vault": read_from_vault}

    await eval(code, names)  # noqa: S307 -- our own docstring

    assert isinstance(names["hub"], HubBatch)


async def read_from_vault(account: str) -> str:
    return f"pat-na1-{account}"


@VERBS
async def test_the_example_of_a_verb_works(
    verb: FunctionType, hubspot_simulator: Simulator
) -> None:
    """On an account with the records that the examples name."""
    create = hubspot_simulator.store.create
    ids = {
        "512": create("tickets", {"subject": "Hello"}).id,
        "513": create("tickets", {"subject": "Hello"}).id,
        "101": create("contacts", {"email": "ada@example.com"}).id,
        "102": create("contacts", {"email": "lovelace@example.com"}).id,
        "201": create("companies", {"name": "Acme"}).id,
        "301": create("deals", {"dealname": "Big"}).id,
        "581": hubspot_simulator.store.lists.add("Newsletter").id,
    }
    assert hubspot_simulator.store.owners.add("ada@example.com").user_id == 2_506_672
    example = section(verb.__doc__, "Example")
    assert f".{verb.__name__}(" in example
    example = re.sub(r"\b\d{3}\b", lambda found: ids[found[0]], example)
    code = compile(example, "<example>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    sim = hubspot_simulator
    async with HubBatch(sim.token, base_url=sim.url) as hub:
        links = hub.associations("contacts", "companies")
        pair = AssociationInput(ids["101"], ids["201"])
        assert (await links.create_default([pair])).ok
        if verb.__qualname__ in {"AssociationLimits.update", "AssociationLimits.purge"}:
            limit = AssociationLimitInput("HUBSPOT_DEFINED", 1, 3)
            assert (await links.limits.create([limit])).ok
        names = {**vars(hubbatch), "hub": hub, "print": lambda *_: None}

        await eval(code, names)  # noqa: S307 -- our own docstrings

    if "linger" in inspect.signature(verb).parameters:
        response: Any = names["response"]
        assert response.ok
        assert response.succeeded > 0
