"""The classes of inputs and results."""

import copy
import gc
import pickle

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from msgspec import Struct

import hubbatch

from hubbatch import account_models, models
from hubbatch.models import (
    BatchResponse,
    CreateInput,
    ErrorDetail,
    LegacyObject,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
    UpdateInput,
    ValueWithTimestamp,
)


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
CLASSES = [
    value
    for value in (vars(models) | vars(account_models)).values()
    if isinstance(value, type) and value.__module__ == hubbatch.__name__
]


def test_there_are_classes() -> None:
    assert {cls.__name__ for cls in CLASSES} >= {"CreateInput", "BatchResponse"}


@pytest.mark.parametrize("cls", CLASSES)
def test_each_has_no_dict(cls: type) -> None:
    """Without one a million stay small, and a misspelt field is an error."""
    assert attrs.has(cls) != issubclass(cls, Struct)
    assert "__dict__" not in dir(cls)


def test_the_garbage_collector_does_not_look_at_records() -> None:
    """Tracking a million records would make a collection block the event loop."""
    record = SimplePublicUpsertObject("1", {"subject": "Hello"}, new=True)

    assert not gc.is_tracked(record)
    assert not gc.is_tracked(SimplePublicObject("1", {}))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_records_are_copied_and_compared(protocol: int) -> None:
    record = SimplePublicUpsertObject("1", {"subject": "Hello"}, NOON, new=True)
    again = pickle.loads(pickle.dumps(record, protocol))  # noqa: S301 -- our own

    assert again == record == copy.deepcopy(record)
    assert type(again) is SimplePublicUpsertObject
    assert again != SimplePublicUpsertObject("1", {"subject": "Hello"}, NOON)
    assert "created_at=datetime" in repr(again)


@pytest.mark.parametrize(
    "given",
    [CreateInput({}), UpdateInput(1, {}), StandardError(), ErrorDetail()],
    ids=repr,
)
def test_inputs_and_errors_are_frozen(given: Any) -> None:
    name = attrs.fields(type(given))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(given, name, "other")


def test_what_is_missing_is_none() -> None:
    record = SimplePublicUpsertObject("1", {})
    missing = {*record.__struct_fields__} - {"id", "properties"}

    assert {name: getattr(record, name) for name in missing} == dict.fromkeys(missing)
    assert ValueWithTimestamp(None).timestamp is None
    assert StandardError().errors == ()


def test_the_empty_response() -> None:
    empty: BatchResponse[Any] = BatchResponse()

    assert (empty.status, empty.num_errors) == ("COMPLETE", 0)
    assert (empty.results, empty.errors, empty.links) == ([], [], {})
    assert empty.requested_at is empty.started_at is empty.completed_at is None


def test_nothing_mutable_is_shared() -> None:
    one: BatchResponse[Any] = BatchResponse()
    one.results.append(SimplePublicObject("1", {}))
    one.links["a"] = "b"
    LegacyObject(None, None, 1).properties["a"] = models.LegacyProperty("x")

    assert BatchResponse() == BatchResponse()
    assert BatchResponse().results == []
    assert LegacyObject(None, None, 1).properties == {}


def test_the_repr_of_a_response_stays_short() -> None:
    """asyncio includes it in the repr of a finished task."""
    results = [SimplePublicObject(str(n), {"subject": "s" * 90}) for n in range(5_000)]
    errors = [StandardError(message="m" * 90) for _ in range(5_000)]
    shown = repr(BatchResponse(results=results, num_errors=5_000, errors=errors))

    assert "id='2'" in shown
    assert "num_errors=5000" in shown
    assert len(shown) < 4_000
