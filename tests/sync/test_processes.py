"""Ctrl-C, the end of the program, and forks: in processes of their own."""

import signal
import time

from hubbatch.simulator import Fault, Simulator
from tests.sync.programs import run, start


def interrupted(simulator: Simulator, program: str) -> list[str]:
    """Send SIGINT once a request has arrived; return what the program prints."""
    simulator.faults.add(Fault("delay", seconds=60, times=None))
    with start(simulator, TASKS + program) as process:
        while not simulator.requests:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        printed, complaints = process.communicate(timeout=60)
    assert complaints == ""
    assert process.returncode == 0
    return printed.splitlines()


# The loop has its main task and the one that counts.
TASKS = """
hub = HubBatch.sync()
async def tasks(_):
    import asyncio
    return len(asyncio.all_tasks())
"""


def test_ctrl_c_cancels_the_batch_and_keeps_the_response(
    hubspot_simulator: Simulator,
) -> None:
    printed = interrupted(
        hubspot_simulator,
        """
with hub:
    try:
        hub.tickets.create([*rows(100)])
    except KeyboardInterrupt as interrupt:
        response = interrupt.response
    print(len(response.unknown), len(response.outcomes))
    print(hub.run(tasks))
""",
    )

    assert printed == ["100 100", "2"]


def test_ctrl_c_in_a_stream_cancels_its_batch(hubspot_simulator: Simulator) -> None:
    printed = interrupted(
        hubspot_simulator,
        """
with hub:
    try:
        with hub.tickets.stream.create(rows(1_000_000)) as outcomes:
            for outcome in outcomes:
                print("unexpected")
    except KeyboardInterrupt:
        print(outcomes.summary.succeeded)
    print(hub.run(tasks))
""",
    )

    assert printed == ["0", "2"]


def test_ctrl_c_in_a_source_cancels_the_batch(hubspot_simulator: Simulator) -> None:
    printed = interrupted(
        hubspot_simulator,
        """
def stuck():
    yield from rows(3)
    threading.Event().wait()
with hub:
    try:
        hub.tickets.create(stuck())
    except KeyboardInterrupt as interrupt:
        print(interrupt.response)
    print(hub.run(tasks))
""",
    )

    assert printed == ["<CombinedResponse of 3 inputs: 0 succeeded, 3 unknown>", "2"]


def test_ctrl_c_while_a_single_call_waits(hubspot_simulator: Simulator) -> None:
    printed = interrupted(
        hubspot_simulator,
        """
try:
    hub.single.tickets.create({"subject": "s"})
except KeyboardInterrupt:
    print("interrupted")
""",
    )

    assert printed == ["interrupted"]


def test_ctrl_c_while_closing_cancels_what_runs(hubspot_simulator: Simulator) -> None:
    hubspot_simulator.faults.add(Fault("delay", seconds=60, times=None))
    printed = run(
        hubspot_simulator,
        """
        hub = HubBatch.sync()
        def work():
            try:
                hub.tickets.create([*rows(3)])
            except BaseException as error:
                ended.append(f"{type(error).__name__} {error.response}")
        def interrupt():
            while not hub._runtime.client._state.active:
                pass
            ready.set()
            while not hub._runtime.client._state.closed:
                pass
            os.kill(os.getpid(), signal.SIGINT)
        ready, ended = threading.Event(), []
        threads = [threading.Thread(target=one) for one in (work, interrupt)]
        for thread in threads:
            thread.start()
        ready.wait()
        try:
            hub.close()
        except KeyboardInterrupt:
            ended.append("interrupted")
        for thread in threads:
            thread.join()
        for line in ended:
            print(line)
        """,
    )

    assert len(printed) == 2
    assert "interrupted" in printed
    assert any(
        "CombinedResponse of 3 inputs: 0 succeeded, 3 " in line for line in printed
    )


def test_a_client_that_is_not_closed_does_not_hold_up_the_end(
    hubspot_simulator: Simulator,
) -> None:
    """Nor does what it was doing: a batch in a daemon thread, a stream, an iterator."""
    hubspot_simulator.store.create("tickets", {"subject": "s"})
    printed = run(
        hubspot_simulator,
        """
        hub = HubBatch.sync()
        def outcomes():
            with hub.tickets.stream.create(rows(1_000_000)) as outcomes:
                yield from outcomes
        def endless():
            while True:
                yield from rows(1)
        some = outcomes()
        records = hub.tickets.list()
        print(next(some).status, next(records).archived)
        def quietly():
            try:
                hub.companies.create(endless())
            except BaseException:
                pass
        threading.Thread(target=quietly, daemon=True).start()
        """,
    )

    assert printed == ["succeeded False"]


def test_a_forked_child_starts_afresh(hubspot_simulator: Simulator) -> None:
    """Parent and child go on, in any order; a kept connection stays the parent's."""
    hubspot_simulator.store.create("tickets", {"subject": "s"})
    printed = run(
        hubspot_simulator,
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads
        hub = HubBatch.sync()
        tickets, records = hub.tickets, hub.tickets.list()
        assert tickets.create(rows(3)).ok
        next(records)
        stream = tickets.stream.create(rows(3))
        for way in (os._exit, sys.exit):
            child = os.fork()
            if not child:
                assert tickets.create(rows(3)).ok
                assert hub.single.tickets.create({"subject": "s"}).id
                for stale in (lambda: next(records), stream.__enter__):
                    try:
                        stale()
                    except RuntimeError as error:
                        assert "before os.fork()" in str(error)
                    else:
                        raise AssertionError(stale)
                records.close()
                stream._batch.close()
                hub.close()
                way(0)
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status))
            assert tickets.create(rows(3)).ok
        print(len([*tickets.list()]))
        with stream as outcomes:
            print(len([*outcomes]))
        hub.close()
        """,
    )

    assert printed == ["0", "0", "18", "3"]


def test_a_client_made_before_a_fork_is_used_after_it(
    hubspot_simulator: Simulator,
) -> None:
    """As with gunicorn --preload: nothing has been started by then."""
    printed = run(
        hubspot_simulator,
        """
        hub = HubBatch.sync()
        children = []
        for number in range(3):
            child = os.fork()
            if not child:
                with hub:
                    sys.exit(0 if hub.tickets.create(rows(3)).ok else 1)
            children.append(child)
        for child in children:
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    )

    assert printed == ["0", "0", "0"]
    assert len(hubspot_simulator.store.all("tickets")) == 9


def test_the_client_is_loaded_without_this_package(
    hubspot_simulator: Simulator,
) -> None:
    printed = run(
        hubspot_simulator,
        """
        print("hubbatch.sync" in sys.modules, "ctypes" in sys.modules)
        HubBatch.sync().close()
        print("hubbatch.sync" in sys.modules)
        """,
    )

    assert printed == ["False False", "True"]
