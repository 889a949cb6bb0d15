"""The background loop of a process."""

import asyncio
import os
import threading

import pytest

from hubbatch.integrations._dlt.background import Background, background


async def _name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def _fail() -> None:
    raise TimeoutError("of its own")


def test_coroutines_of_all_threads_run_in_one() -> None:
    assert background() is background()
    threads = [threading.Thread(target=lambda: found.append(background().run(_name())))]
    found: list[str] = []
    threads[0].start()
    threads[0].join()
    assert [*found, background().run(_name())] == ["hubbatch", "hubbatch"]


def test_what_it_raises_is_raised() -> None:
    with pytest.raises(TimeoutError, match="of its own"):
        background().run(_fail())


def test_the_waiting_thread_calls_meanwhile() -> None:
    loop = Background()
    gate = asyncio.Event()
    loop.run(asyncio.wait_for(gate.wait(), 30), meanwhile=lambda: loop.soon(gate.set))
    assert gate.is_set()


def test_wait_that_is_interrupted_cancels_the_work() -> None:
    ended = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        background().run(work(), meanwhile=interrupt)
    assert ended.wait(10)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_child_of_a_fork_has_a_loop_of_its_own() -> None:
    assert background().run(_name()) == "hubbatch"
    child = os.fork()
    if not child:  # pytest must not continue in the child
        os._exit(0 if background().run(_name()) == "hubbatch" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
