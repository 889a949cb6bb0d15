"""The pages: every name, command and link on them exists."""

import inspect
import os
import re
import shlex
import subprocess
import sys

from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import click
import pytest

import hubbatch
import hubbatch.jobs
import hubbatch.simulator
import hubbatch.sync

from hubbatch.simulator import Property, Simulator
from hubbatch_entry.commands import hubbatch as command_line


TREE = Path(__file__).parents[1]
DOCS = TREE / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), TREE / "README.md"])
REFERENCE = "".join(page.read_text() for page in DOCS.glob("reference/*.md"))
PUBLIC = [
    f"{module.__name__}.{name}"
    for module in (
        hubbatch,
        hubbatch.jobs,
        hubbatch.simulator,
        hubbatch.sync,
    )
    for name in module.__all__
]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_its_place_in_the_reference(name: str) -> None:
    assert len(re.findall(rf":: {re.escape(name)}$", REFERENCE, re.MULTILINE)) == 1


def test_the_reference_names_nothing_twice() -> None:
    named = re.findall(r":: ([\w.]+)$", REFERENCE, re.MULTILINE)

    assert len(named) == len({*named})
    assert len(named) > len(PUBLIC)


CLASSES = re.findall(r"autoclass:: ([\w.]+)\n((?:   :.*\n)*)", REFERENCE)


def found(name: str) -> type:
    """Import a class by its qualified name."""
    module, _, attribute = name.rpartition(".")
    kind: type = getattr(import_module(module), attribute)
    return kind


@pytest.mark.parametrize(("name", "options"), CLASSES)
def test_what_a_class_inherits_is_in_the_reference(name: str, options: str) -> None:
    """Unless the base that defines it is in the reference itself."""
    there = {found(one) for one, _ in CLASSES}
    inherited = [
        member
        for base in found(name).__mro__[1:]
        if base.__module__.startswith("hubbatch.") and base not in there
        for member, what in vars(base).items()
        if inspect.isfunction(what) and not member.startswith("_")
    ]

    assert not inherited or ":inherited-members:" in options


def test_an_integration_is_in_the_reference_as_a_whole() -> None:
    """`automodule` lists all its names."""
    for name in ("dlt", "fastapi", "opentelemetry", "ray", "redis"):
        assert f"automodule:: hubbatch.integrations.{name}\n" in REFERENCE


def script(name: str) -> ModuleType:
    """Load one of the scripts beside the pages."""
    spec = spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_commands_is_that_of_the_code() -> None:
    """`python docs/commands.py` writes it."""
    page = script("commands").written()

    assert page == (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert all(f"\n## hubbatch {name}\n" in page for name in COMMANDS)


@pytest.mark.parametrize("name", ["architecture", "chunk_states"])
def test_a_picture_is_drawn_from_the_code(name: str) -> None:
    """`python docs/NAME.py` draws it."""
    picture = script(name).drawn()

    assert picture == (DOCS / f"{name}.svg").read_text(encoding="utf-8")


COMMANDS = command_line.commands
# Each once, with or without a prompt. A word with a colon is output, not a command.
TYPED = sorted(
    {
        command.strip()
        for page in PAGES
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
        for command in re.findall(r"(?:^\$ |^|&& |; )(hubbatch (?!\w+:)[^&|;#]+)", line)
    }
)


@pytest.mark.parametrize("command", TYPED)
def test_a_command_on_a_page_can_be_typed(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options exist and accept the values on the page."""
    _, name, *words = shlex.split(command)
    if name.startswith("-"):
        pytest.fail(f"no command: {command}")
    # The content of the files does not matter here.
    monkeypatch.chdir(tmp_path)
    for word in words:
        if word.endswith(".json"):
            Path(word).touch()
    command_of = COMMANDS[name]

    assert isinstance(command_of.make_context(name, words), click.Context)


README = (TREE / "README.md").read_text("utf-8")


def test_the_commands_of_the_readme_run(
    hubspot_simulator: Simulator, tmp_path: Path
) -> None:
    """The section for a user with a file, typed into a shell."""
    section = README.partition("## With a file")[2]
    [commands] = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    unique = Property("ref", unique=True)
    hubspot_simulator.store.define("tickets", [unique])
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HUBSPOT_ACCESS_TOKEN": hubspot_simulator.token,
        "HUBBATCH_BASE_URL": hubspot_simulator.url,
    }
    shell = ["sh", "-ec", commands]
    done = subprocess.run(  # noqa: S603 -- our own page
        shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    tickets = hubspot_simulator.store.all("tickets")
    assert {ticket.properties["ref"] for ticket in tickets} == {"ERP-1", "ERP-2"}
    assert (tmp_path / "ids.csv").read_text("utf-8").count("\n") == 3
    assert "finished" in done.stdout + done.stderr


def test_the_examples_of_the_readme_fit_on_a_screen() -> None:
    blocks = re.findall(r"```(?:python|console)\n(.*?)```", README, re.DOTALL)

    assert len(blocks) == 8
    assert max(block.count("\n") for block in blocks) <= 35


def test_the_readme_takes_no_status_of_a_response_for_success() -> None:
    """`response.status` is HubSpot's word; `ok` and the outcomes are the answer."""
    assert "response.ok" in README
    assert "response.status" not in README


LINKS = sorted(
    {
        (str(page.relative_to(TREE)), target)
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text())
    }
)


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_a_link_leads_somewhere(page: str, target: str) -> None:
    assert (TREE / page).parent.joinpath(target).exists()
