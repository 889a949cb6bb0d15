"""What a first call costs a new process: its start, imports, and a batch of 100.

    python -m benchmarks cold_start [--quick]

User and system time of the process, from its start to its end, with compiled modules on
disk. All cases take turns, in rounds and in random order.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from collections.abc import Mapping

from . import records
from .server import serving
from .tables import Section, table
from .workers import ROOT, Ratio, turns


_PROGRAM = "import json, sys; url, inputs = sys.argv[1], json.loads(sys.argv[2])"
_AIOHTTP = """
import asyncio, aiohttp, orjson
async def main():
    target = url + "/crm/v3/objects/tickets/batch/update"
    body = orjson.dumps({"inputs": inputs})
    async with aiohttp.ClientSession() as session:
        async with session.post(target, data=body) as response:
            return orjson.loads(await response.read())["results"]
assert len(asyncio.run(main())) == 100
"""
_HUBBATCH = """
import asyncio
from hubbatch import HubBatch
async def main():
    async with HubBatch("token", base_url=url) as hub:
        return await hub.tickets.update(inputs)
assert asyncio.run(main()).succeeded == 100
"""
_SINGLE = """
import asyncio
from hubbatch import HubBatch
async def main():
    async with HubBatch("token", base_url=url) as hub:
        return await hub.single.tickets.update(inputs[0]["id"], inputs[0]["properties"])
assert asyncio.run(main()).id == inputs[0]["id"]
"""
_API_CLIENT = """
from hubspot import HubSpot
client = HubSpot(access_token="token")
client.config["host"] = url
assert len(client.crm.tickets.batch_api.update({"inputs": inputs}).results) == 100
"""
_SDK = """
import asyncio
from hubspot_sdk import AsyncHubSpot
async def main():
    async with AsyncHubSpot(access_token="token", base_url=url) as client:
        return await client.crm.objects.tickets.batch.update(inputs=inputs)
assert len(asyncio.run(main()).results) == 100
"""
FLOOR = "aiohttp + orjson"
CASES: Mapping[str, str] = {
    FLOOR: _AIOHTTP,
    "hubbatch": _HUBBATCH,
    "hubbatch, a single call": _SINGLE,
    "hubspot-api-client": _API_CLIENT,
    "hubspot-sdk, async": _SDK,
}


def milliseconds(case: str, url: str, cache: str) -> float:
    """Run a case in a new process; return its CPU."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": cache,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    inputs = json.dumps([*records.inputs("update", 100)])
    command = [sys.executable, "-c", _PROGRAM + CASES[case], url, inputs]
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 -- our own
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{case} ended with status {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def run(*, quick: bool) -> Section:
    """Measure all cases."""
    costs: dict[str, list[float]] = {case: [] for case in CASES}
    with serving() as url, tempfile.TemporaryDirectory() as cache:
        for case in CASES:  # which compiles its modules
            milliseconds(case, url, cache)
        for case in turns([*CASES], 5 if quick else 21):
            costs[case].append(milliseconds(case, url, cache))
    rows = [
        (case, f"{statistics.median(each):.0f}", str(Ratio.of(each, costs[FLOOR])))
        for case, each in costs.items()
    ]
    text = table(("first call", "ms", f"x {FLOOR}"), rows)
    return Section("Cold start", __doc__ or "", text)
