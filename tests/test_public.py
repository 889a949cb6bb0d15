"""The public face: what `hubbatch` exports is what it says it exports."""

import inspect
import types

import pytest

import hubbatch


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
