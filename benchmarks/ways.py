"""Ways to update or read a list of records: ours, a floor, and what others offer.

Each way takes the URL, the verb and the inputs, runs the whole list, and gives what a
caller would keep. All send chunks of 100, those that can 16 at a time.
"""

import asyncio

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import aiohttp
import orjson

from hubbatch import HubBatch, RateLimit

from .records import NAMES


AT_A_TIME = 16
PATH = "/crm/v3/objects/tickets/batch/"
HEADERS = {"Authorization": "Bearer token", "Content-Type": "application/json"}

Way = Callable[[str, str, list[Any]], Coroutine[Any, Any, Sequence[Any]]]


def _chunks(verb: str, inputs: list[Any]) -> Iterator[dict[str, Any]]:
    for first in range(0, len(inputs), 100):
        some = inputs[first : first + 100]
        if verb == "read":
            named = [{"id": one} for one in some]
            yield {"properties": NAMES, "propertiesWithHistory": [], "inputs": named}
        else:
            yield {"inputs": some}


async def floor(url: str, verb: str, inputs: list[Any]) -> Sequence[Any]:
    """Use aiohttp and orjson, on plain dicts; keep the decoded results."""
    kept: list[Any] = []
    await _floor(url, verb, inputs, kept.extend)
    return kept


async def floor_dropping(url: str, verb: str, inputs: list[Any]) -> Sequence[Any]:
    """Do the same, and keep nothing but a count."""
    count = 0

    def drop(results: list[Any]) -> None:
        nonlocal count
        count += len(results)

    await _floor(url, verb, inputs, drop)
    return range(count)


async def _floor(
    url: str, verb: str, inputs: list[Any], done: Callable[[list[Any]], object]
) -> None:
    chunks = _chunks(verb, inputs)
    target = f"{url}{PATH}{verb}"

    async def work(session: aiohttp.ClientSession) -> None:
        for chunk in chunks:
            body = orjson.dumps(chunk)
            async with session.post(target, data=body, headers=HEADERS) as answer:
                done(orjson.loads(await answer.read())["results"])

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for _ in range(AT_A_TIME):
            group.create_task(work(session))


async def script(url: str, verb: str, inputs: list[Any]) -> Sequence[Any]:
    """Do as a script does that was written in ten minutes: gather and a semaphore."""
    semaphore = asyncio.Semaphore(AT_A_TIME)

    async with aiohttp.ClientSession() as session:

        async def post(chunk: dict[str, Any]) -> list[Any]:
            async with (
                semaphore,
                session.post(
                    f"{url}{PATH}{verb}", json=chunk, headers=HEADERS
                ) as answer,
            ):
                answer.raise_for_status()
                results: list[Any] = (await answer.json())["results"]
                return results

        parts = await asyncio.gather(*map(post, _chunks(verb, inputs)))
    return [result for part in parts for result in part]


def _hub(url: str) -> HubBatch:
    return HubBatch(
        "pat-na1-1f3b5678-9c34-4d34-a234-1e3456789abc",
        base_url=url,
        max_concurrency=AT_A_TIME,
        rate_limit=RateLimit(1_000_000_000, burst=1_000_000_000),
    )


def _batch(hub: Any, verb: str, inputs: list[Any]) -> Any:
    if verb == "read":
        return hub.tickets.read(inputs, properties=NAMES)
    return hub.tickets.update(inputs)


async def hubbatch(url: str, verb: str, inputs: list[Any]) -> Sequence[Any]:
    """Await a batch: a list in, one typed response out."""
    async with _hub(url) as hub:
        response = await _batch(hub, verb, inputs)
        assert response.succeeded == len(inputs)
        results: Sequence[Any] = response.results
        return results


async def hubbatch_stream(url: str, verb: str, inputs: list[Any]) -> Sequence[Any]:
    """Look at each outcome as it comes, and drop it."""
    count = 0
    async with _hub(url) as hub, _batch(hub, verb, inputs) as outcomes:
        async for outcome in outcomes:
            count += outcome.result is not None
    return range(count)


async def api_client(url: str, verb: str, inputs: list[Any]) -> Sequence[Any]:
    """Use HubSpot's `hubspot-api-client`, in the loop of its documentation."""
    from hubspot import HubSpot  # type: ignore[import-untyped] # noqa: PLC0415 -- slow

    client = HubSpot(access_token="token")  # noqa: S106 -- of nobody
    client.config["host"] = url
    call = getattr(client.crm.tickets.batch_api, verb)
    return [one for chunk in _chunks(verb, inputs) for one in call(chunk).results]


async def sdk(url: str, verb: str, inputs: list[Any]) -> Sequence[Any]:
    """Use HubSpot's `hubspot-sdk` (a pre-release), its asynchronous client."""
    from hubspot_sdk import AsyncHubSpot  # noqa: PLC0415 -- slow

    chunks, kept = _chunks(verb, inputs), []
    async with AsyncHubSpot(access_token="token", base_url=url) as client:  # noqa: S106 -- of nobody
        batch: Any = client.crm.objects.tickets.batch
        call = batch.get if verb == "read" else batch.update

        async def work() -> None:
            for chunk in chunks:
                kept.extend((await call(**_snake(chunk))).results)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_A_TIME):
                group.create_task(work())
    return kept


def _snake(chunk: dict[str, Any]) -> dict[str, Any]:
    history = chunk.pop("propertiesWithHistory", None)
    return chunk if history is None else {**chunk, "properties_with_history": history}


WAYS: dict[str, Way] = {
    "aiohttp + orjson, dicts": floor,
    "hubbatch": hubbatch,
    "gather script": script,
    "hubspot-api-client": api_client,
    "hubspot-sdk, async": sdk,
    "aiohttp + orjson, dropped": floor_dropping,
    "hubbatch, streamed": hubbatch_stream,
}
