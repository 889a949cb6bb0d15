"""A batch that ends early does not look at the rest of its list."""

import asyncio

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from hubbatch import HubBatchError, TooManyFailures
from hubbatch._net.batch import Batch
from hubbatch._outcomes import ledger
from hubbatch._outcomes import outcome as outcomes
from hubbatch._outcomes.outcome import Outcome
from hubbatch._tables.table_inputs import table_inputs
from hubbatch._wire.calls import Block, BlockEncoder, Encoded, Encoder, Operation
from hubbatch._wire.inputs import block_encoder, encoder
from tests.net.crm import UNAUTHORIZED, Crm, batch, operation, refusal, updates


VERBS = ("create", "read", "update", "upsert", "archive")
MANY = 20_000
# The inputs that a run holds by default: two chunks for each worker.
HELD = 2 * 4 * 10


def some_of(verb: str, count: int) -> list[Any]:
    match verb:
        case "create":
            return [{"properties": {"value": "v"}} for _ in range(count)]
        case "update" | "upsert":
            return [
                {"id": str(n), "properties": {"value": "v"}}
                for n in range(1, count + 1)
            ]
        case _:
            return [str(n) for n in range(1, count + 1)]


class Effort:
    """Counts the encoded inputs and the unsuccessful outcomes that are created."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.encoded = 0
        self.made = 0
        monkeypatch.setattr(ledger, "encoder", self._encoder)
        monkeypatch.setattr(ledger, "block_encoder", self._block_encoder)
        made = outcomes.unsuccessful

        def counted(*args: Any, **more: Any) -> Outcome[Any]:
            self.made += 1
            return made(*args, **more)

        monkeypatch.setattr(outcomes, "unsuccessful", counted)

    def _encoder(self, call: Operation) -> Encoder:
        encode = encoder(call)

        def counted(index: int, item: object) -> Encoded:
            self.encoded += 1
            return encode(index, item)

        return counted

    def _block_encoder(self, call: Operation) -> BlockEncoder:
        encode = block_encoder(call)

        def counted(first: int, block: Any) -> Block | None:
            encoded = encode(first, block)
            self.encoded += 0 if encoded is None else len(block)
            return encoded

        return counted


@pytest.fixture
def effort(monkeypatch: pytest.MonkeyPatch) -> Effort:
    return Effort(monkeypatch)


def a_batch(verb: str, source: Any, **options: Any) -> tuple[Crm, Batch[Any]]:
    crm = Crm(
        **{key: options.pop(key) for key in ("always", "latency") if key in options}
    )
    crm.fill(1_000)
    more = {"id_property": "ref"} if verb == "upsert" else {}
    call = operation(verb, max_inputs=10, **more)  # type: ignore[arg-type] # a verb
    return crm, batch(crm, call, source, workers=4, **options)


async def cancelled_after(seconds: float, made: Batch[Any]) -> None:
    task = asyncio.create_task(made)
    if seconds:
        await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("seconds", [0, 1e-9, 1], ids=["at once", "begun", "later"])
@pytest.mark.parametrize("verb", VERBS)
async def test_cancelling_does_not_look_at_the_rest_of_a_list(
    verb: str, seconds: float, effort: Effort
) -> None:
    source = some_of(verb, MANY)
    crm, made = a_batch(verb, source)
    await cancelled_after(seconds, made)
    sent = sum(len(heard.inputs) for heard in crm.heard)
    assert effort.encoded <= sent + HELD
    assert effort.made == 0

    response = made.response
    assert response is not None
    assert len(response.outcomes) == MANY == made.summary.inputs
    assert response.succeeded + len(response.failures) == MANY
    assert len(response.not_sent) == made.summary.not_sent >= MANY - sent
    assert effort.made == 0
    held, source[:] = [*source], []
    assert all(outcome.input is held[outcome.index] for outcome in response.outcomes)
    assert [outcome.index for outcome in response.outcomes] == [*range(MANY)]
    last = response.not_sent[-1]
    assert last.error is not None
    assert (last.index, last.attempts, last.safe_to_resend) == (MANY - 1, 0, True)
    assert (last.error.category, last.error.message) == (
        "NOT_SENT",
        "the batch was cancelled",
    )


@pytest.mark.parametrize(
    "always",
    [UNAUTHORIZED, refusal(403, "no", "MISSING_SCOPES")],
    ids=["401", "403"],
)
@pytest.mark.parametrize("kind", [list, tuple, set])
async def test_an_early_end(
    kind: Callable[[list[str]], Any], always: Any, effort: Effort
) -> None:
    _, made = a_batch("read", kind(some_of("read", MANY)), always=always)
    with pytest.raises(HubBatchError):
        await made
    assert effort.encoded <= HELD
    assert effort.made == 0
    assert made.response is not None
    assert len(made.response.not_sent) == MANY
    assert made.summary.not_sent == MANY


async def test_too_many_failures(effort: Effort) -> None:
    crm, made = a_batch("update", some_of("update", MANY), max_failures=5)
    crm.records.clear()
    with pytest.raises(TooManyFailures):
        await made
    assert effort.encoded <= 10 * len(crm.heard) + HELD
    assert made.response is not None
    counts = Counter(str(outcome.status) for outcome in made.response.outcomes)
    assert counts["not_sent"] == MANY - counts["failed"] == made.summary.not_sent
    assert len(made.response.failed) == counts["failed"]


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_stream_creates_the_remaining_outcomes_lazily(
    effort: Effort, *, cancelled: bool
) -> None:
    """The event loop gets turns meanwhile."""
    always = "fine" if cancelled else UNAUTHORIZED
    _, made = a_batch("update", some_of("update", MANY), always=always)
    turns: list[int] = []
    seen: Counter[str] = Counter()
    indices: list[int] = []

    def turn() -> None:
        turns.append(seen.total())
        asyncio.get_running_loop().call_soon(turn)

    async def listen() -> None:
        async with made as stream:
            turn()
            if cancelled:
                await asyncio.sleep(0.001)
                assert stream._task is not None
                stream._task.cancel()
            async for outcome in stream:
                assert effort.made <= len(indices) + 1_500
                seen[str(outcome.status)] += 1
                indices.append(outcome.index)

    with pytest.raises((HubBatchError, asyncio.CancelledError)):
        await listen()
    assert sorted(indices) == [*range(MANY)]
    assert seen["not_sent"] == made.summary.not_sent > MANY - 100
    assert max(after - before for before, after in pairwise(turns)) <= 2_000


async def test_a_stream_that_is_left_creates_no_remaining_outcomes(
    effort: Effort,
) -> None:
    _, made = a_batch("update", some_of("update", MANY))
    async with made as stream:
        async for _ in stream:
            break
    assert effort.made == 0
    assert made.summary.inputs == made.summary.settled == MANY


class Listed:
    """A collection with a length."""

    def __init__(self, count: int, raises_at: int | None = None) -> None:
        self.count = count
        self.raises_at = raises_at

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[str]:
        for number in range(self.count):
            if number == self.raises_at:
                raise LookupError(number)
            yield str(number)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_collection_that_raises_after_the_end(*, cancelled: bool) -> None:
    source = Listed(MANY, raises_at=15_000)
    always = "fine" if cancelled else UNAUTHORIZED
    _, made = a_batch("read", source, always=always)
    if cancelled:
        await cancelled_after(1, made)
    else:
        with pytest.raises(HubBatchError):
            await made
    assert made.response is not None
    assert len(made.response.outcomes) == made.summary.inputs == 15_000
    assert [outcome.input for outcome in made.response.outcomes[-2:]] == [
        "14998",
        "14999",
    ]


async def test_the_event_loop_gets_turns_while_the_rest_is_recorded() -> None:
    """If the batch ends by itself; after a cancellation it does not wait."""
    turns: list[int] = []

    class Counted(Listed):
        def __iter__(self) -> Iterator[str]:
            for self.pulled, item in enumerate(super().__iter__()):
                yield item

    source = Counted(MANY)

    def turn() -> None:
        turns.append(getattr(source, "pulled", 0))
        asyncio.get_running_loop().call_soon(turn)

    _, made = a_batch("read", source, always=UNAUTHORIZED)
    turn()
    with pytest.raises(HubBatchError):
        await made
    assert turns[-1] > MANY - 10_001
    assert max(after - before for before, after in pairwise(turns)) <= 10_000


async def test_an_iterator_is_not_read_after_the_end() -> None:
    source = iter(some_of("read", MANY))
    _, made = a_batch("read", source)
    await cancelled_after(1, made)
    assert made.response is not None
    assert len(made.response.outcomes) == made.summary.inputs < MANY
    assert next(source) == str(made.summary.inputs + 1)


async def test_inputs_that_wait_for_one_key_are_dropped_together(
    effort: Effort,
) -> None:
    source = [{"id": "1", "properties": {"value": str(n)}} for n in range(MANY)]
    _, made = a_batch("update", source)
    await cancelled_after(1, made)
    assert effort.made == 0
    assert made.response is not None
    counts = Counter(str(outcome.status) for outcome in made.response.outcomes)
    assert counts["unknown"] <= 1
    assert counts.total() == MANY


async def test_an_unread_stream_stops_pulling_inputs() -> None:
    """Outcomes that are created lazily hold their inputs."""
    crm = Crm(always=refusal(400, "no", "VALIDATION_ERROR"))
    pulled = 0

    def source() -> Iterator[Any]:
        nonlocal pulled
        for item in updates(50_000):
            pulled += 1
            yield item

    made = batch(
        crm,
        operation("update", max_inputs=1_000),
        source(),
        workers=2,
        isolate=False,
        max_failures=None,
    )
    async with made as stream:
        await anext(stream)
        await asyncio.sleep(3_600)
        # The chunks in flight, as many queued inputs, and their outcomes.
        assert pulled <= 8_000
        async for _ in stream:
            pass
    assert made.summary.failed == pulled == 50_000


class CountedTable:
    """A table that counts the rows that are cut out of it."""

    def __init__(self, count: int) -> None:
        self.data = pa.table({"id": [*map(str, range(1, count + 1))]})
        self.columns = ["id"]
        self.cut = 0

    def __len__(self) -> int:
        return int(self.data.num_rows)

    def slice(self, start: int, count: int) -> Any:
        self.cut += count
        return self.data.slice(start, count)

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        raise AssertionError("the whole table is never converted")


@pytest.mark.parametrize("end", ["cancelled", "refused", "at once"])
async def test_the_rest_of_a_table_is_not_built(end: str) -> None:
    """Each of its rows has an outcome nevertheless."""
    table = CountedTable(MANY)
    rows = table_inputs(table, operation("read"))
    always = UNAUTHORIZED if end == "refused" else "fine"
    _, made = a_batch("read", rows, always=always)
    if end == "refused":
        with pytest.raises(HubBatchError):
            await made
    else:
        await cancelled_after(1 if end == "cancelled" else 0, made)

    assert table.cut <= 3_000
    assert made.response is not None
    outcomes = made.response.outcomes
    assert len(outcomes) == made.summary.inputs == MANY
    assert len(made.response.not_sent) > MANY - 2_000
    assert table.cut <= 3_000
    assert outcomes[-1].input == {"id": str(MANY)}
    assert [outcome.input["id"] for outcome in outcomes] == [
        str(n) for n in range(1, MANY + 1)
    ]
    assert table.cut <= 2 * MANY


async def test_a_table_that_raises_ends_the_batch() -> None:
    class Shrinking(CountedTable):
        def slice(self, start: int, count: int) -> Any:
            if start >= 1_000:
                raise LookupError(start)
            return super().slice(start, count)

    rows = table_inputs(Shrinking(MANY), operation("read"))
    _, made = a_batch("read", rows)

    with pytest.raises(LookupError):
        await made
    assert made.response is not None
    assert len(made.response.outcomes) == made.summary.inputs == 1_000
