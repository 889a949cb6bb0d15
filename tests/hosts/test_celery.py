"""The recipe for Celery: forked workers with a client each, and one rate limit."""

from pathlib import Path

from hubbatch.simulator import Simulator
from tests.hosts.pages import DOCS, Program, recipe
from tests.integrations.conftest import RedisServer, redis_server


__all__ = ["redis_server"]

ASK = """
import json, sys
from celery import group
from crm_tasks import rename

subjects = json.loads(sys.argv[1])
tasks = group(rename.s({id_: subject}) for id_, subject in subjects.items())
print(sum(tasks.apply_async().get(timeout=90)))
"""
# A client that the parent has used, which the recipe avoids.
USED_BEFORE = """

from celery.signals import worker_init

early = HubBatch.sync()


@worker_init.connect
def use(**_):
    early.account()


@worker_process_init.connect(weak=False)
def replace_client(**_):
    global hub
    hub.close()
    hub = early
"""


def rename(program: Program, simulator: Simulator, count: int) -> set[str | None]:
    """Rename tickets in the worker of the page; return the subjects afterwards."""
    store = simulator.store
    ids = [store.create("tickets", {"subject": "old"}).id for _ in range(count)]
    page = (DOCS / "recipes.md").read_text(encoding="utf-8")
    [line] = [one for one in page.splitlines() if " celery -A " in one]
    _, _, options = line.partition(" celery ")
    with program.start("-m", "celery", *options.split(), "--loglevel", "warning"):
        subjects = ", ".join(f'"{id_}": "new"' for id_ in ids)
        status, printed, complaints = program.run("ask.py", f"{{{subjects}}}")

    assert (status, printed) == (0, f"{count}\n"), complaints
    return {ticket.properties["subject"] for ticket in store.all("tickets")}


def test_forked_workers_share_the_work(
    tmp_path: Path, hubspot_simulator: Simulator, redis_server: RedisServer
) -> None:
    program = Program(tmp_path, hubspot_simulator, redis_server.url)
    program.put("crm_tasks.py", recipe("crm_tasks.py"))
    program.put("ask.py", ASK)

    assert rename(program, hubspot_simulator, 30) == {"new"}


def test_a_client_that_was_used_before_the_fork_works_in_the_workers(
    tmp_path: Path, hubspot_simulator: Simulator, redis_server: RedisServer
) -> None:
    program = Program(tmp_path, hubspot_simulator, redis_server.url)
    program.put("crm_tasks.py", recipe("crm_tasks.py") + USED_BEFORE)
    program.put("ask.py", ASK)

    assert rename(program, hubspot_simulator, 30) == {"new"}
    assert any("account" in one.path for one in hubspot_simulator.requests)
