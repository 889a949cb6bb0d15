"""In Python's development mode nothing is left over: no task, socket or warning."""

import os
import subprocess
import sys

import pytest

from tests.processes import untraced


# All ways to use a client and to stop using it. Anything left over is reported:
# as an error, because warnings are errors, or on standard error.
SCRIPT = """
import asyncio, gc, logging
from hubbatch import (
    HubSpotUnavailable,
    AuthenticationError, HubBatch, RecordNotFound, RetryPolicy, TooManyFailures,
)
from hubbatch.simulator import Fault, Simulator

# Its warnings about these batches are meant; whatever else is heard is left over.
logging.getLogger("hubbatch").addHandler(logging.NullHandler())


async def trickle(count):
    for number in range(1, count):
        await asyncio.sleep(0)
        yield number


async def failing(count):
    async for number in trickle(count):
        yield number
    raise OSError("the source's own")


async def cancelled(count):
    async for number in trickle(count):
        yield number
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def forbidden_token():
    raise PermissionError("the vault is shut")


async def raises(kind, awaitable):
    try:
        await awaitable
    except kind:
        return
    raise SystemExit(f"{kind} was not raised")


async def stream(batch, leave_after=None):
    seen = 0
    async with batch as outcomes:
        async for _ in outcomes:
            seen += 1
            if seen == leave_after:
                break
    return seen


async def stopped(batch, way, after):
    task = asyncio.create_task(way(batch))
    await asyncio.sleep(after)
    task.cancel()
    await raises(asyncio.CancelledError, task)


async def itself(batch):
    return await batch


async def use(sim):
    async with HubBatch(sim.token, base_url=sim.url) as hub:
        archive = hub.tickets.archive
        assert (await archive(range(1, 301))).succeeded == 300
        assert (await archive(trickle(150))).succeeded == 149
        assert await stream(archive(range(1, 301))) == 300
        assert (await hub.account()).portal_id == 62515
        await stream(archive(trickle(5_000)), leave_after=1)
        for source in (lambda: range(1, 10_000), lambda: trickle(10_000)):
            for way in (itself, stream):
                for after in (0, 0.02):
                    await stopped(archive(source()), way, after)
        await raises(TimeoutError, asyncio.wait_for(archive(range(1, 10_000)), 0.02))
        for way in (itself, stream):
            await raises(OSError, way(archive(failing(150))))
            await raises(asyncio.CancelledError, way(archive(cancelled(150))))
            await raises(TooManyFailures, way(archive([None] * 2_000)))
        archive([1]).close()
        await raises(ExceptionGroup, both(archive))


async def singly(sim):
    async with HubBatch(sim.token, base_url=sim.url) as hub:
        call = hub.single.tickets.archive
        await asyncio.gather(*map(call, range(1, 301)))
        await raises(RecordNotFound, hub.single.tickets.read(404))
        for after in (0, 0.001, 0.004, 0.02):
            for start in (0, 5_000):
                await stopped(range(start, start + 5_000), gathered(call), after)
    async with HubBatch("pat-na1-wrong", base_url=sim.url) as hub:
        await raises(AuthenticationError, hub.single.tickets.archive(1))
    hub = HubBatch(sim.token, base_url=sim.url)
    leaving = [asyncio.create_task(hub.single.tickets.archive(n)) for n in range(9)]
    await asyncio.sleep(0.004)
    for task in leaving[::2]:
        task.cancel()
    await hub.aclose()
    assert all(task.done() for task in leaving)


def gathered(call):
    async def way(numbers):
        await asyncio.gather(*map(call, numbers))

    return way


async def both(archive):
    async with asyncio.TaskGroup() as group:
        group.create_task(archive(range(1, 10_000)))
        group.create_task(archive(failing(0)))


async def errors(sim):
    async with HubBatch("pat-na1-wrong", base_url=sim.url) as hub:
        await raises(AuthenticationError, hub.tickets.archive([1]))
        await raises(AuthenticationError, stream(hub.tickets.archive([1])))
    async with HubBatch(forbidden_token, base_url=sim.url) as hub:
        await raises(PermissionError, hub.tickets.archive([1]))
    for kind in ("drop_before", "drop_after_commit", "truncate"):
        sim.faults.add(Fault(kind))
    policy = RetryPolicy(base=0.001)
    async with HubBatch(sim.token, base_url=sim.url, retry=policy) as hub:
        assert (await hub.tickets.archive([1])).outcomes[0].attempts == 4
    async with HubBatch(sim.token, base_url="http://127.0.0.1:9", retry=policy) as hub:
        await raises(HubSpotUnavailable, hub.tickets.archive([1]))


async def closing(sim):
    sim.faults.add(Fault("delay", seconds=0.05))
    hub = HubBatch(sim.token, base_url=sim.url, retry=RetryPolicy(base=0.001))
    batch = asyncio.create_task(hub.tickets.archive([1]))
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(hub.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await raises(asyncio.CancelledError, closing)
    await raises(HubSpotUnavailable, batch)


async def main():
    # The speed of this machine does not matter here.
    asyncio.get_running_loop().slow_callback_duration = 60
    async with Simulator(limit=100_000) as sim:
        await use(sim)
        await errors(sim)
        await singly(sim)
        await closing(sim)
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, left


asyncio.run(main())
gc.collect()
print("nothing is left")
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_left_in_development_mode() -> None:
    done = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, "-X", "dev", "-W", "error", "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env=untraced(PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert done.stderr == ""
    assert (done.stdout, done.returncode) == ("nothing is left\n", 0)


def test_what_is_left_would_be_heard() -> None:
    """Proves that the test above can fail."""
    forgetful = (
        "import aiohttp, asyncio\n"
        "async def main():\n"
        "    aiohttp.ClientSession()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, "-X", "dev", "-W", "error", "-c", forgetful],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "ResourceWarning: Unclosed client session" in done.stderr
