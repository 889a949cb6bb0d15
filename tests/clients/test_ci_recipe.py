"""The steps of docs/simulator.md that start the simulator in another team's CI."""

import os
import re
import socket
import subprocess
import textwrap

from pathlib import Path
from typing import Any

from hubspot_sdk import HubSpot


PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def blocks(language: str) -> list[str]:
    section = PAGE.read_text().partition("## In CI")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_the_steps_start_a_simulator_that_is_ready_and_filled(tmp_path: Path) -> None:
    [steps], [state] = blocks("yaml"), blocks("json")
    (tmp_path / "portal.json").write_text(state)
    port = str(free_port())
    found = re.search(r"- run: \|\n((?: {10}.*\n)+)", steps)
    token = re.search(r"HUBSPOT_ACCESS_TOKEN: (\S+)", steps)
    assert found is not None
    assert token is not None
    commands = textwrap.dedent(found[1]).replace("8080", port)
    # GitHub's shell for `run`; it ends the simulator with the job.
    script = f"{commands}echo $! > pid\n"
    subprocess.run(  # noqa: S603 -- our own page
        ["/bin/bash", "-e", "-c", script], cwd=tmp_path, check=True, timeout=60
    )
    try:
        client = HubSpot(access_token=token[1], base_url=f"http://127.0.0.1:{port}")
        contacts: Any = client.crm.objects.contacts.list(properties=["email"])
        emails = {item.properties["email"] for item in contacts}
    finally:
        os.kill(int((tmp_path / "pid").read_text()), 15)

    assert emails == {"ada@acme.example", "bob@acme.example"}
    assert (
        "GET /crm/objects/2026-03/contacts" in (tmp_path / "simulator.log").read_text()
    )
