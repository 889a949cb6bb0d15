"""How FastAPI and pydantic write hubbatch's own results: outcomes, counts and limits.

HubSpot's classes are in `hubbatch._wire.pydantic_schemas`. The JSON of these has the
names that they have in Python.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NotRequired, TypeVar, get_args

import attrs

from fastapi.encoders import (
    ENCODERS_BY_TYPE,
    encoders_by_class_tuples,
    jsonable_encoder,
)
from pydantic_core import SchemaSerializer, core_schema
from typing_extensions import TypedDict  # pydantic refuses typing's before 3.12

from hubbatch._limits.plan import Plan
from hubbatch._net.gate import Limits
from hubbatch._outcomes.outcome import Outcome, OutcomeStatus, Summary
from hubbatch._outcomes.response import CombinedResponse, Failures, Outcomes
from hubbatch._wire.pydantic_schemas import chosen, to_json
from hubbatch._wire.records import registered
from hubbatch._wire.user_classes import as_record, is_typed
from hubbatch.errors import HubBatchError
from hubbatch.models import SimplePublicObject


T = TypeVar("T")


class ErrorDescription(TypedDict):
    """The parts of an error that a client may see."""

    error: str
    category: NotRequired[str]
    code: NotRequired[str]
    property: NotRequired[str]
    correlation_id: NotRequired[str]


class OutcomeBody(TypedDict, Generic[T]):
    """The outcome of one input, without the input itself."""

    index: int
    status: OutcomeStatus
    id: NotRequired[str]
    result: NotRequired[T]
    error: NotRequired[ErrorDescription]


class SummaryBody(TypedDict):
    """The counts of a batch."""

    inputs: int
    succeeded: int
    failed: int
    unknown: int
    not_sent: int
    requests: int
    retries: int
    throttled: int
    isolating: int
    warnings: int
    seconds: float


class PlanBody(TypedDict):
    """The forecast of a batch."""

    calls: int
    seconds: float
    share_of_day: float | None


class LimitsBody(TypedDict):
    """The rate limits of an account."""

    max_requests: int
    interval: float
    used: int
    held_for: float
    daily_remaining: int | None
    daily_limit: int | None
    used_by_others: int
    families: dict[str, "LimitsBody"]


def description(error: HubBatchError) -> ErrorDescription:
    """Return the parts of an error that a client may see."""
    described: ErrorDescription = {"error": type(error).__name__}
    if (category := getattr(error, "category", None)) is not None:
        described["category"] = category
    if (code := getattr(error, "code", None)) is not None:
        described["code"] = code
    if (name := getattr(error, "property_name", None)) is not None:
        described["property"] = name
    if (correlation_id := getattr(error, "correlation_id", None)) is not None:
        described["correlation_id"] = correlation_id
    return described


def outcome_body(outcome: Outcome[Any]) -> dict[str, Any]:
    """Return an outcome as JSON: without its input, and its error as for a client."""
    body: dict[str, Any] = {"index": outcome.index, "status": outcome.status.value}
    if outcome.id is not None:
        body["id"] = outcome.id
    if outcome.result is not None:
        body["result"] = jsonable_encoder(as_record(outcome.result, outcome.id))
    if outcome.error is not None:
        body["error"] = description(outcome.error)
    return body


def _outcome_bodies(outcomes: Outcomes[Any]) -> list[dict[str, Any]]:
    return [*map(outcome_body, outcomes)]


# ---- with an annotation: pydantic asks the class


def _outcome_type(source: Any) -> Any:
    """Return what an outcome is in OpenAPI; a user's class is written as a record."""
    generic: Any = OutcomeBody
    [result] = get_args(source) or (Any,)
    typed = isinstance(result, type) and is_typed(result)
    return generic[SimplePublicObject if typed else result]


def _outcomes_type(source: Any) -> Any:
    return list[_outcome_type(source)]  # type: ignore[misc] # known at run time only


def _schema(
    write: Callable[[Any], Any],
    documented: Callable[[Any], Any],
    cls: type,
    source: Any,
    handler: Any,
) -> core_schema.CoreSchema:
    """Return the schema of a class that is only written."""

    def validate(value: Any, _: Any) -> Any:
        if not isinstance(value, cls):
            raise ValueError(f"expected {cls.__name__}")  # noqa: TRY004 -- for pydantic
        return value

    return core_schema.no_info_wrap_validator_function(
        validate,
        handler.generate_schema(documented(source)),
        serialization=_serialization(write),
    )


def _serialization(write: Callable[[Any], Any]) -> core_schema.SerSchema:
    def serialize(value: Any, info: core_schema.SerializationInfo) -> Any:
        return chosen(write(value), info)

    # Without a `return_schema`, which would warn of JSON in place of instances.
    return core_schema.plain_serializer_function_ser_schema(serialize, info_arg=True)


def _make_returnable(
    cls: Any, write: Callable[[Any], Any], documented: Callable[[Any], Any]
) -> None:
    hook: Any = partial(_schema, write, documented)
    cls.__get_pydantic_core_schema__ = classmethod(hook)
    # pydantic writes an instance with this where the annotation is Any.
    cls.__pydantic_serializer__ = SchemaSerializer(
        core_schema.any_schema(serialization=_serialization(write))
    )
    ENCODERS_BY_TYPE[cls] = write


_make_returnable(Outcome, outcome_body, _outcome_type)
for _class in (Outcomes, Failures):
    _make_returnable(_class, _outcome_bodies, _outcomes_type)
_make_returnable(Summary, attrs.asdict, lambda _: SummaryBody)
_make_returnable(Plan, attrs.asdict, lambda _: PlanBody)
_make_returnable(Limits, attrs.asdict, lambda _: LimitsBody)


# ---- without one: FastAPI looks in its table

for _of_hubspot in (*registered(), CombinedResponse):
    ENCODERS_BY_TYPE[_of_hubspot] = to_json


class _IsSlotted(type):
    def __instancecheck__(cls, value: object) -> bool:
        return attrs.has(type(value)) and not hasattr(value, "__dict__")


class _Slotted(metaclass=_IsSlotted):
    """Instances of attrs classes with slots, such as results of a class of the user.

    FastAPI looks for what it cannot convert in `__dict__`, which they lack.
    """


def _slotted_body(value: Any) -> Any:
    fields = attrs.fields(type(value))
    return jsonable_encoder(
        {field.name: getattr(value, field.name) for field in fields}
    )


encoders_by_class_tuples[_slotted_body] = (_Slotted,)
