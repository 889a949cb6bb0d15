"""HubSpot's error objects as the error of one record."""

import pytest

from hubbatch._outcomes.record_errors import (
    record_error_from_207,
    record_error_from_refusal,
)
from hubbatch.errors import (
    APIError,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
)
from hubbatch.models import ErrorDetail, StandardError


NOT_VALID = (
    'Property values were not valid: [{"isValid":false,"message":"Property \\"a\\" '
    'does not exist","error":"PROPERTY_DOESNT_EXIST","name":"a"},{"isValid":false,'
    '"message":"b was not a valid long.","error":"INVALID_LONG","name":"b"}, 5]'
)


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("VALIDATION_ERROR", RecordInvalid),
        ("OBJECT_NOT_FOUND", RecordNotFound),
        ("CONFLICT", RecordConflict),
        ("OBJECT_ALREADY_EXISTS", RecordConflict),
        ("INTERNAL_ERROR", RecordError),
        (None, RecordError),
    ],
)
def test_the_category_says_what_kind_it_is(
    category: str | None, kind: type[RecordError]
) -> None:
    error = record_error_from_207(
        StandardError(category=category, message="m", context={"ids": ["5"]})
    )

    assert type(error) is kind
    assert (error.category, error.message) == (category, "m")
    assert error.context == {"ids": ["5"]}
    assert error.origin == "hubspot"
    assert error.correlation_id is None


@pytest.mark.parametrize(
    ("status", "category", "kind"),
    [
        (400, None, RecordInvalid),
        (404, None, RecordNotFound),
        (409, None, RecordConflict),
        (None, None, RecordInvalid),
        (409, "VALIDATION_ERROR", RecordInvalid),
        (400, "CONFLICT", RecordConflict),
    ],
)
def test_without_a_category_the_status_does(
    status: int | None, category: str | None, kind: type[RecordError]
) -> None:
    refusal = APIError("m", status=status, category=category, correlation_id="c")
    error = record_error_from_refusal(refusal)

    assert type(error) is kind
    assert error.correlation_id == "c"


def test_the_message_of_a_property_error_is_unpacked() -> None:
    error = record_error_from_207(
        StandardError(category="VALIDATION_ERROR", message=NOT_VALID)
    )

    assert error.message == 'Property "a" does not exist; b was not a valid long.'
    assert (error.code, error.property_name) == ("PROPERTY_DOESNT_EXIST", "a")
    assert str(error).startswith("VALIDATION_ERROR: Property")


@pytest.mark.parametrize(
    "message",
    ["Property values were not valid: []", "Property values were not valid: [{]", "no"],
)
def test_a_message_that_cannot_be_unpacked_stays(message: str) -> None:
    error = record_error_from_207(StandardError(message=message))

    assert (error.message, error.code, error.property_name) == (message, None, None)


def test_the_first_cause_gives_code_and_property() -> None:
    details = [
        ErrorDetail("m", "INVALID_OPTION", context={"propertyName": ["c"]}),
        ErrorDetail("n", "OTHER"),
    ]
    error = record_error_from_refusal(APIError(NOT_VALID, status=400, errors=details))

    assert (error.code, error.property_name) == ("INVALID_OPTION", "c")


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ([ErrorDetail('Property "a" does not exist'), ErrorDetail("b is not long")],
         'Property "a" does not exist; b is not long'),
        ([ErrorDetail(None, "INVALID_LONG")], "Property values were not valid"),
        ([], "Property values were not valid"),
    ],
)  # fmt: skip
def test_a_message_without_its_list_takes_that_of_the_causes(
    details: list[ErrorDetail], told: str
) -> None:
    refusal = APIError("Property values were not valid", status=400, errors=details)

    assert record_error_from_refusal(refusal).message == told


@pytest.mark.parametrize("context", [None, "text", {}, {"propertyName": []}])
def test_a_cause_may_name_no_property(context: dict[str, list[str]] | str) -> None:
    detail = ErrorDetail("m", context=context)
    error = record_error_from_refusal(APIError("m", status=400, errors=[detail]))

    assert (error.code, error.property_name) == (None, None)


@pytest.mark.parametrize(
    ("message", "context", "existing"),
    [
        ("Contact already exists. Existing ID: 171", None, "171"),
        ("Contact already exists", None, None),
        ("Contact already exists. Existing ID: 171", {"existingId": ["9"]}, "9"),
        ("Cannot set PropertyValueCoordinates{} on 7. 5 already has that value.",
         None, "5"),
    ],
)  # fmt: skip
def test_a_conflict_names_who_has_the_value(
    message: str, context: dict[str, list[str]] | None, existing: str | None
) -> None:
    error = record_error_from_207(
        StandardError(category="CONFLICT", message=message, context=context)
    )

    assert isinstance(error, RecordConflict)
    assert error.existing_id == existing


def test_there_is_always_a_reason() -> None:
    assert record_error_from_207(StandardError()).message == "HubSpot gave no reason"
    assert record_error_from_207(StandardError(category="X")).message == "X"


def test_what_a_problem_says_is_text_whatever_it_is() -> None:
    message = 'Property values were not valid: [{"error": ["A"], "name": {"b": 1}}]'
    error = record_error_from_refusal(APIError(message, status=400))

    assert (error.code, error.property_name) == ("['A']", "{'b': 1}")


# ---- what only a context, or only the causes, say


@pytest.mark.parametrize(
    ("message", "context", "told", "property_name"),
    [
        (
            "Some required properties were not set.",
            {"properties": ["subject", "hs_pipeline"]},
            "Some required properties were not set. (properties: subject, hs_pipeline)",
            "subject",
        ),
        ("subject is required", {"properties": ["subject"]}, None, "subject"),
        ("wrong", {"propertyName": ["a"]}, "wrong (propertyName: a)", "a"),
        ("nothing to update", {"properties": ["{}"]}, None, None),
        (
            "Associations are not valid",
            {"INVALID_OBJECT_IDS": ["CONTACT=5 is not valid"]},
            "Associations are not valid (INVALID_OBJECT_IDS: CONTACT=5 is not valid)",
            None,
        ),
        (
            "no",
            {"CONTACT properties": ["[notes]"], "a": [str(n) for n in range(10, 20)]},
            "no (CONTACT properties: [notes]; a: 10, 11, 12, 13, 14)",
            None,
        ),
        ("no", {"ids": ["5"], "objectWriteTraceId": ["0"], "id": ["7"]}, None, None),
        ("no", {"empty": []}, None, None),
        ("no", "a text", None, None),
    ],
)
def test_what_only_the_context_says_is_in_the_message(
    message: str,
    context: dict[str, list[str]] | str,
    told: str | None,
    property_name: str | None,
) -> None:
    standard = StandardError(
        category="VALIDATION_ERROR", message=message, context=context
    )
    refusal = APIError(message, status=400, context=context)
    for error in (record_error_from_207(standard), record_error_from_refusal(refusal)):
        assert error.message == (told or message)
        assert error.property_name == property_name
        assert error.context == context


@pytest.mark.parametrize(
    "code", ["MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY"]
)
@pytest.mark.parametrize("message", [None, "The property values provided are invalid"])
def test_missing_property_is_named(code: str, message: str | None) -> None:
    cause = ErrorDetail("name is required", code, context={"propertyName": ["name"]})
    error = record_error_from_207(
        StandardError(category="VALIDATION_ERROR", message=message, errors=[cause])
    )

    assert type(error) is RecordInvalid
    assert (error.code, error.property_name) == (code, "name")
    assert error.message == "name is required"


def test_value_that_no_record_has_is_not_found() -> None:
    context = {"missingObjectPropertyValueCoordinates": ["ref:r1"]}
    error = record_error_from_refusal(APIError("no", status=400, context=context))

    assert type(error) is RecordNotFound
    assert "ref:r1" in error.message
