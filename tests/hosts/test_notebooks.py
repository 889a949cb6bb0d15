"""Notebooks: with the client without asyncio, and with top-level await."""

import re

from typing import Any

import nbformat
import pytest

from nbclient import NotebookClient

from hubbatch.simulator import Simulator
from tests.hosts.pages import DOCS


PAGE = (DOCS / "sync.md").read_text(encoding="utf-8")
NOTEBOOKS = re.findall(r"```py\n(# cell 1\n.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def account(hubspot_simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", hubspot_simulator.token)
    monkeypatch.setenv("HUBBATCH_BASE_URL", hubspot_simulator.url)
    return hubspot_simulator


def outputs(cells: list[str]) -> list[list[dict[str, Any]]]:
    """Execute the cells in one kernel, and return what each of them shows."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
    )
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


@pytest.mark.parametrize("code", NOTEBOOKS, ids=["sync", "await"])
def test_a_notebook_of_the_documentation_runs(account: Simulator, code: str) -> None:
    ids = [account.store.create("tickets", {"subject": "old"}).id for _ in range(250)]
    records = [{"id": id_, "properties": {"subject": "new"}} for id_ in ids]
    cells = re.split(r"# cell \d+\n", code)[1:]
    shown = outputs([f"records = {records!r}", *cells])

    [result] = shown[2]
    assert result["data"]["text/plain"] == (
        "<CombinedResponse of 250 inputs: 250 succeeded>"
    )
    assert [output for cell in (*shown[:2], *shown[3:]) for output in cell] == []
    assert account.store.all("tickets")[0].properties["subject"] == "new"


INTERRUPTED = """
# cell 1
import os, signal
from hubbatch import HubBatch

hub = HubBatch.sync()

def rows():
    for number in range(1_000_000):
        if number == 500:
            os.kill(os.getpid(), signal.SIGINT)
        yield {"properties": {"subject": str(number)}}

# cell 2
try:
    hub.tickets.create(rows())
except KeyboardInterrupt as interrupt:
    response = interrupt.response

# cell 3
len(response.outcomes)

# cell 4
hub.tickets.create([{"properties": {"subject": "s"}}]).ok
"""


def test_what_an_interrupted_cell_has_done_can_be_seen(account: Simulator) -> None:
    """*Interrupt* sends SIGINT to the kernel, as this source does."""
    shown = outputs(re.split(r"# cell \d+\n", INTERRUPTED)[1:])

    # The input that was being computed has no outcome, and may not have been taken yet.
    assert int(shown[2][0]["data"]["text/plain"]) == 500
    assert shown[3][0]["data"]["text/plain"] == "True"
    assert account.requests
