"""What a public signature names can be imported by users."""

import ast
import importlib
import inspect
import pkgutil
import re

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import ParamSpec, TypeVar

import pytest

import hubbatch


# Arguments of what only hubbatch itself creates, as in docs/conf.py.
INNER = {"batchers", "operation", "state"}
NOTHING = re.compile(r"(?!)")
FACES = ("hubbatch", "hubbatch.jobs")
REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, ModuleType]:
    """Return the modules that define what the faces export."""
    found = {"hubbatch": hubbatch}
    for module in pkgutil.walk_packages(hubbatch.__path__, "hubbatch."):
        if not re.match(r"hubbatch\.(cli|integrations|simulator)\b", module.name):
            found[module.name] = importlib.import_module(module.name)
    return found


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(modules()[module]))


@cache
def definitions() -> dict[int, tuple[str, Definition]]:
    """Return where each class and function is defined, by its identity."""
    return {
        id(vars(module)[node.name]): (name, node)
        for name, module in modules().items()
        for node in parsed(name).body
        if isinstance(node, Definition)
    }


@cache
def hidden() -> dict[str, re.Pattern[str]]:
    """Return which members the reference leaves out, by class."""
    pages = "\n".join(page.read_text() for page in REFERENCE.glob("*.md"))
    some = re.findall(r"autoclass:: (\S+)\n +:exclude-members: (.+)", pages)
    every = re.findall(r"autoclass:: (\S+)\n +:no-members:", pages)
    return {
        **{name: re.compile(members.replace(", ", "|")) for name, members in some},
        **{name: re.compile("(?!__init__).+") for name in every},
    }


def annotations(
    node: Definition, left_out: re.Pattern[str] = NOTHING
) -> Iterator[tuple[str, ast.expr]]:
    """Yield the annotations that a user sees, with where they are."""
    if not isinstance(node, ast.ClassDef):
        yield from annotations_of_function(node)
        return
    for member in node.body:
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            found, name = [(member.target.id, member.annotation)], member.target.id
        elif isinstance(member, Definition):
            found, name = [*annotations(member)], member.name
        else:
            continue
        if not name.startswith("_") and not left_out.fullmatch(name):
            yield from found


def annotations_of_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[tuple[str, ast.expr]]:
    given = node.args
    for argument in (
        *given.posonlyargs,
        *given.args,
        *given.kwonlyargs,
        *filter(None, (given.vararg, given.kwarg)),
    ):
        if argument.annotation is not None:
            yield f"{node.name}({argument.arg})", argument.annotation
    if node.returns is not None:
        yield f"{node.name}()", node.returns


def annotations_of_init(kind: type) -> Iterator[tuple[str, ast.expr]]:
    """Yield those of the constructor that a class has, unless only we may call it."""
    for owner in kind.__mro__:
        if "__init__" in vars(owner):
            if id(owner) in definitions():
                node = definitions()[id(owner)][1]
                for member in node.body:
                    if isinstance(member, Definition) and member.name == "__init__":
                        found = [*annotations(member)]
                        if not any(
                            f"({name})" in where for where, _ in found for name in INNER
                        ):
                            yield from found
            return


def names(annotation: ast.expr) -> Iterator[str]:
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and str(node.value).isidentifier():
            yield str(node.value)


def foreign(module: str) -> set[str]:
    """Return the names that a module imports from other packages."""
    return {
        alias.asname or alias.name
        for node in parsed(module).body
        if isinstance(node, ast.Import)
        or (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and not (node.module or "").startswith("hubbatch")
        )
        for alias in node.names
    }


def unexported(face: str) -> Iterator[str]:
    exported = importlib.import_module(face)
    public = {*hubbatch.__all__, *exported.__all__}
    for known_as in exported.__all__:
        value = getattr(exported, known_as)
        for owner in getattr(value, "__mro__", [value]):
            if id(owner) not in definitions():
                continue
            module, node = definitions()[id(owner)]
            found = [*annotations(node, hidden().get(f"{face}.{known_as}", NOTHING))]
            if owner is value and inspect.isclass(value):
                found += annotations_of_init(value)
            known = vars(modules()[module])
            for where, annotation in found:
                for name in {*names(annotation)} - public - foreign(module):
                    # What a descriptor returns is what users see.
                    if name in known and not (
                        isinstance(known[name], TypeVar | ParamSpec)
                        or hasattr(known[name], "__get__")
                    ):
                        yield f"{known_as}.{where}: {name}"


def test_a_type_that_is_not_exported_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    without = [name for name in hubbatch.__all__ if name not in {"Id", "Objects"}]
    monkeypatch.setattr(hubbatch, "__all__", without)

    found = [*unexported("hubbatch")]

    assert "HubBatch.objects(): Objects" in found
    assert "ListMemberships.read(ids): Id" in found


@pytest.mark.parametrize("face", FACES)
def test_every_type_in_a_public_signature_is_exported(face: str) -> None:
    assert [*unexported(face)] == []
