"""Calls that are not about records get an answer, whatever their body."""

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .behaviours import behaviour
from .conftest import MakeWorld


FILTER = ("propertyName", "operator", "value", "highValue", "values")
STAGE = ("label", "displayOrder", "metadata", "stageId", "archived")
EVENT = ("eventName", "properties", "email", "occurredAt", "objectId")
INNER = (
    *(*FILTER, *STAGE, *EVENT, "filters", "direction", "probability", "ticketState"),
    *("filterBranchType", "operationType"),
)
VALUES = (
    *("EQ", "IN", "BETWEEN", "HAS_PROPERTY", "CONTAINS_TOKEN", "GT", "ASCENDING"),
    *("email", "createdate", "hs_object_id", "associations.tickets", "1", "*", "a*b"),
    *("0-1", "MANUAL", "DYNAMIC", "pe62515_x", "CLOSED", "-email"),
)
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(VALUES),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(INNER), inner, max_size=5)
    ),
    max_leaves=12,
)
SEARCH = ("filterGroups", "filters", "sorts", "query", "limit", "after", "properties")
LIST = ("name", "objectTypeId", "processingType", "filterBranch")
PIPELINE = ("label", "displayOrder", "stages", "pipelineId", "archived")
SCHEMA = (
    *("name", "labels", "properties", "requiredProperties", "associatedObjects"),
    *("searchableProperties", "primaryDisplayProperty", "description"),
)
CALLS = (
    ("POST", "/crm/v3/objects/contacts/search", SEARCH),
    ("POST", "/crm/v3/lists", LIST),
    (
        *("POST", "/crm/v3/lists/search"),
        ("query", "count", "offset", "processingTypes", "listIds", "objectTypeId"),
    ),
    ("PUT", "/crm/v3/lists/1/update-list-filters", ("filterBranch",)),
    ("PUT", "/crm/v3/lists/1/memberships/add", ("recordIdsToAdd",)),
    (
        *("PUT", "/crm/v3/lists/1/memberships/add-and-remove"),
        ("recordIdsToAdd", "recordIdsToRemove"),
    ),
    ("POST", "/crm/v3/pipelines/deals", PIPELINE),
    ("PUT", "/crm/v3/pipelines/deals/default", PIPELINE),
    ("PATCH", "/crm/v3/pipelines/deals/default", PIPELINE),
    ("POST", "/crm/v3/pipelines/tickets/0/stages", STAGE),
    ("PUT", "/crm/v3/pipelines/tickets/0/stages/1", STAGE),
    ("PATCH", "/crm/v3/pipelines/tickets/0/stages/1", STAGE),
    ("POST", "/events/v3/send", EVENT),
    ("POST", "/events/v3/send/batch", ("inputs",)),
    ("POST", "/crm/v3/schemas", SCHEMA),
    ("PATCH", "/crm/v3/schemas/boat", SCHEMA),
    (
        *("POST", "/crm/v3/schemas/boat/associations"),
        ("fromObjectTypeId", "toObjectTypeId", "name"),
    ),
    ("POST", "/oauth/v2/private-apps/get/access-token-info", ("tokenKey",)),
)


@pytest.mark.parametrize(("method", "path", "keys"), CALLS)
@behaviour("search-json", "lists-create-refused", "members-json", "pipelines-refused")
@behaviour("lists-search", "events-refused", "token-info-private", "schemas-refused")
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_body(
    make_world: MakeWorld,
    method: str,
    path: str,
    keys: tuple[str, ...],
    data: st.DataObject,
) -> None:
    """The answer has HubSpot's schema, and is no failure of the simulator."""
    world = make_world()
    world.contact(email="a@x.example")
    world.sim.store.lists.add("mine")
    world.sim.store.define("boat")
    body = data.draw(st.dictionaries(st.sampled_from(keys), ANY, max_size=6) | ANY)
    response = world.post(path, body, method=method)

    assert response.status in {200, 201, 204, 400, 404}
