"""The pipelines of object types, and their stages."""

from typing import Any

import pytest

from .behaviours import behaviour
from .conftest import Response, World


DEALS = "/crm/v3/pipelines/deals"
TICKETS = "/crm/v3/pipelines/tickets"


def stage(label: str, order: int = 0, **metadata: object) -> dict[str, Any]:
    return {"label": label, "displayOrder": order, "metadata": metadata}


def pipeline(label: str, *stages: Any, **more: object) -> dict[str, Any]:
    return {"label": label, "displayOrder": 1, "stages": stages, **more}


def refused(response: Response) -> bool:
    category = response.body.get("category")
    return (response.status, category) == (400, "VALIDATION_ERROR")


@behaviour("pipelines-default")
def test_the_pipeline_of_deals_as_recorded(world: World) -> None:
    response = world.get(DEALS)
    (default,) = response.body["results"]
    stages = default.pop("stages")

    assert list(response.body) == ["results"]
    assert default == {
        "label": "Sales Pipeline",
        "displayOrder": 0,
        "id": "default",
        "createdAt": "1970-01-01T00:00:00Z",
        "updatedAt": "1970-01-01T00:00:00Z",
        "archived": False,
    }
    assert len(stages) == 7
    assert stages[5] == {
        "label": "Closed Won",
        "displayOrder": 5,
        "metadata": {"isClosed": "true", "probability": "1.0"},
        "id": "closedwon",
        "createdAt": "1970-01-01T00:00:00Z",
        "updatedAt": "1970-01-01T00:00:00Z",
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "archived": False,
    }


@behaviour("pipelines-default")
def test_pipelines_of_other_types(world: World) -> None:
    (tickets,) = world.get(TICKETS).body["results"]

    assert [each["id"] for each in tickets["stages"]] == ["1", "2", "3", "4"]
    assert tickets["stages"][3]["metadata"] == {
        "ticketState": "CLOSED",
        "isClosed": "true",
    }
    assert world.get("/crm/v3/pipelines/notes").body == {"results": []}
    assert world.get("/crm/v3/pipelines/butterflies").status == 400


@behaviour("pipelines-write")
def test_a_pipeline_from_beginning_to_end(world: World) -> None:
    """Records may be in its stages as soon as it exists."""
    body = pipeline("Renewals", stage("Open", probability=0.3))
    made = world.post(DEALS, body)
    path = f"{DEALS}/{made.body['id']}"
    first = made.body["stages"][0]
    added = world.post(f"{path}/stages", stage("Done", 1, probability="1.0"))
    deal = {"dealname": "x", "pipeline": made.body["id"], "dealstage": first["id"]}
    created = world.batch("create", [{"properties": deal}], type="deals")
    renamed = world.post(path, {"label": "Renewed"}, method="PATCH")
    deleted = world.post(path, method="DELETE")

    assert (made.status, added.status, created.status) == (201, 201, 201)
    assert first["metadata"] == {"isClosed": "false", "probability": "0.3"}
    assert added.body["metadata"] == {"isClosed": "true", "probability": "1.0"}
    assert renamed.status == 200
    assert renamed.body["label"] == "Renewed"
    assert [each["label"] for each in renamed.body["stages"]] == ["Open", "Done"]
    assert (deleted.status, deleted.body) == (204, b"")
    assert world.get(path).status == 404
    assert len(world.get(DEALS).body["results"]) == 1


@behaviour("pipelines-write")
def test_replacing_a_pipeline(world: World) -> None:
    """A PUT replaces the stages too; ids that it names are kept."""
    first = stage("A", probability=0.1)
    made = world.post(DEALS, pipeline("P", first, pipelineId="mine")).body
    kept = {**stage("A2", 1, probability=0.2), "stageId": made["stages"][0]["id"]}
    body = pipeline("Q", kept, stage("B", probability=0.5))
    replaced = world.post(f"{DEALS}/mine", body, method="PUT")

    assert made["id"] == "mine"
    assert (replaced.status, replaced.body["label"]) == (200, "Q")
    assert [each["label"] for each in replaced.body["stages"]] == ["B", "A2"]
    assert replaced.body["stages"][1]["id"] == made["stages"][0]["id"]
    assert replaced.body["createdAt"] == made["createdAt"]


@behaviour("pipelines-write")
def test_archiving_a_pipeline_by_a_patch(world: World) -> None:
    path = f"{TICKETS}/0"
    archived = world.post(path, {"archived": True}, method="PATCH")
    gone = world.get(path)
    added = world.post(f"{path}/stages", stage("x"))
    restored = world.post(path, {"archived": False}, method="PATCH")

    assert archived.body["archived"] is True
    assert archived.body["archivedAt"] == "2026-09-14T12:00:00Z"
    assert (gone.status, added.status) == (404, 404)
    assert restored.body == world.get(path).body
    assert "archivedAt" not in restored.body


@behaviour("pipelines-default")
def test_one_pipeline(world: World) -> None:
    (default,) = world.get(DEALS).body["results"]

    assert world.get(f"{DEALS}/default").body == default


@behaviour("stages-write")
def test_a_stage_from_beginning_to_end(world: World) -> None:
    stages = f"{TICKETS}/0/stages"
    made = world.post(stages, stage("Escalated", 4))
    path = f"{stages}/{made.body['id']}"
    change = {"metadata": {"ticketState": "CLOSED"}, "displayOrder": 9}
    changed = world.post(path, change, method="PATCH")
    replaced = world.post(path, stage("Gone", 5), method="PUT")
    deleted = world.post(path, method="DELETE")
    restored = world.post(path, {"metadata": {}, "archived": False}, method="PATCH")

    assert made.body["metadata"] == {"ticketState": "OPEN", "isClosed": "false"}
    assert changed.body["metadata"] == {"ticketState": "CLOSED", "isClosed": "true"}
    assert (changed.body["displayOrder"], changed.body["label"]) == (9, "Escalated")
    assert (replaced.status, replaced.body["label"]) == (200, "Gone")
    assert replaced.body["id"] == made.body["id"]
    assert (deleted.status, restored.status) == (204, 200)
    assert world.get(path).body == restored.body
    assert len(world.get(stages).body["results"]) == 5


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"label": "P", "displayOrder": 1},
        pipeline("P", "x"),
        {**pipeline("P"), "stages": {}},
        {**pipeline("P"), "displayOrder": "1"},
        pipeline("P", {"label": "A", "displayOrder": 1}),
        pipeline("P", {**stage("A"), "metadata": []}),
        pipeline("P", stage("A")),
        pipeline("P", stage("A", probability=2)),
        pipeline("P", stage("A", probability="often")),
        pipeline("P", *[stage("A", probability=0.5)] * 2),
        pipeline("Sales Pipeline"),
        pipeline("P", pipelineId="default"),
    ],
)
@behaviour("pipelines-refused")
def test_refused_pipelines(world: World, body: object) -> None:
    assert refused(world.post(DEALS, body))
    assert len(world.get(DEALS).body["results"]) == 1


@behaviour("pipelines-refused")
def test_refused_changes_change_nothing(world: World) -> None:
    path = f"{TICKETS}/0/stages/1"
    before = world.get(path).body
    bodies = (
        {"label": "Closed", "metadata": {}},
        {"label": "x"},
        {"label": "x", "displayOrder": "1", "metadata": {}},
        {"metadata": {"ticketState": "LOST"}},
    )

    for body in bodies:
        assert refused(world.post(path, body, method="PATCH"))
    assert world.get(path).body == before


@pytest.mark.parametrize("path", ["nope", "nope/stages", "0/stages/nope"])
@behaviour("pipelines-unknown")
def test_unknown_pipelines_and_stages(world: World, path: str) -> None:
    response = world.get(f"{TICKETS}/{path}")

    assert response.status == 404
    assert response.headers["X-HubSpot-NotFound"] == "true"


@pytest.mark.parametrize(
    ("version", "query", "status"),
    [
        ("v3/pipelines", {}, 204),
        ("v3/pipelines", {"validateReferencesBeforeDelete": "true"}, 400),
        ("pipelines/2026-03", {}, 204),
        ("pipelines/2026-09", {}, 400),
        ("pipelines/2026-09", {"validateReferencesBeforeDelete": "false"}, 204),
    ],
)
@behaviour("pipelines-in-use")
def test_a_stage_in_use(
    world: World, version: str, query: dict[str, str], status: int
) -> None:
    """Documented for 2026-09: it is checked by default whether records are in it."""
    world.ticket(hs_pipeline="0", hs_pipeline_stage="2")
    path = f"/crm/{version}/tickets/0"
    unused = world.post(f"{path}/stages/3", method="DELETE", query=query)
    used = world.post(f"{path}/stages/2", method="DELETE", query=query)
    whole = world.post(path, method="DELETE", query=query)

    assert (unused.status, used.status, whole.status) == (204, status, status)


@behaviour("pipelines-in-use")
def test_a_pipeline_of_deals_in_use(world: World) -> None:
    world.sim.store.create("deals", {"pipeline": "default", "dealstage": "closedwon"})
    checked = {"validateDealStageUsagesBeforeDelete": "true"}
    path = "/crm/pipelines/2026-03/deals/default"

    assert refused(world.post(path, method="DELETE", query=checked))


@behaviour("pipelines-scopes")
def test_scopes_of_pipelines(world: World) -> None:
    reader = world.sim.issue_token(scopes=["crm.objects.deals.read"])

    assert world.get(DEALS, token=reader).status == 200
    assert world.post(DEALS, pipeline("P"), token=reader).status == 403
