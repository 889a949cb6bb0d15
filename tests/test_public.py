"""The public face: what `hubbatch` exports is what it says it exports."""

import importlib
import inspect
import types

from collections.abc import Iterator

import pytest

import hubbatch


FACES = (
    "hubbatch",
    "hubbatch.jobs",
    "hubbatch.simulator",
    "hubbatch.integrations.fastapi",
    "hubbatch.integrations.opentelemetry",
    "hubbatch.integrations.redis",
)


def exported(face: str) -> dict[str, object]:
    """Give the names of a module that are for users, and what they stand for."""
    module = importlib.import_module(face)
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == face
    ]
    return {name: getattr(module, name) for name in getattr(module, "__all__", own)}


def members(kind: type) -> Iterator[tuple[str, object]]:
    """Give the methods and properties that a user may call, also the inherited."""
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


@pytest.mark.parametrize("name", hubbatch.__all__)
def test_a_public_name_is_documented(name: str) -> None:
    value = getattr(hubbatch, name)

    assert inspect.getdoc(value)
    assert value.__module__.startswith("hubbatch.")


@pytest.mark.parametrize("face", FACES)
def test_what_can_be_called_is_documented(face: str) -> None:
    """Each class, function, method and property, in its own words or inherited ones."""
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
        if inspect.isclass(value) and value.__module__ == "hubbatch.models"
    }

    assert defined <= {*hubbatch.__all__}
