"""The pages: that they name what there is, and nothing that there is not."""

import inspect
import re
import shlex

from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import click
import pytest

import hubbatch
import hubbatch.jobs
import hubbatch.simulator

from hubbatch.cli.commands import hubbatch as command_line


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
    """Import a class by its whole name."""
    module, _, attribute = name.rpartition(".")
    kind: type = getattr(import_module(module), attribute)
    return kind


@pytest.mark.parametrize(("name", "options"), CLASSES)
def test_what_a_class_inherits_is_in_the_reference(name: str, options: str) -> None:
    """Unless the class that it has it from is there itself."""
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
    """Its names come from the module, whichever it has."""
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


def test_the_picture_of_the_house_is_that_of_the_code() -> None:
    """`python docs/architecture.py` draws it."""
    picture = script("architecture").drawn()

    assert picture == (DOCS / "architecture.svg").read_text(encoding="utf-8")


COMMANDS = command_line.commands
# Each once: the pages repeat themselves, as a person's shell does.
TYPED = sorted(
    {
        command.strip()
        for page in PAGES
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
        for command in re.findall(r"(?:^\$ |&& |; )(hubbatch [^&|;#]+)", line)
    }
)


@pytest.mark.parametrize("command", TYPED)
def test_a_command_on_a_page_can_be_typed(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options are there, and take what they are given."""
    _, name, *words = shlex.split(command)
    if name.startswith("-"):
        pytest.fail(f"no command: {command}")
    # What is in the files is the page's own affair.
    monkeypatch.chdir(tmp_path)
    for word in words:
        if word.endswith(".json"):
            Path(word).touch()
    command_of = COMMANDS[name]

    assert isinstance(command_of.make_context(name, words), click.Context)


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
