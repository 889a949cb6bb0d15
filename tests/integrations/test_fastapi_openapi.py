"""What a route may return, and that the OpenAPI document describes the real answers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import attrs
import pytest

from attrs import evolve
from fastapi import APIRouter, Body, FastAPI
from jsonschema import Draft202012Validator

from hubbatch import (
    Account,
    BatchFailed,
    BatchResponse,
    CombinedResponse,
    DailyLimitReached,
    HubBatch,
    HubBatchError,
    HubSpotUnavailable,
    Limits,
    Outcome,
    Outcomes,
    OutcomeStatus,
    Plan,
    RecordInvalid,
    SimplePublicObject,
    SimplePublicUpsertObject,
    Summary,
    UpdateInput,
)
from hubbatch.integrations._fastapi.results import LimitsBody, PlanBody, SummaryBody
from hubbatch.integrations.fastapi import (
    ERROR_RESPONSES,
    Hub,
    add_exception_handlers,
    lifespan,
)
from hubbatch.simulator import Simulator
from tests.integrations.test_fastapi import STATUSES, TEXT, serving


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
RECORD = SimplePublicObject("7", {"subject": "Hello", "content": None}, NOON)
UPSERTED = SimplePublicUpsertObject("8", {"subject": "Hello"}, new=True)
RECORD_JSON: dict[str, Any] = {
    "id": "7",
    "properties": {"subject": "Hello", "content": None},
    "createdAt": "2026-11-30T12:00:00.000Z",
}
UPSERTED_JSON: dict[str, Any] = {
    "id": "8",
    "properties": {"subject": "Hello"},
    "new": True,
}

RETURNED: list[tuple[Any, Any, Any]] = [
    (SimplePublicObject, RECORD, RECORD_JSON),
    (SimplePublicObject | None, RECORD, RECORD_JSON),
    (SimplePublicUpsertObject, UPSERTED, UPSERTED_JSON),
    (list[SimplePublicObject], [RECORD, UPSERTED], [RECORD_JSON, UPSERTED_JSON]),
    (dict[str, SimplePublicObject], {"a": RECORD}, {"a": RECORD_JSON}),
    (dict[str, Any], {"a": RECORD}, {"a": RECORD_JSON}),
    (Any, [RECORD], [RECORD_JSON]),
    (
        BatchResponse[SimplePublicObject],
        BatchResponse(results=[RECORD]),
        {"status": "COMPLETE", "results": [RECORD_JSON]},
    ),
    (Account, Account(7), {"portalId": 7, "additionalCurrencies": []}),
]


async def served(annotation: Any, value: Any) -> tuple[Any, dict[str, Any]]:
    """Return the answer of a route that returns a value, and the OpenAPI document."""
    app = FastAPI()

    async def route() -> Any:
        return value

    if annotation is None:
        del route.__annotations__["return"]
    else:
        route.__annotations__["return"] = annotation
    app.get("/")(route)
    async with serving(app) as http:
        answer = await http.get("/")
        assert answer.status_code == 200, answer.text
        return answer.json(), (await http.get("/openapi.json")).json()


def documented(openapi: dict[str, Any], route: str, status: int) -> Any:
    """Return a validator of the body that a document gives for a status."""
    [operation] = openapi["paths"][route].values()
    content = operation["responses"][str(status)]["content"]["application/json"]
    schema = {**content["schema"], "components": openapi.get("components", {})}
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"), RETURNED, ids=map(str, range(len(RETURNED)))
)
async def test_a_route_returns_what_hubspot_returned(
    annotation: Any, value: Any, expected: Any
) -> None:
    body, openapi = await served(annotation, value)
    assert body == expected
    documented(openapi, "/", 200).validate(body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(value, expected) for _, value, expected in RETURNED],
    ids=map(str, range(len(RETURNED))),
)
async def test_an_annotation_is_not_needed(value: Any, expected: Any) -> None:
    body, _ = await served(None, value)
    assert body == expected


async def test_a_combined_response_is_hubspots_envelope(
    hubspot_simulator: Simulator,
) -> None:
    sim = hubspot_simulator
    app = FastAPI(lifespan=lifespan(lambda: HubBatch(sim.token, base_url=sim.url)))

    @app.post("/annotated")
    async def annotated(
        ids: list[str], hub: Hub
    ) -> CombinedResponse[SimplePublicObject]:
        return await hub.tickets.read(ids, properties=["subject"])

    @app.post("/plain")
    async def plain(ids: list[str], hub: Hub):  # type: ignore[no-untyped-def] # noqa: ANN202 -- the point
        return await hub.tickets.read(ids, properties=["subject"])

    ids = [sim.store.create("tickets", {"subject": "Hello"}).id for _ in range(3)]
    async with serving(app) as http:
        openapi = (await http.get("/openapi.json")).json()
        for path in ("/annotated", "/plain"):
            body = (await http.post(path, json=[*ids, "404"])).json()
            assert [record["id"] for record in body["results"]] == ids
            assert body["errors"][0]["category"] == "OBJECT_NOT_FOUND"
            documented(openapi, "/annotated", 200).validate(body)


async def test_inputs_are_request_bodies() -> None:
    app = FastAPI()

    @app.post("/")
    async def route(
        updates: Annotated[list[UpdateInput], Body(max_length=100)],
    ) -> list[str]:
        assert all(type(update) is UpdateInput for update in updates)
        return [str(update.id) for update in updates]

    async with serving(app) as http:
        fine = {"id": "7", "properties": {"subject": "Hello"}}
        assert (await http.post("/", json=[fine, fine])).json() == ["7", "7"]
        answer = await http.post("/", json=[fine, {"id": "7"}])
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", 1, "properties"]


async def test_a_route_may_exclude_a_part_of_a_record() -> None:
    """Else a value that the route hides would be in its response."""
    app = FastAPI()
    hidden: Any = {"properties": {"content"}, "created_at": True}

    @app.get("/", response_model_exclude=hidden)
    async def route() -> SimplePublicObject:
        return RECORD

    async with serving(app) as http:
        body = (await http.get("/")).json()
    assert body == {"id": "7", "properties": {"subject": "Hello"}}


async def test_an_input_with_an_unknown_member_is_refused() -> None:
    app = FastAPI()

    @app.post("/")
    async def route(updates: list[UpdateInput]) -> int:
        return len(updates)

    wrong = {"id": "7", "id_property": "ref", "properties": {}}
    async with serving(app) as http:
        answer = await http.post("/", json=[wrong])
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", 0, "id_property"]


# ---- results of the user's own classes


@attrs.define
class Slotted:
    subject: str
    day: date | None = None


@attrs.define(slots=False)
class Unslotted:
    subject: str
    day: date | None = None


@dataclass(slots=True)
class Data:
    subject: str
    day: date | None = None


@pytest.mark.parametrize("cls", [Slotted, Unslotted, Data])
async def test_results_of_a_users_class(
    cls: type[Any], hubspot_simulator: Simulator
) -> None:
    """As a whole response they are records; alone they are what FastAPI makes of it."""
    sim = hubspot_simulator
    app = FastAPI(lifespan=lifespan(lambda: HubBatch(sim.token, base_url=sim.url)))

    @app.post("/response")
    async def response(ids: list[str], hub: Hub):  # type: ignore[no-untyped-def] # noqa: ANN202 -- the point
        return await hub.tickets.read(ids, into=cls)

    @app.post("/results")
    async def results(ids: list[str], hub: Hub):  # type: ignore[no-untyped-def] # noqa: ANN202 -- the point
        return (await hub.tickets.read(ids, into=cls)).results

    ticket = sim.store.create("tickets", {"subject": "Hello"})
    async with serving(app) as http:
        whole = (await http.post("/response", json=[ticket.id])).json()
        alone = (await http.post("/results", json=[ticket.id])).json()
    assert [*whole["results"][0]] == ["id", "properties"]
    assert whole["results"][0]["id"] == ticket.id
    assert whole["results"][0]["properties"]["subject"] == "Hello"
    assert alone == [{"subject": "Hello", "day": None}]


# ---- hubbatch's own results

FAILED: Outcome[Any] = Outcome(
    index=1,
    input={"id": "8", "properties": {"subject": TEXT}},
    status=OutcomeStatus.FAILED,
    id="8",
    result=None,
    error=RecordInvalid(TEXT, category="VALIDATION_ERROR", property_name="subject"),
    attempts=1,
    safe_to_resend=True,
)
FAILED_JSON = {
    "index": 1,
    "status": "failed",
    "id": "8",
    "error": {
        "error": "RecordInvalid",
        "category": "VALIDATION_ERROR",
        "property": "subject",
    },
}
DONE = evolve(FAILED, status=OutcomeStatus.SUCCEEDED, result=RECORD, id="7", error=None)
DONE_JSON = {"index": 1, "status": "succeeded", "id": "7", "result": RECORD_JSON}
NO_ID = evolve(DONE, result=Slotted("Hello"), id=None)
NO_ID_JSON = {
    "index": 1,
    "status": "succeeded",
    "result": {"properties": {"subject": "Hello"}},
}
LIMITS = Limits(190, 10.0, 3, 0.0, 9, families={"search": Limits(5, 1.0, 0, 0.0, None)})
OWN: list[tuple[Any, Any, Any]] = [
    (Outcome[SimplePublicObject], FAILED, FAILED_JSON),
    (Outcome[SimplePublicObject], DONE, DONE_JSON),
    (Outcome, NO_ID, NO_ID_JSON),
    (list[Outcome[SimplePublicObject]], [DONE, FAILED], [DONE_JSON, FAILED_JSON]),
    (dict[str, Any], {"outcome": DONE}, {"outcome": DONE_JSON}),
    (Summary, Summary(9, 8, not_sent=1), attrs.asdict(Summary(9, 8, not_sent=1))),
    (Plan, Plan(7, 3.5, None), {"calls": 7, "seconds": 3.5, "share_of_day": None}),
    (Limits, LIMITS, attrs.asdict(LIMITS)),
]


@pytest.mark.parametrize(
    ("annotation", "value", "expected"), OWN, ids=map(str, range(len(OWN)))
)
async def test_a_route_returns_outcomes_counts_and_limits(
    annotation: Any, value: Any, expected: Any
) -> None:
    body, openapi = await served(annotation, value)
    assert body == expected
    documented(strict_all(openapi), "/", 200).validate(body)
    body, _ = await served(None, value)
    assert body == expected
    assert TEXT not in str(body)


def strict_all(openapi: dict[str, Any]) -> dict[str, Any]:
    """Refuse members that the document does not have."""
    for schema in openapi.get("components", {}).get("schemas", {}).values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return openapi


async def test_a_route_returns_what_failed(hubspot_simulator: Simulator) -> None:
    sim = hubspot_simulator
    app = FastAPI(lifespan=lifespan(lambda: HubBatch(sim.token, base_url=sim.url)))

    @app.post("/failures")
    async def failures(ids: list[str], hub: Hub):  # type: ignore[no-untyped-def] # noqa: ANN202 -- the point
        return (await hub.tickets.read(ids)).failures

    @app.post("/outcomes", response_model_exclude={"__all__": {"result"}})
    async def outcomes(ids: list[str], hub: Hub) -> Outcomes[SimplePublicObject]:
        return (await hub.tickets.read(ids)).outcomes

    @app.get("/limits")
    async def limits(hub: Hub) -> Limits:
        return hub.limits

    @app.get("/plan")
    async def plan(hub: Hub) -> Plan:
        return await hub.plan("tickets.update", 5_000)

    ticket = sim.store.create("tickets", {"subject": "Hello"})
    async with serving(app) as http:
        failed = (await http.post("/failures", json=[ticket.id, "404"])).json()
        every = (await http.post("/outcomes", json=[ticket.id, "404"])).json()
        openapi = (await http.get("/openapi.json")).json()
        documented(openapi, "/outcomes", 200).validate(every)
        assert (await http.get("/limits")).json()["used"] >= 1
        assert (await http.get("/plan")).json()["calls"] == 50
    assert [(one["index"], one["id"]) for one in failed] == [(1, "404")]
    assert failed[0]["error"]["error"] == "RecordNotFound"
    assert every[0] == {"index": 0, "status": "succeeded", "id": ticket.id}
    assert every[1]["error"]["error"] == "RecordNotFound"


@pytest.mark.parametrize(
    ("cls", "body"), [(Summary, SummaryBody), (Plan, PlanBody), (Limits, LimitsBody)]
)
def test_every_field_is_documented(cls: Any, body: Any) -> None:
    assert [field.name for field in attrs.fields(cls)] == [*body.__annotations__]


# ---- errors

ENDED = HubSpotUnavailable(TEXT, status=503, category="X", correlation_id="c")
ENDED.summary = Summary(inputs=9, succeeded=4, not_sent=5, seconds=0.5)
DETAILED = RecordInvalid(
    TEXT, category="X", code="Y", property_name="subject", correlation_id="c"
)
ERRORS: list[HubBatchError] = [
    *(error for error, _, _ in STATUSES),
    *(ENDED, DETAILED, BatchFailed(TEXT, [DETAILED])),
]


def failing(**options: Any) -> FastAPI:
    """Return an application whose route raises the error with a number."""
    app = FastAPI(**options)
    add_exception_handlers(app)

    @app.get("/{number}")
    async def route(number: int) -> None:
        raise ERRORS[number]

    return app


def strict(openapi: dict[str, Any]) -> dict[str, Any]:
    """Refuse members of errors that the document does not have."""
    for name in ("ErrorBody", "ErrorDescription"):
        openapi["components"]["schemas"][name]["additionalProperties"] = False
    return openapi


async def test_openapi_has_the_body_of_every_error() -> None:
    async with serving(failing(responses=ERROR_RESPONSES)) as http:
        openapi = strict((await http.get("/openapi.json")).json())
        for number in range(len(ERRORS)):
            answer = await http.get(f"/{number}")
            documented(openapi, "/{number}", answer.status_code).validate(answer.json())
            responses = openapi["paths"]["/{number}"]["get"]["responses"]
            headers = responses[str(answer.status_code)].get("headers", {})
            if "Retry-After" in answer.headers:
                seconds = headers["Retry-After"]["schema"]
                sent = int(answer.headers["Retry-After"])
                Draft202012Validator(seconds).validate(sent)
    assert {*ERROR_RESPONSES} == {404, 409, 422, 429, 502, 503, 504}


async def test_openapi_keeps_the_422_of_fastapi() -> None:
    async with serving(failing(responses=ERROR_RESPONSES)) as http:
        openapi = strict((await http.get("/openapi.json")).json())
        invalid = await http.get("/not-a-number")
        assert invalid.status_code == 422
        documented(openapi, "/{number}", 422).validate(invalid.json())
        assert isinstance(invalid.json()["detail"], list)
        # Neither of the two alternatives allows anything.
        assert not documented(openapi, "/{number}", 422).is_valid({"detail": 1})
    plain = await openapi_of(failing())
    schemas = openapi["components"]["schemas"]
    for name in ("ValidationError", "HTTPValidationError"):
        theirs = plain["components"]["schemas"][name]["properties"]
        assert schemas[name]["properties"].keys() <= theirs.keys()


async def openapi_of(app: FastAPI) -> Any:
    async with serving(app) as http:
        return (await http.get("/openapi.json")).json()


async def test_a_router_may_document_the_errors_alone() -> None:
    """The rest of the application keeps FastAPI's own 422."""
    router = APIRouter(prefix="/hub", responses=ERROR_RESPONSES)

    @router.get("/{number}")
    async def inside(number: int) -> None: ...

    app = failing()
    app.include_router(router)
    openapi = await openapi_of(app)
    outside = openapi["paths"]["/{number}"]["get"]["responses"]
    assert {*outside} == {"200", "422"}
    assert documented(openapi, "/{number}", 422).is_valid({"detail": []})
    assert not documented(openapi, "/{number}", 422).is_valid({"detail": "a string"})
    assert documented(openapi, "/hub/{number}", 404).is_valid(
        {"detail": "There is none.", "error": "RecordNotFound"}
    )


def test_the_daily_limit_is_documented_with_its_wait() -> None:
    assert DailyLimitReached in {type(error) for error in ERRORS}
    assert {status for status, one in ERROR_RESPONSES.items() if "headers" in one} == {
        429,
        503,
    }
