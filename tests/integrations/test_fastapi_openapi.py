"""What a route may return, and that the OpenAPI document describes the real answers."""

from datetime import UTC, datetime
from typing import Annotated, Any

import pytest

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
    RecordInvalid,
    SimplePublicObject,
    SimplePublicUpsertObject,
    UpdateInput,
)
from hubbatch._outcomes.outcome import Summary
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
