"""The associated records that reads of records show, and v3's calls on them."""

import pytest

from .behaviours import behaviour
from .conftest import Response, World
from .test_single import V3, assert_not_found, get


def link(world: World, source: tuple[str, str], target: tuple[str, str]) -> None:
    links = world.sim.store.links
    links.link(source, target, [links.default(source[0], target[0])])


@behaviour("shown-associations")
def test_associations_of_a_record(world: World) -> None:
    """Only types with hits; the key is missing on a record without any."""
    ticket, other = world.ticket(), world.ticket()
    contacts = sorted((world.contact() for _ in range(2)), key=int)
    for contact in contacts:
        link(world, ("0-5", ticket), ("0-1", contact))
    asked = "contact,0-1,deals"
    body = get(world, f"tickets/{ticket}", associations=asked).body

    assert body["associations"] == {
        "contacts": {
            "results": [{"id": each, "type": "ticket_to_contact"} for each in contacts]
        }
    }
    assert "associations" not in get(world, f"tickets/{ticket}").body
    assert "associations" not in get(world, f"tickets/{other}", associations=asked).body


@behaviour("shown-associations")
def test_names_of_associations(world: World) -> None:
    """One entry per type: the plain name is the primary company's."""
    store = world.sim.store
    contact, company = world.contact(), store.create("companies", {}).id
    deal, item = store.create("deals", {}).id, store.create("line_items", {}).id
    store.define("boat")
    boat = store.create("boat", {}).id
    label = store.define_label("contacts", "companies", "Board member")
    specs = [("HUBSPOT_DEFINED", 1), ("HUBSPOT_DEFINED", 279), ("USER_DEFINED", label)]
    store.links.link(("0-1", contact), ("0-2", company), specs)
    link(world, ("0-3", deal), ("0-8", item))
    boats = store.shelf("boat")
    assert boats is not None
    link(world, ("0-3", deal), (boats.type.id, boat))
    of_contact = get(world, f"contacts/{contact}", associations="companies").body
    of_deal = get(world, f"deals/{deal}", associations="line_items,boat").body

    assert of_contact["associations"]["companies"]["results"] == [
        {"id": company, "type": "contact_to_company"},
        {"id": company, "type": "board_member"},
        {"id": company, "type": "contact_to_company_unlabeled"},
    ]
    assert of_deal["associations"] == {
        "line items": {"results": [{"id": item, "type": "deal_to_line_item"}]},
        "p62515_boat": {"results": [{"id": boat, "type": "deal_to_boat"}]},
    }


@behaviour("shown-associations")
def test_pages_of_associations(world: World) -> None:
    """The link leads to a call of its own, which pages by itself."""
    world.sim.faults.set(associations_page=2)
    ticket = world.ticket()
    contacts = sorted((world.contact() for _ in range(5)), key=int)
    for contact in contacts:
        link(world, ("0-5", ticket), ("0-1", contact))
    body = get(world, f"tickets/{ticket}", associations="contacts").body
    page = body["associations"]["contacts"]
    found = [item["id"] for item in page["results"]]
    pages = 1
    while "paging" in page:
        after = page["paging"]["next"]["after"]
        link_ = page["paging"]["next"]["link"]
        path = f"{V3}/0-5/{ticket}/associations/0-1"
        assert link_ == f"https://api.hubapi.com{path}?portalId=62515&after={after}"
        assert after.endswith("%3D") or "%" not in after
        page = world.post(path, method="GET", query={"after": after}).body
        found += [item["id"] for item in page["results"]]
        pages += 1

    assert pages == 3
    assert found == contacts


@behaviour("shown-associations")
def test_pages_with_a_limit(world: World) -> None:
    """The link repeats the limit."""
    ticket = world.ticket()
    contacts = sorted((world.contact() for _ in range(3)), key=int)
    for contact in contacts:
        link(world, ("0-5", ticket), ("0-1", contact))
    path = f"tickets/{ticket}/associations/0-1"
    first = get(world, path, limit="2").body
    following = first["paging"]["next"]
    last = get(world, path, limit="2", after=following["after"]).body
    whole = get(world, path, limit="500").body

    assert [each["id"] for each in first["results"]] == contacts[:2]
    assert following["link"].endswith(f"&limit=2&after={following['after']}")
    assert [each["id"] for each in last["results"]] == contacts[2:]
    assert len(whole["results"]) == 3
    assert "paging" not in last
    assert "paging" not in whole


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", ""])
@behaviour("shown-associations")
def test_limits_that_are_refused(world: World, limit: str) -> None:
    path = f"tickets/{world.ticket()}/associations/0-1"

    assert get(world, path, limit=limit).status == 400


@behaviour("shown-associations")
def test_associations_that_are_refused(world: World) -> None:
    ticket = world.ticket()
    path = f"tickets/{ticket}"

    assert get(world, path, associations="butterflies").status == 400
    assert get(world, f"{path}/associations/0-1", after="x").status == 400
    assert get(world, f"{path}/associations/0-1", after="eHg=").status == 400
    assert_not_found(get(world, "tickets/1/associations/0-1"))


def put(world: World, path: str, method: str = "PUT") -> Response:
    return world.post(f"{V3}/{path}", method=method, content=b"")


@behaviour("single-associations")
def test_one_association(world: World) -> None:
    """The recorded shape: the record with its dates and id, and the associations."""
    meeting = world.sim.store.create("meetings", {"hs_meeting_title": "x"}).id
    contact = world.contact()
    path = f"meetings/{meeting}/associations/Contact/{contact}"
    made = put(world, f"{path}/meeting_event_to_contact")

    assert made.status == 200
    assert [*made.body["properties"]] == [
        *("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
    ]
    assert made.body["associations"] == {
        "contacts": {"results": [{"id": contact, "type": "meeting_event_to_contact"}]}
    }
    for _ in range(2):
        gone = put(world, f"{path}/meeting_event_to_contact", "DELETE")
        assert (gone.status, gone.body) == (204, b"")
    assert get(world, f"meetings/{meeting}/associations/0-1").body == {"results": []}


@behaviour("single-associations")
def test_one_association_by_the_number_of_its_type(world: World) -> None:
    contact = world.contact()
    company = world.sim.store.create("companies", {}).id
    made = put(world, f"contacts/{contact}/associations/companies/{company}/1")
    (shown,) = made.body["associations"]["companies"]["results"]

    assert shown == {"id": company, "type": "contact_to_company"}


@pytest.mark.parametrize(
    ("source", "target", "kind", "status"),
    [
        ("1", None, "ticket_to_contact", 404),
        (None, "1", "ticket_to_contact", 404),
        (None, None, "contact_to_ticket", 400),
        (None, None, "99", 400),
    ],
)
@behaviour("single-associations")
def test_an_association_that_is_refused(
    world: World, source: str | None, target: str | None, kind: str, status: int
) -> None:
    ticket, contact = world.ticket(), world.contact()
    path = f"tickets/{source or ticket}/associations/contacts/{target or contact}"

    assert put(world, f"{path}/{kind}").status == status
    assert get(world, f"tickets/{ticket}/associations/0-1").body == {"results": []}


@behaviour("associations-of-archived")
def test_archived_records_are_not_associated(world: World) -> None:
    ticket, contact = world.ticket(), world.contact()
    link(world, ("0-5", ticket), ("0-1", contact))
    world.sim.store.archive("contacts", contact)

    assert (
        "associations"
        not in get(world, f"tickets/{ticket}", associations="contacts").body
    )
