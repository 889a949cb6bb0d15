"""The public face: `__all__` is complete, and what it exports is documented."""

import importlib
import inspect
import pickle
import re
import types
import typing

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hubbatch
import hubbatch.jobs


FACES = (
    "hubbatch",
    "hubbatch.jobs",
    "hubbatch.simulator",
    "hubbatch.sync",
    "hubbatch.integrations.fastapi",
    "hubbatch.integrations.opentelemetry",
    "hubbatch.integrations.redis",
)


def exported(face: str) -> dict[str, object]:
    """Return what a module exports to users, by name."""
    module = importlib.import_module(face)
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == face
    ]
    return {name: getattr(module, name) for name in getattr(module, "__all__", own)}


def members(kind: type) -> Iterator[tuple[str, object]]:
    """Yield the methods and properties that a user may call, inherited ones too."""
    for owner in kind.__mro__:
        if owner.__module__.startswith("hubbatch"):
            for name, member in vars(owner).items():
                if not name.startswith("_") and (
                    inspect.isfunction(member)
                    or isinstance(member, (property, classmethod, staticmethod))
                ):
                    yield name, getattr(kind, name)


def test_all_is_sorted_and_complete() -> None:
    public = [
        name
        for name, value in vars(hubbatch).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    ]

    assert sorted(public) == [*hubbatch.__all__]


def is_described(face: str, name: str) -> bool:
    """Return whether a name has a docstring: an alias has it below, in the source."""
    value = getattr(importlib.import_module(face), name)
    if inspect.isclass(value) or inspect.isfunction(value):
        return bool(inspect.getdoc(value))
    described = re.compile(rf'^{name}: .+(\n .+)*(\n[\])])?\n"""', re.MULTILINE)
    folder = Path(hubbatch.__file__).parent
    return any(described.search(module.read_text()) for module in folder.rglob("*.py"))


@pytest.mark.parametrize("face", ["hubbatch", "hubbatch.jobs"])
def test_a_public_name_is_documented(face: str) -> None:
    names = importlib.import_module(face).__all__

    assert [name for name in names if not is_described(face, name)] == []


@pytest.mark.parametrize("face", FACES)
def test_what_can_be_called_is_documented(face: str) -> None:
    """Each class, function, method and property, in its own docstring or its base's."""
    undocumented = []
    kinds = 0
    for name, value in exported(face).items():
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        kinds += 1
        if not value.__doc__:
            undocumented.append(name)
        for member, what in members(value) if inspect.isclass(value) else ():
            if not inspect.getdoc(what):
                undocumented.append(f"{name}.{member}")

    assert kinds
    assert undocumented == []


# `__module__` says where users import them from. The integrations define what they
# export in their public modules.
IMPORTED_FROM = [
    (face, name)
    for face in ("hubbatch", "hubbatch.jobs")
    for name, value in exported(face).items()
    if inspect.isclass(value) or inspect.isfunction(value)
]


@pytest.mark.parametrize(("face", "name"), IMPORTED_FROM)
def test_a_public_name_says_where_it_is_imported_from(face: str, name: str) -> None:
    value: Any = getattr(importlib.import_module(face), name)
    # The errors that jobs export belong to `hubbatch`, with all others.
    home = "hubbatch" if hasattr(hubbatch, name) else face

    assert value.__module__ == home
    assert pickle.loads(pickle.dumps(value)) is value  # noqa: S301 -- our own
    # Annotations that are strings are evaluated in that module.
    assert isinstance(typing.get_type_hints(value), dict)


def test_what_is_shown_of_a_class_has_no_private_module() -> None:
    assert repr(hubbatch.HubBatch) == "<class 'hubbatch.HubBatch'>"
    assert repr(hubbatch.jobs.Job) == "<class 'hubbatch.jobs.Job'>"


def test_the_errors_are_all_public() -> None:
    defined = {
        name
        for name, value in vars(hubbatch.errors).items()
        if inspect.isclass(value) and issubclass(value, hubbatch.HubBatchError)
    }

    assert defined <= {*hubbatch.__all__}


def test_the_models_are_all_public() -> None:
    defined = {
        name
        for name, value in vars(hubbatch.models).items()
        if inspect.isclass(value) and value.__module__ == "hubbatch"
    }

    assert defined <= {*hubbatch.__all__}
