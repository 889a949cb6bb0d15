"""Shorthands for searches."""

from typing import Any

from .conftest import Response, World


def search(world: World, kind: str = "contacts", **body: object) -> Response:
    """Search after the window of the last search has moved on."""
    world.clock.at += 0.25
    return world.post(f"/crm/v3/objects/{kind}/search", body)


def contacts(world: World, *properties: dict[str, str]) -> list[str]:
    """Create contacts at one instant and return their ids in the order of a search."""
    return sorted((world.contact(**each) for each in properties), key=int)


def where(name: str, operator: str, value: object = None, **more: object) -> Any:
    operand = {} if value is None else {"value": value}
    return {"propertyName": name, "operator": operator, **operand, **more}


def found(world: World, *filters: Any, kind: str = "contacts", **body: Any) -> set[str]:
    response = search(world, kind, filterGroups=[{"filters": filters}], **body)

    assert response.status == 200, response.body
    assert response.body["total"] == len(response.by_id)
    return {*response.by_id}


def refusal(response: Response) -> tuple[int, str, str | None]:
    assert set(response.body) - {"category"} == {"status", "message", "correlationId"}
    return response.status, response.message, response.body.get("category")


def invalid(column: int, reason: str) -> tuple[int, str, None]:
    return 400, f"Invalid input JSON on line 1, column {column}: {reason}", None
