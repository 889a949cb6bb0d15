"""Our classes in pydantic, and so in routes of FastAPI: they are HubSpot's JSON."""

import json
import subprocess
import sys

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from hubbatch import (
    Account,
    AssociationSpec,
    AssociationTo,
    BatchResponse,
    CombinedResponse,
    CreateInput,
    ErrorDetail,
    LegacyObject,
    LegacyProperty,
    PublicDefaultAssociation,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
    UpdateInput,
    account_models,
    models,
)
from hubbatch._wire.pydantic_schemas import to_json
from hubbatch._wire.records import camel_case, registered
from tests.net.crm import updates
from tests.net.test_events import UPDATE, filled, listened


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
RECORD = SimplePublicObject("7", {"subject": "Hello", "content": None}, created_at=NOON)
JSON = {
    "id": "7",
    "properties": {"subject": "Hello", "content": None},
    "createdAt": "2026-11-30T12:00:00.000Z",
}


@attrs.define
class Ticket:
    id: str
    subject: str


# ---- any instance of any class

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
TIMES = st.datetimes(timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
EXACT: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=5),
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: TIMES,
    NoneType: st.none(),
    Any: SCALARS,
    object: SCALARS,
}


def values(annotation: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a field."""
    if annotation in EXACT:
        return EXACT[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return st.one_of([values(item, depth) for item in arguments])
    if origin in (dict, Mapping):
        inner = [values(item, depth) for item in arguments]
        return st.dictionaries(*inner, max_size=2)
    if origin in (list, Sequence) and depth == 2:  # a class may contain itself
        return st.just([])
    if origin in (list, Sequence):
        return st.lists(values(arguments[0], depth + 1), max_size=2)
    return instances(annotation, depth)


def instances(cls: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for instances of one of our classes."""
    hints = get_type_hints(cls)
    if cls is BatchResponse:
        hints["results"] = list[SimplePublicObject]
    fields = {name: values(hint, depth) for name, hint in hints.items()}
    return st.builds(cls, **fields)


def described(cls: Any) -> Draft202012Validator:
    """Return a validator of the JSON that OpenAPI documents, and of nothing else."""
    schema = TypeAdapter(cls).json_schema(mode="serialization")
    for definition in (schema, *schema.get("$defs", {}).values()):
        if "properties" in definition:
            definition.setdefault("additionalProperties", False)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


CLASSES = [*registered()]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_openapi_describes_the_json_and_it_can_be_read_back(
    cls: Any, data: st.DataObject
) -> None:
    instance = data.draw(instances(cls))
    adapter = TypeAdapter(cls)
    written = adapter.dump_python(instance, mode="json", warnings="error")
    described(cls).validate(written)
    again = adapter.validate_python(written)
    assert type(again) is cls
    assert to_json(again) == written


def test_pydantic_knows_every_class_of_hubspot() -> None:
    ours = {
        value
        for name, value in (vars(models) | vars(account_models)).items()
        if isinstance(value, type) and value.__module__ == "hubbatch" and name[0] != "_"
    }
    assert ours == {*CLASSES}


# ---- examples


def test_a_record_is_written_as_hubspot_writes_it() -> None:
    assert TypeAdapter(SimplePublicObject).dump_python(RECORD) == JSON
    assert RECORD.to_dict() == JSON
    upserted = SimplePublicUpsertObject("7", {}, new=True)
    assert TypeAdapter(SimplePublicObject).dump_python(upserted) == {
        "id": "7",
        "properties": {},
        "new": True,
    }


@pytest.mark.parametrize(
    "annotation",
    [Any, dict[str, Any], dict[str, SimplePublicObject | None], dict[str, object]],
    ids=str,
)
def test_a_record_may_be_part_of_something_else(annotation: Any) -> None:
    written = TypeAdapter(annotation).dump_python({"ticket": RECORD}, mode="json")
    assert written == {"ticket": JSON}


def test_a_record_may_be_a_field_of_a_model() -> None:
    class Answer(BaseModel):
        ticket: SimplePublicObject
        others: list[SimplePublicObject] = []

    answer = Answer(ticket=RECORD, others=[RECORD])
    assert answer.ticket is RECORD
    assert answer.model_dump() == {"ticket": JSON, "others": [JSON]}
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


def test_a_union_picks_the_class_of_the_value() -> None:
    either: Any = Account | SimplePublicObject | dict[str, str]
    dump = TypeAdapter(either).dump_python
    assert dump(RECORD, warnings="error") == JSON
    assert dump(Account(7), warnings="error") == {
        "portalId": 7,
        "additionalCurrencies": [],
    }
    assert dump({"a": "b"}, warnings="error") == {"a": "b"}


def test_another_value_in_place_of_a_record_is_a_warning() -> None:
    with pytest.warns(UserWarning, match="expected SimplePublicObject"):
        TypeAdapter[Any](list[SimplePublicObject]).dump_python([{"id": "7"}])


async def test_a_response_is_written_without_its_outcomes() -> None:
    response = await listened(filled(), UPDATE, updates(3))
    adapter = TypeAdapter(CombinedResponse[SimplePublicObject])
    written = adapter.dump_python(response)
    assert written == response.to_dict()
    described(CombinedResponse[SimplePublicObject]).validate(written)
    assert adapter.validate_python(response) is response


def test_results_of_a_users_class_are_records() -> None:
    schema = TypeAdapter(CombinedResponse[Ticket]).json_schema(mode="serialization")
    assert "SimplePublicObject" in schema["$defs"]
    assert "Ticket" not in str(schema)


def test_names_in_openapi() -> None:
    both: Any = CombinedResponse[SimplePublicObject] | BatchResponse[None] | Account
    schema = TypeAdapter(both).json_schema(mode="serialization")
    assert {*schema["$defs"]} == {
        "Account",
        "BatchResponse_NoneType_",
        "CombinedResponse_SimplePublicObject_",
        "ErrorDetail",
        "SimplePublicObject",
        "StandardError",
        "ValueWithTimestamp",
    }
    description = schema["$defs"]["SimplePublicObject"]["description"]
    assert description == "A record as HubSpot returns it."


def test_errors_ends_and_old_timestamps() -> None:
    """Fields whose JSON has another shape than the attribute."""
    error = StandardError(context={"ids": ["1"]}, errors=[ErrorDetail(in_="id")])
    assert TypeAdapter(StandardError).dump_python(error) == {
        "context": {"ids": ["1"]},
        "errors": [{"in": "id"}],
    }
    ends = PublicDefaultAssociation("1", "2", AssociationSpec("HUBSPOT_DEFINED", 16))
    assert TypeAdapter(PublicDefaultAssociation).dump_python(ends) == {
        "from": {"id": "1"},
        "to": {"id": "2"},
        "associationSpec": {
            "associationCategory": "HUBSPOT_DEFINED",
            "associationTypeId": 16,
        },
    }
    value = LegacyProperty("a", NOON, versions=[LegacyProperty("b")])
    record = LegacyObject("TICKET", 62515, 7, {"subject": value})
    adapter = TypeAdapter(LegacyObject)
    written = adapter.dump_python(record)
    assert written["properties"]["subject"]["timestamp"] == 1796040000000
    assert adapter.validate_python(written) == record


def test_inputs_are_read_from_requests() -> None:
    update = {"id": "7", "properties": {"subject": "x"}, "idProperty": "ref"}
    assert TypeAdapter(UpdateInput).validate_python(update) == UpdateInput(
        "7", {"subject": "x"}, id_property="ref"
    )
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}]
    create = {"properties": {}, "associations": [{"to": {"id": "5"}, "types": types}]}
    assert TypeAdapter(CreateInput).validate_python(create) == CreateInput(
        {}, [AssociationTo("5", [AssociationSpec("HUBSPOT_DEFINED", 16)])]
    )


def test_a_wrong_input_is_an_error_at_its_member() -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(list[UpdateInput]).validate_python([{"id": []}])
    assert {error["loc"][:2] for error in raised.value.errors()} == {
        (0, "id"),
        (0, "properties"),
    }


INPUTS = [cls for cls in CLASSES if cls.__name__.endswith(("Input", "Create"))]


@pytest.mark.parametrize("cls", INPUTS, ids=lambda cls: cls.__name__)
def test_an_input_with_another_member_is_refused(cls: type) -> None:
    """Ignoring an `id_property` would write the record whose id is the value."""
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(cls).validate_python({"id_property": "ref"})
    assert {"type": "extra_forbidden", "loc": ("id_property",)}.items() <= (
        raised.value.errors()[-1].items()
    )
    assert TypeAdapter(cls).json_schema()["additionalProperties"] is False


def test_a_result_may_have_another_member() -> None:
    """HubSpot adds some from time to time."""
    found = TypeAdapter(SimplePublicObject).validate_python({**JSON, "more": 1})
    assert found == RECORD


TIMES_OF: dict[type, list[str]] = {
    cls: [
        name for name, hint in get_type_hints(cls).items() if datetime in get_args(hint)
    ]
    for cls in CLASSES
    if cls is not LegacyProperty  # its times are numbers
}


@pytest.mark.parametrize(
    "cls", [cls for cls in CLASSES if TIMES_OF.get(cls)], ids=lambda cls: cls.__name__
)
@settings(max_examples=5)
@given(data=st.data())
def test_a_time_without_a_zone_is_utc(cls: Any, data: st.DataObject) -> None:
    """As where HubSpot's JSON is read."""
    written = to_json(data.draw(instances(cls)))
    for name in TIMES_OF[cls]:
        written[camel_case(name)] = "2026-11-30T12:00:00"
    again = TypeAdapter(cls).validate_python(written)
    assert {getattr(again, name) for name in TIMES_OF[cls]} == {NOON}
    assert {getattr(again, name).tzinfo for name in TIMES_OF[cls]} == {UTC}


# ---- what the caller leaves out

SECRET = SimplePublicObject("7", {"subject": "a", "secret": "b"}, created_at=NOON)
PUBLIC = {"id": "7", "properties": {"subject": "a"}}


@pytest.mark.parametrize(
    "chosen",
    [
        {"exclude": {"properties": {"secret"}, "created_at": True}},
        {"exclude": {"properties": {"secret": True}, "createdAt": ...}},
        {"include": {"id": True, "properties": {"subject"}}},
    ],
    ids=str,
)
def test_what_is_excluded_is_not_written(chosen: Any) -> None:
    class Answer(BaseModel):
        ticket: SimplePublicObject

    one, many = TypeAdapter(SimplePublicObject), TypeAdapter[Any](list[Any])
    assert one.dump_python(SECRET, **chosen) == PUBLIC
    assert one.dump_json(SECRET, **chosen) == to_bytes(PUBLIC)
    each: Any = {name: {"__all__": chosen[name]} for name in chosen}
    listed = TypeAdapter(list[SimplePublicObject])
    assert listed.dump_python([SECRET], **each) == [PUBLIC]
    assert many.dump_python([SECRET], **each) == [PUBLIC]
    within: Any = {name: {"ticket": chosen[name]} for name in chosen}
    answer = Answer(ticket=SECRET)
    assert answer.model_dump(**within) == {"ticket": PUBLIC}
    batch = BatchResponse(results=[SECRET])
    results: Any = {name: {"results": each[name], **also(name)} for name in each}
    written = TypeAdapter(BatchResponse[SimplePublicObject]).dump_python(
        batch, **results
    )
    assert written == {"results": [PUBLIC]}


def also(name: str) -> dict[str, bool]:
    return {"status": True} if name == "exclude" else {}


def to_bytes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def test_an_attrs_class_leaves_out_what_is_excluded() -> None:
    account = TypeAdapter(Account)
    exclude: Any = {"portal_id", "additionalCurrencies"}
    assert account.dump_python(Account(7, "STANDARD"), exclude=exclude) == {
        "accountType": "STANDARD"
    }
    ends = PublicDefaultAssociation("1", "2", AssociationSpec("HUBSPOT_DEFINED", 16))
    include: Any = {"from_": True, "association_spec": {"association_type_id"}}
    assert TypeAdapter(PublicDefaultAssociation).dump_python(ends, include=include) == {
        "from": {"id": "1"},
        "associationSpec": {"associationTypeId": 16},
    }


def test_pydantic_is_not_imported_with_hubbatch() -> None:
    program = "import hubbatch, sys; print([*filter(sys.modules.get, ['pydantic'])])"
    ran = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
