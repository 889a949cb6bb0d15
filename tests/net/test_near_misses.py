"""Calls that are nearly right: each error says how to write it."""

import asyncio
import inspect

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Coroutine,
    Iterator,
)
from typing import Any

import pytest

from hubbatch import Batch, BatchResponse, HubBatch
from hubbatch._net.record_iterator import RecordIterator
from tests.net.crm import Crm, batch, operation, updates


@pytest.fixture
def made() -> Iterator[Any]:
    """Return a batch that may stay unused."""
    crm = Crm()
    crm.fill(300)
    one: Batch[Any] = batch(crm, operation("read"), ["1", "2", "3"])
    yield one
    one.close()


# ---- a batch that is not awaited


async def test_a_batch_in_an_async_for(made: Any) -> None:
    hint = (
        "The batch tickets.read cannot be iterated directly. Write `async with ... as "
        "outcomes:` and then `async for outcome in outcomes:`."
    )
    with pytest.raises(TypeError) as caught:
        async for _ in made:
            pass
    assert str(caught.value) == hint


AWAIT_FIRST = (
    r"^The batch tickets\.read must be awaited first\. Write `response = await \.\.\.` "
    r"and then use `response\.results` or `response\.outcomes`\.$"
)


def test_a_batch_in_a_for(made: Any) -> None:
    with pytest.raises(TypeError, match=AWAIT_FIRST):
        list(made)


def test_the_length_of_a_batch(made: Any) -> None:
    with pytest.raises(TypeError, match=AWAIT_FIRST):
        len(made)


def test_an_item_of_a_batch(made: Any) -> None:
    with pytest.raises(TypeError, match=AWAIT_FIRST):
        made[0]


@pytest.mark.parametrize("name", ["results", "ok", "failures", "raise_for_failures"])
def test_what_only_the_response_has(made: Any, name: str) -> None:
    hint = rf"awaited first\. Write .* and then use `response\.{name}`\. Afterwards"
    with pytest.raises(AttributeError, match=hint):
        getattr(made, name)


@pytest.mark.parametrize("name", ["resultz", "_repr_html_", "__array__"])
def test_what_nothing_has(made: Any, name: str) -> None:
    with pytest.raises(
        AttributeError, match=f"'Batch' object has no attribute {name!r}"
    ):
        getattr(made, name)


def test_a_batch_in_a_with(made: Any) -> None:
    hint = r"with `async with \.\.\. as outcomes:`, .* use `with HubBatch\.sync\(\)"
    with pytest.raises(TypeError, match=hint), made:
        pass


async def test_a_stream_in_a_for(made: Any) -> None:
    async with made as outcomes:
        with pytest.raises(TypeError, match=r"`async for outcome in outcomes:`\.$"):
            list(outcomes)


async def test_the_hints_change_nothing_for_those_who_await(made: Any) -> None:
    assert made
    checks: list[Any] = [inspect.isawaitable, asyncio.iscoroutine]
    assert all(check(made) for check in checks)
    kinds: list[Any] = [Coroutine, Awaitable]
    assert all(isinstance(made, kind) for kind in kinds)
    assert not hasattr(made, "results")
    [response] = await asyncio.gather(made)
    assert response.succeeded == 3
    assert made.response is response


# ---- something else than inputs


async def rows() -> AsyncIterator[Any]:
    for one in updates(2):
        yield one


async def fetch() -> list[Any]:
    return updates(2)


def update(inputs: Any) -> Any:
    crm = Crm()
    crm.fill(2)
    return batch(crm, operation("update"), inputs)


ROW = {"subject": "Hello"}
UPDATE = {"id": "1", "properties": ROW}
PAIR = {"from": {"id": "1"}, "to": {"id": "2"}}
LIST = "not one dict. Put it into a list: `[record]`."
VALUES = "not a dict of them. Pass its values: `list(records.values())`."
KEYS = (
    'not a dict of them. If its keys are the ids, pass `[{"id": key, "properties": '
    "value} for key, value in records.items()]`."
)
WRONG: dict[str, tuple[Any, str]] = {
    "None": (None, "not None."),
    "one id": ("512", "not one str. Put it into a list."),
    "one number": (512, "not one int. Put it into a list."),
    "one record": (UPDATE, LIST),
    "one create": ({"properties": ROW}, LIST),
    "one row": (ROW, LIST),
    "one pair": (PAIR, LIST),
    "an empty dict": ({}, LIST),
    "records by id": ({"1": UPDATE, "2": UPDATE}, VALUES),
    "properties by id": ({"1": ROW, "2": ROW}, KEYS),
    "the body of a request": ({"inputs": [UPDATE]}, "not one dict. Pass its `inputs`."),
    "a generator function": (
        rows,
        "not a function. Call it, and pass what it returns.",
    ),
    "a response": (BatchResponse(), "not a BatchResponse. Pass its `results`."),
}


@pytest.mark.parametrize(("inputs", "hint"), WRONG.values(), ids=WRONG)
def test_something_else_than_inputs(inputs: Any, hint: str) -> None:
    expected = "tickets.update() expects an iterable or async iterable of inputs, "
    with pytest.raises(TypeError) as caught:
        update(inputs)
    assert str(caught.value) == expected + hint


TO_ONE = "for key, value in pairs.items()]`."
TO_MANY = "for key, ids in pairs.items() for value in ids]`."


@pytest.mark.parametrize(
    ("inputs", "hint"),
    [
        ({"1": "2"}, TO_ONE),
        ({1: 2}, TO_ONE),
        ({"1": ["2", "3"]}, TO_MANY),
        ({"from": "1", "to": "2"}, LIST),
        ({"from_id": ["1"], "to_id": ["2"]}, "Pass a table, or a list of its rows."),
        ({"a": PAIR}, VALUES),
        ({"inputs": [PAIR]}, "Pass its `inputs`."),
        ({}, LIST),
    ],
)
def test_something_else_than_pairs(inputs: Any, hint: str) -> None:
    hub: Any = HubBatch("pat-na1-x")
    with pytest.raises(TypeError) as caught:
        hub.associations("contacts", "companies").create_default(inputs)
    assert str(caught.value).endswith(hint)


def test_a_batch_as_inputs(made: Any) -> None:
    with pytest.raises(TypeError, match=r"not a Batch\. Await it first\.$"):
        update(made)


async def test_a_coroutine_or_a_task_as_inputs() -> None:
    coroutine = fetch()
    with pytest.raises(TypeError, match=r"not a coroutine\. Await it first\.$"):
        update(coroutine)
    task = asyncio.create_task(coroutine)
    with pytest.raises(TypeError, match=r"not a Task\. Await it first\.$"):
        update(task)
    assert (await update(await task)).succeeded == 2


async def test_a_cursor_that_can_be_awaited_too_is_a_stream() -> None:
    """As asyncpg's: `await connection.cursor(...)` or `async for` over it."""

    class Cursor:
        def __await__(self) -> Any:
            raise NotImplementedError

        def __aiter__(self) -> AsyncIterator[Any]:
            return rows()

    assert (await update(Cursor())).succeeded == 2


def test_none_as_the_inputs_of_a_verb() -> None:
    hub: Any = HubBatch("pat-na1-x")
    with pytest.raises(
        TypeError, match=r"^tickets\.update\(\) expects .*, not None\.$"
    ):
        hub.tickets.update(None)


# ---- calls that other clients have, or that need `async`

HUB: Any = HubBatch("pat-na1-x")


def test_a_client_in_a_with() -> None:
    hint = r"`async with HubBatch\(\) as hub:`.* use `with HubBatch\.sync\(\) as hub:`"
    with pytest.raises(TypeError, match=hint), HUB:
        pass


PAGE_BY_PAGE = (
    r"^The records of tickets\.list\(\) arrive page by page\. Write `async for record "
    r"in \.\.\.:` or `\[record async for record in \.\.\.\]`\. Without asyncio, use "
    r"`with HubBatch\.sync\(\) as hub:`\.$"
)


async def test_a_list_in_a_for_or_awaited() -> None:
    with pytest.raises(TypeError, match=PAGE_BY_PAGE):
        list(HUB.tickets.list())
    with pytest.raises(TypeError, match=PAGE_BY_PAGE):
        await HUB.tickets.list()


@pytest.mark.parametrize("raised", [None, LookupError("stop")])
async def test_the_hints_change_nothing_for_those_who_iterate(
    raised: LookupError | None,
) -> None:
    closed = []

    async def generate() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "record"
        finally:
            closed.append(True)

    records = RecordIterator(generate(), "tickets.list()")
    assert repr(records) == "<RecordIterator tickets.list()>"
    assert await anext(records) == "record"
    async for record in records:
        assert record == "record"
        break
    if raised is None:
        await records.aclose()
    else:
        with pytest.raises(LookupError):
            await records.athrow(raised)
    assert closed == [True]


@pytest.mark.parametrize(
    ("owner", "name", "hint"),
    [
        (HUB.tickets, "delete", "Did you mean `archive`?"),
        (HUB.tickets, "get", "Did you mean `read`?"),
        (HUB.tickets, "get_all", "Did you mean `list`?"),
        (HUB.tickets, "updates", "Did you mean `update`?"),
        (HUB.single.tickets, "delete", "Did you mean `archive`?"),
        (HUB.associations("a", "b"), "remove", "Did you mean `archive`?"),
        (HUB, "close", "Did you mean `aclose`?"),
        (HUB, "update", "An object type has it: `.tickets.update`."),
        (HUB, "list", "An object type has it: `.tickets.list`."),
        (HUB, "delete", "An object type has it: `.tickets.archive`."),
        (HUB.single, "update", "An object type has it: `.tickets.update`."),
        (
            HUB,
            "cards",
            'Did you mean `carts`? A custom object type is `.objects("cards")`.',
        ),
    ],
)
def test_an_attribute_of_another_name(owner: Any, name: str, hint: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(owner, name)
    message = f"{type(owner).__name__!r} object has no attribute {name!r}. {hint}"
    assert str(caught.value) == message


def test_an_attribute_that_resembles_none() -> None:
    with pytest.raises(AttributeError) as caught:
        _ = HUB.tickets.spaceship
    assert str(caught.value) == "'Objects' object has no attribute 'spaceship'."
    assert not hasattr(HUB.tickets, "__deepcopy__")
    assert not hasattr(HUB.tickets, "_repr_html_")
