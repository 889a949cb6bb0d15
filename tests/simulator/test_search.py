"""The search of records: its filters, its order and its pages."""

from collections.abc import Callable
from typing import Any

import pytest

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import World
from .search_calls import contacts, found, search, where


@behaviour("search-answer", "search-default-properties")
def test_the_answer_as_recorded(world: World) -> None:
    """A total, no `link`, and default properties of which unset ones are null."""
    ids = contacts(world, *({"email": f"test{n}@example.org"} for n in range(10)))
    filters = [where("email", "CONTAINS_TOKEN", "example.org")]
    first = search(world, filterGroups=[{"filters": filters}], limit=5)
    second = search(world, filterGroups=[{"filters": filters}], limit=5, after="5")

    assert first.body["total"] == 10
    assert first.body["paging"] == {"next": {"after": "5"}}
    assert "paging" not in second.body
    assert [*first.by_id, *second.by_id] == ids
    record = world.sim.store.get("contacts", ids[0])
    assert record is not None
    assert first.body["results"][0] == {
        "id": ids[0],
        "properties": {
            "createdate": "2026-09-14T12:00:00Z",
            "email": record.properties["email"],
            "firstname": None,
            "hs_object_id": ids[0],
            "lastmodifieddate": "2026-09-14T12:00:00Z",
            "lastname": None,
        },
        "createdAt": "2026-09-14T12:00:00Z",
        "updatedAt": "2026-09-14T12:00:00Z",
        "archived": False,
        "url": f"https://app.hubspot.com/contacts/62515/record/0-1/{ids[0]}",
    }


@behaviour("search-default-properties")
def test_default_properties_of_quotes(world: World) -> None:
    """They have more than a batch read shows."""
    world.sim.store.define("quotes", ["hs_title"])
    quote = world.sim.store.create("quotes", {"hs_title": "Q"})
    shown = search(world, "quotes").by_id[quote.id]["properties"]

    assert shown["hs_title"] == "Q"
    assert {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"} <= shown.keys()


@pytest.mark.parametrize(
    ("operator", "value", "hit"),
    [
        ("CONTAINS_TOKEN", "BILLING_ISSUE", True),
        ("CONTAINS_TOKEN", "BILLING", False),
        ("EQ", "BILLING_ISSUE", False),
        ("EQ", "PRODUCT_ISSUE;BILLING_ISSUE", True),
    ],
)
@behaviour("search-options")
def test_properties_with_several_options(
    world: World, operator: str, value: str, *, hit: bool
) -> None:
    ticket = world.ticket(hs_ticket_category="PRODUCT_ISSUE;BILLING_ISSUE")
    hits = found(world, where("hs_ticket_category", operator, value), kind="tickets")

    assert hits == ({ticket} if hit else set())


@behaviour("search-none")
def test_no_hit(world: World) -> None:
    response = search(world, filters=[where("email", "EQ", "a@b.example")])

    assert (response.status, response.body) == (200, {"total": 0, "results": []})


@behaviour("search-properties")
def test_requested_properties(world: World) -> None:
    """They replace the default ones; unknown names are dropped, unset ones null."""
    record_id = world.contact(email="a@b.example")
    response = search(world, properties=["phone", "no_such_name", "email"])

    assert response.by_id[record_id]["properties"] == {
        "createdate": "2026-09-14T12:00:00Z",
        "email": "a@b.example",
        "hs_object_id": record_id,
        "lastmodifieddate": "2026-09-14T12:00:00Z",
        "phone": None,
    }


@pytest.mark.parametrize("kind", ["contacts", "CONTACT", "contact", "0-1"])
@behaviour("search-types")
def test_names_of_the_type(world: World, kind: str) -> None:
    record_id = world.contact(firstname="Ada")

    assert found(world, where("firstname", "EQ", "ada"), kind=kind) == {record_id}


@behaviour("search-groups")
def test_groups_are_alternatives(world: World) -> None:
    """Hits come once, in the order of creation and not in that of the groups."""
    samba = world.sim.store.create("companies", {"domain": "samba.example"}).id
    bossa = world.sim.store.create("companies", {"domain": "bossa.example"}).id
    groups = [
        {"filters": [where("domain", "EQ", f"{name}.example")]}
        for name in ("bossa", "samba", "bossa")
    ]
    response = search(world, "companies", filterGroups=groups)
    both = search(
        world,
        "companies",
        filterGroups=groups[:1],
        filters=[where("domain", "EQ", "samba.example")],
    )

    assert [*response.by_id] == [samba, bossa] == [*both.by_id]
    assert response.body["total"] == 2


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("EQ", {"value": "10"}, {"b"}),
        ("EQ", {"value": 10.0}, {"b"}),
        ("NEQ", {"value": "10"}, {"a", "c"}),
        ("LT", {"value": "10"}, {"a"}),
        ("LTE", {"value": "10"}, {"a", "b"}),
        ("GT", {"value": "9"}, {"b", "c"}),
        ("GTE", {"value": "10"}, {"b", "c"}),
        ("BETWEEN", {"value": "9", "highValue": "10"}, {"a", "b"}),
        ("BETWEEN", {"value": "10", "highValue": "9"}, set()),
        ("IN", {"values": ["9", "100"]}, {"a", "c"}),
        ("NOT_IN", {"values": ["9", "100"]}, {"b"}),
        ("HAS_PROPERTY", {}, {"a", "b", "c"}),
        ("NOT_HAS_PROPERTY", {}, {"none"}),
    ],
)
@behaviour("search-operators", "search-negated")
def test_operators_on_numbers(
    world: World, operator: str, values: dict[str, object], expected: set[str]
) -> None:
    """Numbers are compared as numbers; records without a value match no comparison."""
    ids = {
        name: world.contact(associatedcompanyid=revenue)
        for name, revenue in (("a", "9"), ("b", "10"), ("c", "100"), ("none", None))
    }
    hits = found(world, where("associatedcompanyid", operator, **values))

    assert hits == {ids[name] for name in expected}


@pytest.mark.parametrize(
    ("item", "hit"),
    [
        (where("firstname", "EQ", "ADA byron"), True),
        (where("firstname", "EQ", "Ada"), False),
        (where("firstname", "IN", values=["ada byron"]), True),
        (where("firstname", "IN", values=["Ada Byron"]), False),
        (where("firstname", "NOT_IN", values=["Ada Byron"]), True),
        (where("firstname", "CONTAINS_TOKEN", "ADA"), True),
        (where("firstname", "CONTAINS_TOKEN", "byron ada"), True),
        (where("firstname", "CONTAINS_TOKEN", "ad"), False),
        (where("firstname", "CONTAINS_TOKEN", "ad*"), True),
        (where("firstname", "CONTAINS_TOKEN", "*DA"), True),
        (where("firstname", "NOT_CONTAINS_TOKEN", "ada"), False),
        (where("firstname", "NOT_CONTAINS_TOKEN", "ad"), True),
        (where("email", "CONTAINS_TOKEN", "*@x.example"), True),
        (where("email", "CONTAINS_TOKEN", "x.example"), True),
        (where("email", "CONTAINS_TOKEN", "example"), False),
        (where("lifecyclestage", "EQ", "customer"), True),
        (where("lifecyclestage", "EQ", "Customer"), False),
        (where("lifecyclestage", "IN", values=["lead", "customer"]), True),
        (where("lifecyclestage", "IN", values=["CUSTOMER"]), False),
        (where("lifecyclestage", "CONTAINS_TOKEN", "customer"), True),
        (where("lifecyclestage", "CONTAINS_TOKEN", "CUSTOMER"), False),
    ],
)
@behaviour("search-case", "search-in-lower-case", "search-tokens")
def test_operators_on_text(world: World, item: dict[str, Any], *, hit: bool) -> None:
    """Case counts in enumerations, and in the values of IN and NOT_IN."""
    record_id = world.contact(
        firstname="Ada Byron", email="a@x.example", lifecyclestage="customer"
    )

    assert found(world, item) == ({record_id} if hit else set())


@pytest.mark.parametrize(
    ("operator", "value", "hit"),
    [
        ("EQ", "1789387200000", True),
        ("LTE", 1789387200000, True),
        ("EQ", "2026-09-14T12:00:00Z", True),
        ("EQ", "2026-09-14T14:00:00+02:00", True),
        ("GTE", "2026-09-14", True),
        ("LT", "2026-09-14", False),
        ("GT", "1789387200000", False),
    ],
)
@behaviour("search-dates")
def test_dates(world: World, operator: str, value: object, *, hit: bool) -> None:
    """Epoch milliseconds, and ISO 8601 as integrations send it in 2026."""
    record_id = world.contact()
    expected = {record_id} if hit else set()

    assert found(world, where("createdate", operator, value)) == expected


@behaviour("search-query")
def test_a_query(world: World) -> None:
    """All of its words are found, in any of the default searchable properties."""
    ada = world.contact(firstname="Ada", lastname="Byron", email="ada@x.example")
    bob = world.contact(firstname="Bob", company="Byron Ltd", jobtitle="Ada")

    assert found(world, query="byron") == {ada, bob}
    assert found(world, query="BYRON ada") == {ada}
    assert found(world, query="ada@x.example") == {ada}
    assert found(world, query="by") == set()
    assert found(world, where("company", "HAS_PROPERTY"), query="byron") == {bob}


@behaviour("search-query")
def test_a_query_of_a_custom_type(world: World) -> None:
    world.sim.store.define("boat", ["name"])
    boat = world.sim.store.create("boat", {"name": "Argo"})

    assert found(world, query="argo", kind="boat") == {boat.id}
    assert found(world, query="argo", kind="invoices") == set()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"propertyName": "associatedcompanyid", "direction": "ASCENDING"}, "bac-"),
        ({"propertyName": "associatedcompanyid"}, "bac-"),
        ({"propertyName": "associatedcompanyid", "direction": "DESCENDING"}, "cab-"),
        ("-associatedcompanyid", "cab-"),
        ("associatedcompanyid", "bac-"),
        ({"propertyName": "firstname"}, "abc-"),
    ],
)
@behaviour("search-sort")
def test_sorting(world: World, rule: object, expected: str) -> None:
    """One rule, as an object or a string; records without a value come last."""
    names = {
        world.contact(): "-",
        world.contact(associatedcompanyid=10, firstname="a"): "a",
        world.contact(associatedcompanyid=9, firstname="B"): "b",
        world.contact(associatedcompanyid=100, firstname="c"): "c",
    }
    # A second rule is ignored.
    rules = [rule, {"propertyName": "createdate"}]
    pages = [search(world, sorts=rules, limit=1, after=n) for n in range(4)]

    assert "".join(names[hit] for page in pages for hit in page.by_id) == expected


@behaviour("search-order")
def test_the_order_is_that_of_creation(world: World) -> None:
    """Recorded in 2026: ids do not grow with creation."""
    store, shelf = world.sim.store, world.sim.store.shelf("tickets")
    assert shelf is not None
    for record_id in ("395332939975", "394413098217"):
        world.clock.at += 1
        store.add(shelf, record_id, {}, store.now())
    by_id = search(world, "tickets", sorts=["hs_object_id"])

    assert [*search(world, "tickets").by_id] == ["395332939975", "394413098217"]
    assert [*by_id.by_id] == ["394413098217", "395332939975"]


@behaviour("search-keyset")
def test_a_number_with_many_digits(world: World) -> None:
    record_id = world.contact()

    assert found(world, where("hs_object_id", "LT", "9" * 5_000)) == {record_id}


@behaviour("search-keyset")
def test_ids_are_compared_as_numbers(world: World) -> None:
    store, shelf = world.sim.store, world.sim.store.shelf("tickets")
    assert shelf is not None
    for record_id in ("9", "10", "200"):
        store.add(shelf, record_id, {}, store.now())

    assert found(world, where("hs_object_id", "GT", 9), kind="tickets") == {"10", "200"}


@behaviour("search-keyset")
def test_a_walk_by_key_finds_each_record_once(world: World) -> None:
    """Sorted by id, with "id greater than the last one" in every group."""
    stages = ("lead", "customer", "opportunity")
    made = [{"lifecyclestage": stages[n % 3]} for n in range(90)]
    wanted = contacts(world, *made)
    last, walked, totals = "0", list[str](), list[int]()
    while True:
        key = where("hs_object_id", "GT", last)
        groups = [
            {"filters": [where("lifecyclestage", "EQ", stage), key]}
            for stage in stages[:2]
        ]
        page = search(world, filterGroups=groups, sorts=["hs_object_id"], limit=7)
        walked += page.by_id
        totals.append(page.body["total"])
        last = walked[-1]
        if "paging" not in page.body:
            break

    store = world.sim.store
    assert walked == [
        record_id
        for record_id in wanted
        if (record := store.get("contacts", record_id)) is not None
        and record.properties["lifecyclestage"] != stages[2]
    ]
    assert totals == [*range(60, 0, -7)]


@behaviour("search-associations")
def test_associated_records(world: World) -> None:
    """The pseudo-property `associations.{type}`, as recorded in 2022 and 2024."""
    store = world.sim.store
    ticket, other = world.ticket(), world.ticket()
    tasks = [store.create("tasks", {}).id for _ in range(3)]
    kind = store.links.default("0-27", "0-5")
    for task in tasks[:2]:
        store.links.link(("0-27", task), ("0-5", ticket), [kind])
    world.clock.at += 0.25
    of_ticket, of_other = (
        found(world, where("associations.ticket", "EQ", int(record)), kind="tasks")
        for record in (ticket, other)
    )
    store.archive("tickets", ticket)

    assert (of_ticket, of_other) == ({*tasks[:2]}, set())
    item = where("associations.ticket", "EQ", ticket)
    assert found(world, item, kind="tasks") == set()


@behaviour("search-additional-emails")
def test_additional_addresses(world: World) -> None:
    record_id = world.contact(email="a@x.example", hs_additional_emails="b@x.example")

    assert found(world, where("email", "EQ", "B@x.example")) == {record_id}
    assert found(world, where("email", "IN", values=["b@x.example"])) == set()


@behaviour("search-archived")
def test_archived_and_merged_records_are_not_found(world: World) -> None:
    gone, loser, kept = world.contact(), world.contact(), world.contact()
    before = found(world)
    world.sim.store.archive("contacts", gone)
    world.sim.store.merge("contacts", loser, kept)

    assert before == {gone, loser, kept}
    assert found(world) == {kept}


CHANGES: dict[str, Callable[[World, str], object]] = {
    "update": lambda world, record_id: world.batch(
        *("update", [{"id": record_id, "properties": {"email": "new@x.example"}}]),
        type="contacts",
    ),
    "archive": lambda world, record_id: world.sim.store.archive("contacts", record_id),
}


@pytest.mark.parametrize("change", CHANGES)
@behaviour("search-follows-writes")
def test_a_search_sees_all_writes(world: World, change: str) -> None:
    record_id = world.contact(email="old@x.example")
    old = where("email", "EQ", "old@x.example")
    before = found(world, old)
    CHANGES[change](world, record_id)

    assert (before, found(world, old)) == ({record_id}, set())


@pytest.mark.parametrize("searched", [True, False])
@pytest.mark.parametrize("change", CHANGES)
@behaviour("quirk-search-lag")
def test_the_lag_of_the_index(world: World, change: str, *, searched: bool) -> None:
    """A search sees the records as they were some time ago."""
    world.sim.faults.set(search_lag=5.0)
    record_id = world.contact(email="old@x.example", firstname="Ada")
    old = where("email", "EQ", "old@x.example")
    domain = where("hs_email_domain", "EQ", "x.example")
    world.clock.at += 10
    if searched:
        assert found(world, old, domain) == {record_id}
    CHANGES[change](world, record_id)
    late = world.contact(email="late@x.example")
    response = search(world, filters=[old, domain])

    assert response.by_id[record_id]["properties"]["email"] == "old@x.example"
    assert response.by_id[record_id]["updatedAt"] == "2026-09-14T12:00:00Z"
    assert found(world, where("email", "EQ", "late@x.example")) == set()

    world.clock.at += 5
    assert found(world, old) == set()
    assert found(world, where("email", "EQ", "late@x.example")) == {late}


@pytest.mark.parametrize("value", [-1, "5", True, float("inf")])
@behaviour("quirk-search-lag")
def test_an_invalid_lag(world: World, value: object) -> None:
    with pytest.raises(ValueError, match="must be a number of seconds"):
        world.sim.faults.set(search_lag=value)


@behaviour("search-follows-writes")
def test_many_kinds_of_searches(world: World) -> None:
    """The index remembers the results of the last few only."""
    ids = {name: world.contact(firstname=name) for name in "abcdefghijklm"}
    walks = [*ids, *ids]

    for name in walks:
        assert found(world, where("firstname", "EQ", name)) == {ids[name]}


@behaviour("search-follows-writes")
def test_a_new_property_is_searched(world: World) -> None:
    record_id = world.contact()
    found(world)
    world.sim.store.define("contacts", [Property("score", "number")])
    change = {"id": record_id, "properties": {"score": "10"}}
    world.batch("update", [change], type="contacts")

    assert found(world, where("score", "GT", "9")) == {record_id}
