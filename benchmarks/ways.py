"""Ways to send a list of inputs: hubbatch, floors, scripts and other clients.

Each way takes a URL, a verb, the inputs and the properties to read. It sends chunks of
100, 16 at a time where it can, and returns what a caller would keep.
"""

import asyncio
import gc
import time

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import aiohttp
import orjson

from . import records
from .peaks import peak


CONCURRENCY = 16
PATH = "/crm/v3/objects/tickets/batch/"
HEADERS = {"Authorization": "Bearer token", "Content-Type": "application/json"}

Inputs: TypeAlias = Iterable[Any]
Way = Callable[[str, str, Inputs, list[str]], Coroutine[Any, Any, Sequence[Any]]]


def _chunks(
    verb: str, inputs: Iterable[Any], properties: list[str]
) -> Iterator[dict[str, Any]]:
    rest = iter(inputs)
    while chunk := [*islice(rest, 100)]:
        if verb == "read":
            named = [{"id": one} for one in chunk]
            yield {
                "properties": properties,
                "propertiesWithHistory": [],
                "inputs": named,
            }
        else:
            yield {"inputs": chunk}


# ---- floors and scripts


async def floor(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Use aiohttp and orjson on plain dicts; keep the decoded results."""
    kept: list[Any] = []
    await _floor(url, verb, _chunks(verb, inputs, properties), kept.extend)
    return kept


async def floor_dropping(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Do the same, and keep only a count."""
    count = 0

    def drop(results: list[Any]) -> None:
        nonlocal count
        count += len(results)

    await _floor(url, verb, _chunks(verb, inputs, properties), drop)
    return range(count)


async def _floor(
    url: str,
    verb: str,
    chunks: Iterator[dict[str, Any]],
    done: Callable[[list[Any]], object],
) -> None:
    target = f"{url}{PATH}{verb}"

    async def work(session: aiohttp.ClientSession) -> None:
        for chunk in chunks:
            body = orjson.dumps(chunk)
            async with session.post(target, data=body, headers=HEADERS) as response:
                done(orjson.loads(await response.read())["results"])

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(work(session))


async def fair(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Use a plain script that checks, types, matches and sorts, as hubbatch does."""
    from .fair import fair as script  # noqa: PLC0415 -- needed by this way only

    return await script(f"{url}{PATH}{verb}", HEADERS, [*inputs], properties)


async def gather(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Use a script written in ten minutes: gather, a semaphore, `json=`, `.json()`."""
    semaphore = asyncio.Semaphore(CONCURRENCY)

    async with aiohttp.ClientSession() as session:

        async def post(chunk: dict[str, Any]) -> list[Any]:
            async with (
                semaphore,
                session.post(
                    f"{url}{PATH}{verb}", json=chunk, headers=HEADERS
                ) as response,
            ):
                response.raise_for_status()
                results: list[Any] = (await response.json())["results"]
                return results

        parts = await asyncio.gather(*map(post, _chunks(verb, inputs, properties)))
    return [result for part in parts for result in part]


async def httpx(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Use httpx and orjson on plain dicts; keep the decoded results."""
    from httpx import AsyncClient  # noqa: PLC0415 -- slow to import

    kept: list[Any] = []
    chunks = _chunks(verb, inputs, properties)
    async with AsyncClient(headers=HEADERS) as client:

        async def work() -> None:
            for chunk in chunks:
                body = orjson.dumps(chunk)
                response = await client.post(f"{url}{PATH}{verb}", content=body)
                kept.extend(orjson.loads(response.content)["results"])

        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(work())
    return kept


# ---- hubbatch


def _batch(hub: Any, verb: str, inputs: Inputs, properties: list[str]) -> Any:
    if verb == "read":
        return hub.tickets.read(inputs, properties=properties)
    if verb == "upsert":
        return hub.tickets.upsert(inputs, id_property=records.UNIQUE)
    return getattr(hub.tickets, verb)(inputs)


def client(url: str) -> Any:
    """Return a client that no rate limit holds back."""
    from hubbatch import HubBatch, RateLimit  # noqa: PLC0415 -- of any checkout

    return HubBatch(
        "pat-na1-1f3b5678-9c34-4d34-a234-1e3456789abc",
        base_url=url,
        max_concurrency=CONCURRENCY,
        rate_limit=RateLimit(1_000_000_000, burst=1_000_000_000),
    )


async def hubbatch(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Await a batch: a list in, one typed response out."""
    async with client(url) as hub:
        response = await _batch(hub, verb, inputs, properties)
        results: Sequence[Any] = response.results
        assert response.succeeded == len(results)
        return results


async def hubbatch_stream(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Iterate over the outcomes, and drop each."""
    count = 0
    async with (
        client(url) as hub,
        _batch(hub, verb, inputs, properties) as outcomes,
    ):
        async for outcome in outcomes:
            count += outcome.result is not None
    return range(count)


# ---- HubSpot's own clients


async def api_client(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Use HubSpot's `hubspot-api-client`, in the loop of its documentation."""
    from hubspot import HubSpot  # type: ignore[import-untyped] # noqa: PLC0415 -- slow

    client = HubSpot(access_token="token")  # noqa: S106 -- not a real one
    client.config["host"] = url
    call = getattr(client.crm.tickets.batch_api, verb)
    return [
        result
        for chunk in _chunks(verb, inputs, properties)
        for result in call(chunk).results
    ]


async def sdk(
    url: str, verb: str, inputs: Inputs, properties: list[str]
) -> Sequence[Any]:
    """Use HubSpot's `hubspot-sdk` (a pre-release), its asynchronous client."""
    from hubspot_sdk import AsyncHubSpot  # noqa: PLC0415 -- slow

    chunks, kept = _chunks(verb, [*map(_snake, inputs)], properties), []
    async with AsyncHubSpot(access_token="token", base_url=url) as client:  # noqa: S106 -- not a real one
        batch: Any = client.crm.objects.tickets.batch
        call = batch.get if verb == "read" else getattr(batch, verb)

        async def work() -> None:
            for chunk in chunks:
                kept.extend((await call(**_snake(chunk))).results)

        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(work())
    return kept


_SNAKE = {
    "idProperty": "id_property",
    "propertiesWithHistory": "properties_with_history",
}


def _snake(one: Any) -> Any:
    if isinstance(one, dict):
        return {_SNAKE.get(name, name): value for name, value in one.items()}
    return one


WAYS: dict[str, Way] = {
    "aiohttp + orjson, dicts": floor,
    "fair script": fair,
    "hubbatch": hubbatch,
    "gather script": gather,
    "httpx + orjson, dicts": httpx,
    "hubspot-api-client": api_client,
    "hubspot-sdk, async": sdk,
    "aiohttp + orjson, dropped": floor_dropping,
    "hubbatch, streamed": hubbatch_stream,
}


# ---- measuring, in a worker


def _inputs(way: str, verb: str, count: int, width: int) -> Iterator[Any]:
    """Yield inputs in the form that a way takes."""
    made = records.inputs(verb, count, width)
    if verb == "upsert" and WAYS[way] not in {hubbatch, hubbatch_stream}:
        return ({**each, "idProperty": records.UNIQUE} for each in made)
    return made


def _run(way: str, verb: str, url: str, inputs: Inputs, width: int) -> Sequence[Any]:
    return asyncio.run(WAYS[way](url, verb, inputs, records.names(width)))


def measure(
    way: str, verb: str, url: str, count: int, width: int, *, lazy: bool = False
) -> float:
    """Run a way; return the CPU of this process per record, in microseconds.

    The inputs are a list that is made before, or else a generator (`lazy`).
    """
    _run(way, verb, url, [*_inputs(way, verb, 200, width)], width)
    made = _inputs(way, verb, count, width)
    inputs = made if lazy else [*made]
    gc.collect()
    before = time.process_time()
    kept = _run(way, verb, url, inputs, width)
    spent = time.process_time() - before
    assert len(kept) == count
    return spent / count * 1e6


def measure_peak(way: str, verb: str, url: str, count: int, *, lazy: bool) -> float:
    """Run a way in a new process; return its peak memory, in MB.

    Imports, a first small batch and a list of inputs do not count.
    """
    width = records.WIDTH
    _run(way, verb, url, [*_inputs(way, verb, 200, width)], width)
    made = _inputs(way, verb, count, width)
    inputs = made if lazy else [*made]
    gc.collect()
    before = peak()
    kept = _run(way, verb, url, inputs, width)
    assert len(kept) == count
    return peak() - before
