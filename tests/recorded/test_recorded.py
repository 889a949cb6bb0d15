"""What becomes of each input, for every recorded answer to a batch call."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from attrs import evolve

from hubbatch import (
    AuthenticationError,
    DailyLimitReached,
    InvalidRequestError,
    PermissionDeniedError,
    RecordConflict,
    RecordInvalid,
    RecordNotFound,
)
from hubbatch._wire.endpoints import Operation, Verb, operation_for

from .tape import (
    HERE,
    Case,
    Expected,
    Recording,
    done,
    failed,
    not_sent,
    play,
    settled,
    unknown,
)


def objects(verb: Verb, object_type: str, version: str = "v3") -> Operation:
    return operation_for("objects", verb, object_type, api_version=version)


def read(object_type: str, **options: Any) -> Operation:
    return operation_for(
        "objects", "read", object_type, **{"api_version": "v3", **options}
    )


def pairs(verb: Verb, source: str, target: str) -> Operation:
    return operation_for("associations", verb, source, target, api_version="v3")


def pair(source: str, target: str) -> dict[str, Any]:
    """Associate two contacts."""
    usual = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}
    return {"from": {"id": source}, "to": {"id": target}, "types": [usual]}


def changed(count: int = 2) -> Sequence[dict[str, Any]]:
    """Make updates of as many records."""
    return [
        {"id": str(number), "properties": {"firstname": f"Ada {number}"}}
        for number in range(1, count + 1)
    ]


CREATED: Sequence[dict[str, Any]] = [{"properties": {"firstname": "Ada"}}]
PROPERTY_CREATES: Sequence[dict[str, Any]] = [
    {
        "name": name,
        "label": label,
        "groupName": "integrationcreatedproperties",
        "type": kind,
        "fieldType": shown_as,
    }
    for name, label, kind, shown_as in (
        ("interests__c", "Interests", "enumeration", "select"),
        ("age__c", "Age", "number", "number"),
    )
]
NO_SUCH_PROPERTY = failed(
    RecordInvalid,
    category="VALIDATION_ERROR",
    code="PROPERTY_DOESNT_EXIST",
    property_name="first000name",
    message='Property "first000name" does not exist; '
    'Property "last000name" does not exist',
)
INVALID_START = failed(
    RecordInvalid,
    category="VALIDATION_ERROR",
    code="INVALID_LONG",
    property_name="hs_meeting_start_time",
    message="invalid was not a valid long. Portal <PORTAL_ID>, object type 0-47",
)
ITSELF: Mapping[str, Any] = {
    "status": "error",
    "category": "VALIDATION_ERROR",
    "message": "Object 211762804612 cannot be associated to itself (211762804612)",
}


def missing(record_id: str | None = None) -> Expected:
    """Expect that there is no such record."""
    return failed(
        RecordNotFound,
        record_id,
        category="OBJECT_NOT_FOUND",
        origin="hubspot",
        message="they may be deleted or not exist",
    )


def both(one: Expected) -> Sequence[Expected]:
    """Expect the same of the two inputs that `changed` makes."""
    return [evolve(one, id="1"), evolve(one, id="2")]


# ---- answers that have results

SUCCESSES: Mapping[str, Case] = {
    "200-batch-create-companies-2026": Case(
        objects("create", "companies"), [done("421355332816")]
    ),
    "200-batch-read-contacts-2026": Case(
        read("contacts", api_version="2026-03"),
        [done("110338039632"), done("110323586992")],
    ),
    "200-batch-update-companies-2026": Case(
        objects("update", "companies"), [done("407218578642")]
    ),
    "200-batch-update-companies-results-reversed": Case(
        objects("update", "COMPANY"), [done("7945143592"), done("7945057905")]
    ),
    "200-batch-update-contacts-2": Case(
        objects("update", "CONTACT"), [done("290201"), done("290251")]
    ),
    "200-batch-update-contacts-2025": Case(
        objects("update", "contacts"), [done("171591000198"), done("171591000199")]
    ),
    "200-batch-update-contacts-results-reversed-2024": Case(
        objects("update", "contacts"), [done("12877907024"), done("12877907025")]
    ),
    "200-batch-update-custom-object": Case(
        objects("update", "2-3604285"), [done("860247707")]
    ),
    # Two were sent, and the page that printed the answer cut the second result off.
    "200-legacy-tickets-batch-update": Case(
        operation_for("legacy", "update", "tickets"),
        [done("176602", is_deleted=False), done("178218")],
        times=1,
        sent=[2, 1],
    ),
    "201-batch-create-companies-results-reversed": Case(
        objects("create", "COMPANY"), [done("7945038518"), done("7945038519")]
    ),
    "201-batch-create-contacts-10-2022": Case(
        objects("create", "CONTACT"),
        [
            *(done("290402"), done("290701"), done("290501"), done("290751")),
            *(done("290601"), done("290451"), done("290801"), done("290551")),
            *(done("290651"), done("290401")),
        ],
    ),
    "201-batch-create-contacts-10-shuffled-2024": Case(
        objects("create", "contacts"),
        [
            *(done("73183578361"), done("73183578360"), done("73183578359")),
            *(done("73183578358"), done("73183578356"), done("73183579325")),
            *(done("73183579324"), done("73183579323"), done("73183579322")),
            done("73183578357"),
        ],
    ),
    "201-batch-create-contacts-2022": Case(
        objects("create", "CONTACT"), [done("290201")]
    ),
    "201-batch-create-contacts-2025": Case(
        objects("create", "contacts"), [done("171596044869"), done("171596044870")]
    ),
    "201-batch-create-custom-object": Case(
        objects("create", "2-3604285"), [done("860247707")]
    ),
    "201-properties-batch-create-2026": Case(
        operation_for("properties", "create", "contacts", api_version="v3"),
        [done(name="interests__c"), done(name="age__c")],
        inputs=PROPERTY_CREATES,
    ),
    # One association, and a result for each direction of it.
    "200-assoc-default-both-directions-2024": Case(
        pairs("create_default", "tickets", "contacts"),
        [done(from_="2644992430", to="9532426638")],
    ),
    # The same answer to two inputs is about the first of them only, in both directions.
    # The second is sent once more alone, and still nothing is said of it.
    "200-assoc-default-both-directions-2024 of two": Case(
        pairs("create_default", "tickets", "contacts"),
        [done(from_="2644992430", to="9532426638"), unknown()],
        inputs=[
            {"from": {"id": "2644992430"}, "to": {"id": "9532426638"}},
            {"from": {"id": "2644992430"}, "to": {"id": "9532426639"}},
        ],
        sent=[2, 1],
        then=[{"status": "COMPLETE", "results": []}],
    ),
    "200-assoc-v3-batch-read-paging-2022": Case(
        operation_for("v3_associations", "read", "company", "contact"),
        [done("6465999056", from_="6465999056")],
    ),
    "201-assoc-v4-batch-create-2026": Case(
        pairs("create", "contacts", "companies"),
        [
            done(from_object_id="211762804612", to_object_id="29013756946"),
            done(from_object_id="211762804612", to_object_id="18417469260"),
        ],
    ),
    "201-assoc-v4-batch-create-ok-2022": Case(
        pairs("create", "Deal", "Contact"),
        [
            done(from_object_id="9755286928", to_object_id="21251", labels=[]),
            done(from_object_id="9755286928", to_object_id="21301", labels=[]),
        ],
    ),
    "201-assoc-v4-batch-create-one-2022": Case(
        pairs("create", "Company", "Contact"),
        [
            done(
                from_object_id="9337743886",
                to_object_id="21201",
                labels=["Primary Company"],
            )
        ],
    ),
}

# ---- answers without results: what they do not name was done

SILENT: Mapping[str, Case] = {
    "204-batch-archive-companies": Case(
        objects("archive", "COMPANY"), [settled("7945028643"), settled("7945028644")]
    ),
    "204-batch-archive-contacts-numeric-ids": Case(
        objects("archive", "contacts"),
        [
            *(settled(str(number)) for number in range(73183578361, 73183578357, -1)),
            settled("73183578356"),
            *(settled(str(number)) for number in range(73183579325, 73183579321, -1)),
            settled("73183578357"),
        ],
    ),
    "204-batch-archive-custom-object": Case(
        objects("archive", "2-3604285"), [settled("859979604")]
    ),
    "204-assoc-v4-batch-archive-2022": Case(
        pairs("archive", "Deal", "Company"), [settled()]
    ),
    "204-assoc-v4-batch-archive-with-invalid-id": Case(
        pairs("archive", "Deal", "Company"), [settled()]
    ),
}

# ---- 207: each input is settled by itself

MULTI_STATUS: Mapping[str, Case] = {
    "207-batch-create-tickets-multi-status": Case(
        objects("create", "tickets"),
        [
            done("1145814089"),
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                code="PROPERTY_DOESNT_EXIST",
                property_name="missing",
                message='Property "missing" does not exist',
            ),
        ],
    ),
    "207-batch-read-archived-companies": Case(
        read("companies"),
        [
            missing("8380080352"),
            missing("8144745976"),
            missing("7440157923"),
        ],
    ),
    "207-batch-read-none-found": Case(
        read("contacts", id_property="email"), [missing()]
    ),
    # One error for two inputs, by their e-mail addresses.
    "207-batch-read-not-found-by-email": Case(
        read("contacts", id_property="email"),
        [
            *(done("151"), done("101"), done("201")),
            missing(),
            missing(),
        ],
    ),
    "207-batch-update-contacts-not-found": Case(
        objects("update", "contacts"),
        [
            # Ids of records are digits; what is not is compared in lower case.
            missing("unknownidentifier888"),
            done("171591000199"),
        ],
    ),
    "207-properties-batch-create-already-exist": Case(
        operation_for("properties", "create", "contacts", api_version="v3"),
        [
            done(name="hobby__c"),
            failed(
                RecordConflict,
                category="OBJECT_ALREADY_EXISTS",
                message="'age__c' already exists",
            ),
            failed(
                RecordConflict,
                category="OBJECT_ALREADY_EXISTS",
                message="'interests__c' already exists",
            ),
            done(name="isready__c"),
        ],
    ),
    # The second error is about a record that both pairs have, and names no pair.
    "207-assoc-v4-batch-create-invalid-2026": Case(
        pairs("create", "contacts", "contacts"),
        [
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                message="unknown_id_123456798 is not a valid ID",
            ),
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                message="Object 211762804612 cannot be associated to itself",
            ),
        ],
        inputs=[
            pair("211762804612", "unknown_id_123456798"),
            pair("211762804612", "211762804612"),
        ],
        sent=[2, 1],
        then=[{"results": [], "errors": [ITSELF], "numErrors": 1}],
    ),
    "207-assoc-v4-batch-create-invalid-from-2022": Case(
        pairs("create", "Company", "Contact"),
        [
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                message="COMPANY=1 is not valid",
            )
        ],
    ),
    # That a record has no associations is an answer, not an error.
    "207-assoc-v4-batch-read-all-none-2026": Case(
        pairs("read", "deals", "companies"), [done("515690208449", to=[])]
    ),
    "207-assoc-v4-batch-read-none-found": Case(
        pairs("read", "contacts", "companies"),
        [done("501"), done("103107104018", to=[])],
    ),
}

# ---- refusals of a request, in which the bad record is looked for

INVALID: Mapping[str, Case] = {
    "400-atlas-invalid-email-batch": Case(
        objects("create", "contacts"),
        [
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                code="INVALID_EMAIL",
                property_name="email",
                message="Email address name@domain.<INVALID TLD> is invalid",
            ),
            done("90001"),
        ],
        inputs=[
            {"properties": {"email": "name@domain.<INVALID TLD>"}},
            {"properties": {"email": "ada@example.com"}},
        ],
        about="INVALID TLD",
        sent=[2, 1, 1],
    ),
    "400-batch-create-contacts-many-invalid-properties": Case(
        objects("create", "contacts"),
        [NO_SUCH_PROPERTY, NO_SUCH_PROPERTY],
        sent=[2, 1, 1],
    ),
    "400-batch-update-contacts-many-invalid-properties": Case(
        objects("update", "contacts"),
        [
            evolve(NO_SUCH_PROPERTY, id="171591000198"),
            evolve(NO_SUCH_PROPERTY, id="171591000199"),
        ],
        sent=[2, 1, 1],
    ),
    "400-generic-error-structure": Case(
        objects("update", "deals"),
        both(
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                code="INVALID_INTEGER",
                property_name="discount",
                message="This will be a human readable message",
            )
        ),
        inputs=changed(),
        sent=[2, 1, 1],
    ),
    # It has no message but that of its only detail.
    "400-missing-conditional-required-2026-09": Case(
        objects("update", "contacts"),
        both(
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                code="MISSING_CONDITIONAL_REQUIRED_PROPERTY",
                property_name="my_property",
                message="my_property is required because of a conditional property "
                "rule based on [country]",
            )
        ),
        sent=[2, 1, 1],
    ),
    "400-missing-required-property-2026-09": Case(
        objects("create", "contacts", "2026-09"),
        [
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                code="MISSING_REQUIRED_PROPERTY",
                property_name="firstname",
                message="firstname",
            )
        ],
        inputs=[{"properties": {"email": "redacted@example.com"}}],
    ),
    "400-property-doesnt-exist": Case(
        objects("create", "companies", "2026-09"),
        [
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                code="PROPERTY_DOESNT_EXIST",
                property_name="testproperty",
                message="does not exist",
            )
        ],
        inputs=[{"properties": {"testproperty": "x"}}],
    ),
    "400-read-only-value": Case(
        objects("create", "0-162"),
        [
            failed(
                RecordInvalid,
                category="VALIDATION_ERROR",
                code="READ_ONLY_VALUE",
                property_name="hs_unique_creation_key",
                message="is a read only property; its value cannot be set.",
            )
        ],
        inputs=CREATED,
    ),
    "400-no-properties-to-update": Case(
        objects("update", "contacts"),
        [
            failed(
                RecordInvalid,
                "1",
                category="VALIDATION_ERROR",
                message="No properties found to update",
            )
        ],
        inputs=changed(1),
    ),
    "400-create-meeting-invalid-datetime-2022": Case(
        objects("create", "meetings"), [INVALID_START], inputs=CREATED
    ),
    "400-invalid-long-object-type-2022": Case(
        objects("create", "meetings"), [INVALID_START], inputs=CREATED
    ),
    # Its details stand in `validationResults`, in words of their own.
    "400-contacts-v1-invalid-long": Case(
        operation_for("legacy", "update", "tickets"),
        [
            failed(
                RecordInvalid,
                "1",
                category="VALIDATION_ERROR",
                code="INVALID_LONG",
                property_name="closedate",
                message="asd000 was not a valid long.",
            )
        ],
        inputs=[{"objectId": 1, "properties": [{"name": "closedate", "value": "x"}]}],
    ),
    "409-batch-create-contact-existing-id": Case(
        objects("create", "contacts"),
        # The person who published it has masked the id.
        [failed(RecordConflict, category="CONFLICT", existing_id=None)],
    ),
    "409-batch-create-contacts-whole-batch": Case(
        objects("create", "contacts"),
        [
            failed(
                RecordConflict,
                category="CONFLICT",
                existing_id=None,
                message="Contact already exists",
            ),
            done("90001"),
        ],
        about="Markus",
        sent=[2, 1, 1],
    ),
    "409-create-contact-existing-id": Case(
        objects("create", "contacts"),
        [failed(RecordConflict, category="CONFLICT", existing_id="37765128953")],
        inputs=CREATED,
    ),
    "409-contacts-v1-create-exists": Case(
        objects("create", "contacts"),
        [
            failed(
                RecordConflict,
                category="OBJECT_ALREADY_EXISTS",
                message="Contact already exists",
            )
        ],
        inputs=CREATED,
    ),
    # It has left a record without the property, so a create may have made one.
    "400-unique-value-conflict-create": Case(
        objects("create", "contacts"),
        [unknown(category="OUTCOME_UNKNOWN", message="already has that value")],
        inputs=CREATED,
    ),
    "400-unique-value-conflict-error-tokens": Case(
        objects("update", "0-54"),
        [failed(RecordConflict, "1", existing_id="194235510142")],
        inputs=changed(1),
    ),
    "404-contacts-v1-json": Case(
        objects("update", "contacts"),
        [
            failed(
                RecordNotFound,
                "1",
                category="OBJECT_NOT_FOUND",
                message="contact does not exist",
            )
        ],
        inputs=changed(1),
    ),
}
# ---- a refusal that may be about one value, or about the call

INVALID_JSON: Mapping[str, Case] = {
    "400-membership-add-objects-2026": Case(
        objects("update", "contacts"),
        [
            failed(RecordInvalid, "1", message="Invalid input JSON on line 1"),
            done("2"),
        ],
        inputs=changed(),
        about='"Ada 1"',
        sent=[2, 1, 1],
    ),
    "400-membership-add-objects-2026 whatever is sent": Case(
        objects("update", "contacts"),
        [not_sent("1"), not_sent("2")],
        inputs=changed(),
        sent=[2, 1, 1],
        ends=InvalidRequestError,
        attributes={"message": "Invalid input JSON on line 1"},
    ),
}

# ---- refusals that are about no record: the request is cut in another way

CUT_ANEW: Mapping[str, Case] = {
    "400-batch-read-more-than-100-inputs": Case(
        evolve(read("contacts", properties=("firstname",)), max_inputs=107),
        [done(str(number)) for number in range(1, 108)],
        inputs=[{"id": str(number)} for number in range(1, 108)],
        times=1,
        sent=[107, 53, 54],
    ),
    "400-batch-read-history-more-than-50-inputs": Case(
        evolve(
            read("contacts", properties_with_history=("lifecyclestage",)),
            max_inputs=51,
        ),
        [done(str(number)) for number in range(1, 52)],
        inputs=[{"id": str(number)} for number in range(1, 52)],
        times=1,
        sent=[51, 25, 26],
    ),
    # One of the ids was merged into the other, which only HubSpot knows.
    "400-batch-update-contacts-duplicate-ids": Case(
        objects("update", "contacts"),
        [done("12877907025"), done("1")],
        inputs=[{**changed(1)[0], "id": "12877907025"}, *changed(1)],
        times=1,
        sent=[2, 1, 1],
    ),
    "400-batch-update-contacts-duplicate-ids-2025": Case(
        objects("update", "contacts"),
        [done("123456"), done("1")],
        inputs=[{**changed(1)[0], "id": "123456"}, *changed(1)],
        times=1,
        sent=[2, 1, 1],
    ),
}

# ---- answers that end the batch: they would be the same for any record

ENDINGS: Mapping[str, Case] = {
    "400-batch-update-non-unique-id-property": Case(
        objects("update", "company"),
        [not_sent()],
        inputs=[{**changed(1)[0], "idProperty": "hs_object_id"}],
        ends=InvalidRequestError,
        attributes={
            "status": 400,
            "category": "VALIDATION_ERROR",
            "message": "by non-unique 0-2 property hs_object_id",
        },
    ),
    "400-unable-to-infer-object-type": Case(
        objects("create", "butterflies"),
        [not_sent()],
        inputs=CREATED,
        ends=InvalidRequestError,
        attributes={"message": "Unable to infer object type from: butterflies"},
    ),
    "400-edit-associations-permission-2026-09": Case(
        pairs("create_default", "contacts", "companies"),
        [not_sent(), not_sent()],
        ends=(InvalidRequestError, PermissionDeniedError),
        attributes={
            "status": 400,
            "category": "VALIDATION_ERROR",
            "message": "Missing 'Edit Associations' permission.",
        },
    ),
    "401-authentication-credentials-not-found": Case(
        objects("update", "contacts"),
        [not_sent("1"), not_sent("2")],
        inputs=changed(),
        ends=AuthenticationError,
        attributes={
            "status": 401,
            "category": "INVALID_AUTHENTICATION",
            "correlation_id": "501651f6-bb90-40f1-b0db-349f62916993",
        },
    ),
    # Of this one only the headers are known.
    "401-header-auth-failure": Case(
        objects("update", "contacts"),
        [not_sent("1"), not_sent("2")],
        inputs=changed(),
        ends=AuthenticationError,
        attributes={
            "status": 401,
            "correlation_id": "6519ebb7-9fa1-41ad-a12a-228f806539cb",
        },
    ),
    **{
        name: Case(
            objects("update", object_type),
            [not_sent("1"), not_sent("2")],
            inputs=changed(),
            ends=PermissionDeniedError,
            attributes={"status": 403, **attributes},
        )
        for name, object_type, attributes in (
            (
                "403-missing-scopes-objects",
                "contacts",
                {
                    "category": "MISSING_SCOPES",
                    "advice": "crm.objects.contacts.write",
                },
            ),
            (
                "403-company-no-scope",
                "companies",
                {
                    "category": "MISSING_SCOPES",
                    "advice": "crm.objects.companies.write",
                },
            ),
            (
                "403-missing-scopes-docs",
                "deals",
                {
                    "category": "MISSING_SCOPES",
                    "scopes": [
                        "crm.schemas.deals.read",
                        "crm.objects.deals.sensitive.read.v2",
                        "crm.objects.deals.read",
                        "crm.objects.deals.highly_sensitive.read.v2",
                    ],
                },
            ),
            (
                "403-missing-scopes-context-variant",
                "2-3604285",
                {"category": "MISSING_SCOPES", "scopes": ["custom-object-read"]},
            ),
            (
                "403-schemas-scope-2026",
                "2-3604285",
                {"category": "MISSING_SCOPES", "scopes": ["custom-object-read"]},
            ),
            (
                "403-properties-no-scope",
                "companies",
                {"scopes": [], "message": "You do not have permissions to view"},
            ),
        )
    },
    # Where no chunk has been answered, the page says that there is no such call.
    "404-html-get-object": Case(
        objects("update", "contacts"),
        [not_sent("1"), not_sent("2")],
        inputs=changed(),
        ends=InvalidRequestError,
        attributes={
            "status": 404,
            "correlation_id": "1fd3297e-4799-47f1-a24b-d0605832ba6f",
        },
    ),
    "429-daily": Case(
        objects("create", "contacts"),
        [not_sent()],
        inputs=CREATED,
        ends=DailyLimitReached,
        attributes={"message": "You have reached your daily limit."},
    ),
}

# ---- throttling: the same request leaves once more, creates as well

THROTTLED: Mapping[str, Case] = {
    "429-ten-secondly-rolling": Case(
        objects("update", "contacts"),
        [done("1"), done("2")],
        inputs=changed(),
        times=1,
        sent=[2, 2],
        waits=10.0,
    ),
    **{
        name: Case(
            objects("create", "contacts"),
            [done("90001")],
            inputs=CREATED,
            times=1,
            sent=[1, 1],
            waits=waits,
        )
        for name, waits in (
            ("429-ten-secondly-hapikey-group", 10.0),
            ("429-search-secondly-category-only", 1.0),
            ("429-secondly-2018", 1.0),
        )
    },
}
CASES: Mapping[str, Case] = {
    **SUCCESSES,
    **SILENT,
    **MULTI_STATUS,
    **INVALID,
    **INVALID_JSON,
    **CUT_ANEW,
    **ENDINGS,
    **THROTTLED,
}


@pytest.mark.parametrize("name", CASES)
async def test_what_becomes_of_each_input(name: str) -> None:
    await play(Recording(_file(name)), CASES[name])


@pytest.mark.parametrize("name", [*SUCCESSES, *MULTI_STATUS])
async def test_the_order_of_results_changes_nothing(name: str) -> None:
    await play(Recording(_file(name), backwards=True), CASES[name])


def test_every_recording_has_an_expectation() -> None:
    assert {path.stem for path in HERE.glob("*.json")} == {*map(_file, CASES)}


def _file(name: str) -> str:
    """Return the file of a case: the first word of its name."""
    return name.partition(" ")[0]
