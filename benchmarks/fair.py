"""A plain script that does the work of hubbatch's contract, for a fair comparison.

It checks what it sends, sends a trace id with each record, returns typed results with
datetimes, and returns them in the order of the inputs. It leaves out the rest: rate
limits, retries, refused records, repeated keys, streaming, cancellation.
"""

import asyncio
import secrets

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import aiohttp
import orjson

from attrs import define


CHUNK = 100
CONCURRENCY = 16


@define
class Record:
    id: str
    properties: dict[str, str | None]
    created_at: datetime
    updated_at: datetime
    archived: bool
    new: bool | None = None
    trace_id: str | None = None


def checked_id(value: str) -> str:
    if not value.isdecimal():
        raise ValueError(f"not the id of a record: {value!r}")
    return value


def checked(record: dict[str, Any]) -> dict[str, Any]:
    if "id" in record and "idProperty" not in record:
        checked_id(record["id"])
    for name, value in record["properties"].items():
        if not isinstance(value, str):
            raise TypeError(f"{name}: expected a string, got {value!r}")
    return record


def structure(result: dict[str, Any]) -> Record:
    return Record(
        id=result["id"],
        properties=result["properties"],
        created_at=datetime.fromisoformat(result["createdAt"]),
        updated_at=datetime.fromisoformat(result["updatedAt"]),
        archived=result["archived"],
        new=result.get("new"),
        trace_id=result.get("objectWriteTraceId"),
    )


async def fair(
    url: str, headers: dict[str, str], inputs: Sequence[Any], properties: list[str]
) -> list[Record]:
    """Send the inputs, 100 a request; `properties` only matter if they are ids."""
    prefix = secrets.token_hex(4)
    records: list[Record] = []
    parts: list[list[Record]] = [[] for _ in range(0, len(inputs), CHUNK)]
    chunks = iter(range(len(parts)))

    async def send(body: dict[str, Any]) -> list[Record]:
        data = orjson.dumps(body)  # refuses a string that has no UTF-8
        async with session.post(url, data=data, headers=headers) as response:
            response.raise_for_status()
            answer = orjson.loads(await response.read())
        return [structure(result) for result in answer["results"]]

    async def read(ids: Sequence[str]) -> list[Record]:
        named = [{"id": checked_id(one)} for one in ids]
        found = await send({"properties": properties, "inputs": named})
        by_id = {record.id: record for record in found}
        return [by_id[one] for one in ids]

    async def write(first: int, chunk: Sequence[dict[str, Any]]) -> list[Record]:
        traces = [f"{prefix}-{n}" for n in range(first, first + len(chunk))]
        traced = [
            {**checked(record), "objectWriteTraceId": trace}
            for record, trace in zip(chunk, traces, strict=True)
        ]
        found = await send({"inputs": traced})
        by_trace = {record.trace_id: record for record in found}
        return [by_trace[trace] for trace in traces]

    async def work() -> None:
        for n in chunks:
            chunk = inputs[n * CHUNK : (n + 1) * CHUNK]
            if url.endswith("/read"):
                parts[n] = await read(chunk)
            else:
                parts[n] = await write(n * CHUNK, chunk)

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(work())
    for part in parts:
        records.extend(part)
    return records
