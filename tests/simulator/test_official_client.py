"""HubSpot's own Python client works against the simulator."""

import logging

from collections.abc import Iterator
from typing import Any

import pytest


# HubSpot's client ships no types.
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm import contacts, objects, tickets  # type: ignore[import-untyped]
from hubspot.crm.associations import v4  # type: ignore[import-untyped]
from hubspot.crm.objects import communications  # type: ignore[import-untyped]

from hubbatch.simulator import Property, Simulator

from .behaviours import behaviour


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(seed=4) as simulator:
        yield simulator


@pytest.fixture
def hubspot(sim: Simulator) -> HubSpot:
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    client = HubSpot(access_token=sim.token)
    client.config["host"] = sim.url
    return client


@behaviour("official-client")
def test_create(sim: Simulator, hubspot: HubSpot) -> None:
    inputs = [
        tickets.SimplePublicObjectBatchInputForCreate(
            associations=[], properties={"subject": f"s{n}", "hs_pipeline_stage": "1"}
        )
        for n in range(3)
    ]
    batch = tickets.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)
    answer = hubspot.crm.tickets.batch_api.create(batch)

    assert type(answer) is tickets.BatchResponseSimplePublicObject
    assert answer.status == "COMPLETE"
    assert {item.properties["subject"] for item in answer.results} == {"s0", "s1", "s2"}
    assert sim.store.count("tickets") == 3
    for result in answer.results:
        record = sim.store.get("tickets", result.id)
        assert record is not None
        assert record.created_at == result.created_at


@behaviour("official-client")
def test_create_207(sim: Simulator, hubspot: HubSpot) -> None:
    inputs = [
        tickets.SimplePublicObjectBatchInputForCreate(
            associations=[], properties=properties, object_write_trace_id=str(n)
        )
        for n, properties in enumerate([{"subject": "good"}, {"missing": "1"}])
    ]
    batch = tickets.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)
    answer, status, _ = hubspot.crm.tickets.batch_api.create_with_http_info(batch)

    assert status == 207
    assert type(answer) is tickets.BatchResponseSimplePublicObjectWithErrors
    assert answer.num_errors == 1
    assert answer.errors[0].category == "VALIDATION_ERROR"
    assert answer.errors[0].context == {"objectWriteTraceId": ["1"]}
    assert [item.properties["subject"] for item in answer.results] == ["good"]
    assert sim.store.count("tickets") == 1


@behaviour("official-client")
def test_update_and_its_207(sim: Simulator, hubspot: HubSpot) -> None:
    record = sim.store.create("communications", {"hs_communication_body": "old"})

    def update(*ids: str) -> Any:
        inputs = [
            communications.SimplePublicObjectBatchInput(
                id=item, properties={"hs_communication_body": "new"}
            )
            for item in ids
        ]
        batch = communications.BatchInputSimplePublicObjectBatchInput(inputs=inputs)
        return hubspot.crm.objects.communications.batch_api.update(batch)

    whole, partial = update(record.id), update(record.id, "1", "2")

    assert [item.id for item in whole.results] == [record.id]
    assert record.properties["hs_communication_body"] == "new"
    assert type(partial) is communications.BatchResponseSimplePublicObjectWithErrors
    assert [item.id for item in partial.results] == [record.id]
    assert partial.num_errors == 1
    assert partial.errors[0].category == "OBJECT_NOT_FOUND"
    assert partial.errors[0].context == {"ids": ["1", "2"]}


@behaviour("official-client")
def test_read_and_its_207(sim: Simulator, hubspot: HubSpot) -> None:
    record = sim.store.create("contacts", {"email": "a@x.org"})
    batch = contacts.BatchReadInputSimplePublicObjectId(
        inputs=[{"id": "a@x.org"}, {"id": "b@x.org"}],
        id_property="email",
        properties=["email", "firstname"],
        properties_with_history=[],
    )
    answer = hubspot.crm.contacts.batch_api.read(batch, archived=False)

    assert [item.id for item in answer.results] == [record.id]
    assert answer.results[0].properties["firstname"] is None
    assert answer.errors[0].context == {"ids": ["b@x.org"]}


@behaviour("official-client")
def test_upsert(sim: Simulator, hubspot: HubSpot) -> None:
    made = sim.store.define("pets", [Property("chip", unique=True), "name"])

    def upsert(name: str) -> tuple[str, bool]:
        inputs = [
            objects.SimplePublicObjectBatchInputUpsert(
                id="c-1", id_property="chip", properties={"name": name}
            )
        ]
        batch = objects.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
        answer = hubspot.crm.objects.batch_api.upsert(made.id, batch)
        (result,) = answer.results
        return result.id, result.new

    (first, created), (second, again) = upsert("Rex"), upsert("Max")

    assert (first, created, again) == (second, True, False)
    assert sim.store.all("pets")[0].properties["name"] == "Max"


@behaviour("official-client")
def test_archive(sim: Simulator, hubspot: HubSpot) -> None:
    record = sim.store.create("tickets", {"subject": "x"})
    batch = tickets.BatchInputSimplePublicObjectId(
        inputs=[{"id": record.id}, {"id": "1"}]
    )
    _, status, _ = hubspot.crm.tickets.batch_api.archive_with_http_info(batch)

    assert status == 204
    assert record.archived


@behaviour("official-client")
def test_refusals(sim: Simulator, hubspot: HubSpot) -> None:
    """The client's exceptions contain the simulator's answers."""
    inputs = [{"id": str(n), "properties": {"subject": "x"}} for n in range(101)]
    batch = tickets.BatchInputSimplePublicObjectBatchInput(inputs=inputs)
    with pytest.raises(tickets.ApiException) as refused:
        hubspot.crm.tickets.batch_api.update(batch)
    hubspot.config["access_token"] = "pat-na1-nobody"  # noqa: S105
    with pytest.raises(tickets.ApiException) as unknown:
        HubSpot(**hubspot.config).crm.tickets.batch_api.update(batch)

    assert refused.value.status == 400
    assert "inputs supported in a batch is 100" in refused.value.body
    assert refused.value.headers["X-HubSpot-RateLimit-Max"] == "190"
    assert unknown.value.status == 401
    assert sim.requests[0].status == 400


@behaviour("official-client")
def test_associations(sim: Simulator, hubspot: HubSpot) -> None:
    ticket = sim.store.create("tickets", {}).id
    contact = sim.store.create("contacts", {}).id
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}
    pair = {"_from": {"id": ticket}, "to": {"id": contact}, "types": [spec]}
    batch = v4.BatchInputPublicAssociationMultiPost(
        inputs=[v4.PublicAssociationMultiPost(**pair)]
    )
    api = hubspot.crm.associations.v4.batch_api
    made = api.create("tickets", "contacts", batch)
    wanted = v4.BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[{"id": ticket}, {"id": "1"}]
    )
    read = api.get_page("tickets", "contacts", wanted)

    assert made.status == "COMPLETE"
    assert [str(item.to_object_id) for item in read.results[0].to] == [contact]
    assert read.errors[0].context["fromObjectId"] == ["1"]


@behaviour("official-client", "search-answer")
def test_search(sim: Simulator, hubspot: HubSpot) -> None:
    """All pages of a filter, and what a refusal looks like to the client."""
    sim.account.searches.limit = 100
    for n in range(5):
        sim.store.create("contacts", {"email": f"{n}@x.org", "firstname": "Ada"})
    api = hubspot.crm.contacts.search_api
    asked = {"propertyName": "firstname", "operator": "EQ", "value": "ada"}
    found: list[str] = []
    after = None
    while True:
        request = contacts.PublicObjectSearchRequest(
            filter_groups=[{"filters": [asked]}],
            sorts=[{"propertyName": "email", "direction": "DESCENDING"}],
            properties=["email"],
            limit=2,
            after=after,
        )
        page = api.do_search(request)
        found += [item.properties["email"] for item in page.results]
        if page.paging is None:
            break
        after = page.paging.next.after
    unknown = {"propertyName": "no_such_name", "operator": "HAS_PROPERTY"}
    request = contacts.PublicObjectSearchRequest(filter_groups=[{"filters": [unknown]}])
    with pytest.raises(contacts.ApiException) as refused:
        api.do_search(request)

    assert page.total == 5
    assert found == [f"{n}@x.org" for n in (4, 3, 2, 1, 0)]
    assert refused.value.status == 400


@behaviour("official-client", "owners-pages")
def test_owners(sim: Simulator, hubspot: HubSpot) -> None:
    added = [sim.store.owners.add(f"{n}@x.org").id for n in range(3)]
    owners = hubspot.crm.owners.get_all()
    one = hubspot.crm.owners.owners_api.get_by_id(int(added[1]))

    assert [owner.id for owner in owners] == added
    assert one.email == "1@x.org"


@behaviour("official-client", "pipelines-write")
def test_pipelines(hubspot: HubSpot) -> None:
    api = hubspot.crm.pipelines.pipelines_api
    stage = {"label": "Open", "displayOrder": 0, "metadata": {"probability": "0.1"}}
    made = api.create("deals", {"label": "P", "displayOrder": 1, "stages": [stage]})
    api.update("deals", made.id, {"label": "Q"})

    assert [item.label for item in api.get_all("deals").results] == [
        "Sales Pipeline",
        "Q",
    ]
    api.archive("deals", made.id)
    assert len(api.get_all("deals").results) == 1


@behaviour("official-client", "lists-create", "members-change", "members-read")
def test_lists(sim: Simulator, hubspot: HubSpot) -> None:
    ids = [sim.store.create("contacts", {}).id for _ in range(3)]
    lists, members = hubspot.crm.lists.lists_api, hubspot.crm.lists.memberships_api
    body = {"name": "mine", "objectTypeId": "0-1", "processingType": "MANUAL"}
    made = lists.create(body).list
    changed = members.add(made.list_id, ids)
    page = members.get_page(made.list_id)
    lists.update_name(made.list_id, list_name="yours")
    found = lists.do_search({"query": "your", "offset": 0, "additionalProperties": []})

    assert sorted(changed.records_ids_added) == sorted(ids)
    assert [item.record_id for item in page.results] == sorted(ids, key=int)
    assert [item.name for item in found.lists] == ["yours"]
    lists.remove(made.list_id)
    assert lists.get_by_id(made.list_id).list.deleted_at is not None
    lists.restore(made.list_id)


@behaviour("official-client", "events-batch")
def test_events(sim: Simulator, hubspot: HubSpot) -> None:
    event = {"eventName": "pe62515_x", "properties": {}, "email": "a@x.org"}
    hubspot.events.send.basic_api.send(event)
    hubspot.events.send.batch_api.send({"inputs": [event]})

    assert sim.store.events == [event, event]


@behaviour("official-client", "token-info-oauth")
def test_token(sim: Simulator, hubspot: HubSpot) -> None:
    token = sim.issue_token(tier="oauth", scopes=["oauth"])

    assert hubspot.oauth.access_tokens_api.get(token).hub_id == 62515
