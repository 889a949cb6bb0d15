"""What an editor shows over the names in a user's program.

They need the package installed as a user has it: `nox -s typing`.
"""

import builtins
import inspect
import re

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import hubbatch

from hubbatch import Accounts, HubBatch, Objects, SingleObjects
from hubbatch.jobs import Job
from tests.editor.language_server import Editor


PROGRAM = """\
from hubbatch import Accounts, HubBatch
from hubbatch.jobs import Job


async def load(account: str) -> str:
    return account


async def main() -> None:
    async with HubBatch() as hub:
        records = [{"id": "512", "properties": {"subject": "Printer"}}]
        response = await hub.tickets.update(records)
        for outcome in response.failures:
            print(outcome.error)
        await hub.tickets.create(records)
        await hub.tickets.read(["512"])
        await hub.tickets.upsert(records, id_property="ref")
        await hub.tickets.archive(["512"])
        print(hub.limits, response.succeeded, response.outcomes)
        ticket = await hub.single.tickets.update("512", {"subject": "Printer"})
        await Job(hub, "update", "tickets", records).run()
    async with Accounts(load) as accounts:
        await accounts.get("62515")
"""


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    program = tmp_path_factory.mktemp("program") / "program.py"
    program.write_text(PROGRAM)
    with Editor.open(program) as editor:
        yield editor


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("async with HubBatch", 'records = [{"id": "512", "properties": {"subject":'),
        ("async with Accounts", "hub = await accounts.get(62515)"),
        ("hub.tickets", "Tickets: create, read, update, upsert, archive."),
        ("hub.tickets.create", 'records = [{"properties": {"subject": "Printer"'),
        ("hub.tickets.read", 'await hub.tickets.read(["512", 513], properties=["su'),
        ("hub.tickets.update", 'records = [{"id": "512", "properties": {"subject":'),
        ("hub.tickets.upsert", 'records = [{"id": "ada@example.com", "properties": {'),
        ("hub.tickets.archive", 'await hub.tickets.archive(["512", 513])'),
        ("response.failures", "failures: Sequence[Outcome[SimplePublicObject]]"),
        ("response.failures", "The outcomes that did not succeed, in input order"),
        ("response.succeeded", "The number of inputs that succeeded."),
        ("response.outcomes", "One outcome per input"),
        ("outcome.error", "error: RecordError | None"),
        ("outcome.error", "Why the input did not succeed; None if it did."),
        ("hub.limits", "The rate limits as currently known."),
        ("hub.single", "Calls for single records, which are sent together"),
        ("hub.single.tickets.update", 'tickets.update("512", {"subject": "Printer"})'),
    ],
)
def test_a_hover_shows_the_shape(editor: Editor, expression: str, shown: str) -> None:
    assert shown in editor.hover(expression)


CALLS: dict[str, Callable[..., Any]] = {
    "await Job": Job,
    "async with Accounts": Accounts,
    "async with HubBatch": HubBatch,
    "hub.single.tickets.update": SingleObjects.update,
    "hub.tickets.archive": Objects.archive,
    "hub.tickets.create": Objects.create,
    "hub.tickets.read": Objects.read,
    "hub.tickets.update": Objects.update,
    "hub.tickets.upsert": Objects.upsert,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_hover_describes_every_keyword(editor: Editor, call: str) -> None:
    _, _, described = editor.hover(call).partition("Args:")

    for name in inspect.signature(CALLS[call]).parameters.keys() - {"self"}:
        assert f" {name}: " in described


@pytest.mark.parametrize(
    "expression", [*CALLS, "hub.tickets", "response.failures", "outcome.error"]
)
def test_a_hover_names_nothing_private(editor: Editor, expression: str) -> None:
    hover = editor.hover(expression)
    signature, _, _ = hover.removeprefix("```python").partition("```")
    exported = {*hubbatch.__all__, *hubbatch.jobs.__all__, *vars(builtins)}
    others = {"Any", "ClientSession", "CoroutineType", "Iterable", "AsyncIterable"}
    others |= {"Literal", "Mapping", "PathLike", "Sequence"}

    assert not re.search(r"(?<!\w)_\w", hover)
    assert {*re.findall(r"\b[A-Z]\w+", signature)} <= exported | others
