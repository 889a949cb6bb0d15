"""The search of records: its filters, its order and its pages."""

from collections.abc import Callable
from typing import Any

import pytest

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import Response, World


GENERIC = "There was a problem with the request."
CLASS = "com.hubspot.inbounddb.publicobject.core.v3.search"


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
            "createdate": "2026-09-14T12:00:00.000Z",
            "email": record.properties["email"],
            "firstname": None,
            "hs_object_id": ids[0],
            "lastmodifieddate": "2026-09-14T12:00:00.000Z",
            "lastname": None,
        },
        "createdAt": "2026-09-14T12:00:00.000Z",
        "updatedAt": "2026-09-14T12:00:00.000Z",
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


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filterGroups": [{"filters": []}], "sorts": [], "after": "", "properties": []},
        {"filterGroups": None, "query": None, "limit": None, "after": None},
    ],
)
@behaviour("search-nothing-required")
def test_no_field_is_required(world: World, body: dict[str, Any]) -> None:
    ids = contacts(world, *({} for _ in range(12)))
    response = search(world, **body)

    assert response.body["total"] == 12
    assert [*response.by_id] == ids[:10]


@behaviour("search-properties")
def test_requested_properties(world: World) -> None:
    """They replace the default ones; unknown names are dropped, unset ones null."""
    record_id = world.contact(email="a@b.example")
    response = search(world, properties=["phone", "no_such_name", "email"])

    assert response.by_id[record_id]["properties"] == {
        "createdate": "2026-09-14T12:00:00.000Z",
        "email": "a@b.example",
        "hs_object_id": record_id,
        "lastmodifieddate": "2026-09-14T12:00:00.000Z",
        "phone": None,
    }


@pytest.mark.parametrize("kind", ["contacts", "CONTACT", "contact", "0-1"])
@behaviour("search-types")
def test_names_of_the_type(world: World, kind: str) -> None:
    record_id = world.contact(firstname="Ada")

    assert found(world, where("firstname", "EQ", "ada"), kind=kind) == {record_id}


@behaviour("search-types")
def test_an_unknown_type(world: World) -> None:
    assert refusal(search(world, "butterflies")) == (
        *(400, "Unable to infer object type from: butterflies"),
        None,
    )


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


@pytest.mark.parametrize(
    "item",
    [
        where("no_such_name", "HAS_PROPERTY"),
        where("associatedcompanyid", "EQ", "many"),
        where("createdate", "GT", "yesterday"),
        where("createdate", "GT", "9" * 5_000),
        where("firstname", "GT", "1789387200000"),
        where("associatedcompanyid", "CONTAINS_TOKEN", "9"),
        where("associations.butterfly", "EQ", "1"),
        where("associations.boat", "EQ", "1"),
        where("associations.company", "HAS_PROPERTY"),
    ],
)
@behaviour("search-generic")
def test_the_refusal_that_names_nothing(world: World, item: dict[str, Any]) -> None:
    world.sim.store.define("boat")

    assert refusal(search(world, filters=[item])) == (400, GENERIC, None)


@pytest.mark.parametrize(
    "body",
    [
        {"sorts": ["no_such_name"]},
        {"after": "next"},
        {"after": "-1"},
        {"after": "9" * 5_000},
        {"after": "9991"},
        {"after": 9801, "limit": 200},
        {"after": "10000", "limit": 1},
    ],
)
@behaviour("search-generic", "search-reachable")
def test_a_sort_or_an_offset_that_is_refused(
    world: World, body: dict[str, Any]
) -> None:
    assert refusal(search(world, **body)) == (400, GENERIC, None)


@behaviour("search-reachable")
def test_the_last_page_within_reach(world: World) -> None:
    assert search(world, after="9800", limit=200).status == 200


@pytest.mark.parametrize("limit", [0, -1, 201, "202"])
@behaviour("search-limit")
def test_a_limit_out_of_range(world: World, limit: object) -> None:
    response = search(world, limit=limit)

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")


@behaviour("search-limit")
def test_limits(world: World) -> None:
    ids = contacts(world, *({} for _ in range(201)))

    assert [*search(world, limit=200).by_id] == ids[:200]
    assert [*search(world, limit="200", after=200).by_id] == ids[200:]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (where("a", "BETWEEN", "1"), "operator BETWEEN requires a highValue"),
        (where("a", "BETWEEN", highValue="1"), "operator BETWEEN requires a value"),
        (where("a", "EQ"), "operator EQ requires a value"),
        (where("a", "IN", "1"), "operator IN does not support value"),
        (where("a", "IN"), "operator IN requires values"),
        (where("a", "NOT_IN", values=[]), "operator NOT_IN requires values"),
        (
            where("a", "NOT_HAS_PROPERTY", ""),
            "operator NOT_HAS_PROPERTY does not support value",
        ),
    ],
)
@behaviour("search-operands")
def test_operands_must_fit(world: World, item: dict[str, Any], problem: str) -> None:
    response = search(world, filters=[item])
    reason = f"Cannot construct instance of `{CLASS}.Filter`, problem: {problem}"

    assert response.body.get("category") is None
    assert response.status == 400
    assert response.message.endswith(reason)


@behaviour("search-json")
def test_a_filter_without_a_name(world: World) -> None:
    """As recorded in 2022; the column is the one after the filter."""
    response = search(world, filterGroups=[{"filters": [{"value": "x"}]}])
    reason = (
        "Cannot build Filter, some of required attributes are not set "
        "[propertyName, operator]"
    )

    assert refusal(response) == invalid(43, reason)


@behaviour("search-json")
def test_filter_groups_as_an_object(world: World) -> None:
    """As recorded in 2021."""
    reason = (
        "Cannot deserialize instance of `java.util.HashSet` out of START_OBJECT token"
    )

    assert refusal(search(world, filterGroups={"filters": []})) == invalid(18, reason)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"properties": "email"}, "`java.util.ArrayList` from String value"),
        ({"properties": [{}]}, "`java.lang.String` from Object value"),
        ({"filterGroups": ["x"]}, f"`{CLASS}.FilterGroup` from String value"),
        ({"filters": ["x"]}, f"`{CLASS}.Filter` from String value"),
        ({"filters": [where("a", "EQ", [])]}, "`java.lang.String` from Array value"),
        (
            {"filters": [where("a", "LIKE", "x")]},
            f'`{CLASS}.Operator` from String "LIKE": not one of the values accepted',
        ),
        ({"sorts": [1]}, f"`{CLASS}.Sort` from Integer value"),
        (
            {"sorts": [{"propertyName": "email", "direction": "UP"}]},
            f'`{CLASS}.Direction` from String "UP": not one of the values accepted',
        ),
        ({"limit": "ten"}, '`int` from String "ten": not a valid `int` value'),
        ({"limit": True}, "`int` from Boolean value"),
        ({"limit": "9" * 5_000}, f'`int` from String "{"9" * 5_000}": not a valid'),
    ],
)
@behaviour("search-json")
def test_values_of_a_wrong_type(
    world: World, body: dict[str, Any], message: str
) -> None:
    response = search(world, **body)

    assert (response.status, response.body.get("category")) == (400, None)
    assert f"Cannot deserialize value of type {message}" in response.message


@behaviour("search-json")
def test_a_body_that_is_no_object(world: World) -> None:
    listed = world.post("/crm/v3/objects/contacts/search", [])
    nothing = world.post("/crm/v3/objects/contacts/search", content=b"")
    unsorted = search(world, sorts=[{"direction": "ASCENDING"}])

    assert f"`{CLASS}.PublicObjectSearchRequest` from Array" in listed.message
    assert nothing.message.startswith("Invalid input JSON on line 1, column 1: ")
    assert unsorted.message.endswith("attributes are not set [propertyName]")


@pytest.mark.parametrize(
    ("sizes", "accepted"),
    [
        ([6, 6, 6], True),
        ([4, 4, 4, 3, 3], True),
        ([1] * 6, False),
        ([7], False),
        ([4, 4, 4, 4, 3], False),
    ],
)
@behaviour("search-filter-limits")
def test_how_many_filters(world: World, sizes: list[int], *, accepted: bool) -> None:
    item = where("email", "HAS_PROPERTY")
    groups = [{"filters": [item] * size} for size in sizes]
    response = search(world, filterGroups=groups)

    assert (response.status == 200) is accepted
    assert accepted or response.body["category"] == "VALIDATION_ERROR"


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


@behaviour("search-query")
def test_the_length_of_a_query(world: World) -> None:
    short, long = (search(world, query="x" * n) for n in (3_000, 3_001))

    assert short.status == 200
    assert (long.status, long.body["category"]) == (400, "VALIDATION_ERROR")


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
    assert response.by_id[record_id]["updatedAt"] == "2026-09-14T12:00:00.000Z"
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


@behaviour("search-limit-family", "search-headers")
def test_five_searches_a_second_for_all_apps(world: World) -> None:
    """A 429 of policy SECONDLY, as recorded; it has daily headers only."""
    path = "/crm/v3/objects/contacts/search"
    other = world.sim.issue_token()
    tokens = [world.token, other, world.token, other, world.token]
    accepted = [world.post(path, {}, token=token) for token in tokens]
    refused = world.post(path, {}, token=other)
    elsewhere = world.batch("read", [])
    world.clock.at += 1
    later = world.post(path, {})

    assert {response.status for response in accepted} == {200}
    assert refused.status == 429
    assert refused.body == {
        "status": "error",
        "message": "You have reached your secondly limit.",
        "correlationId": refused.headers["X-HubSpot-Correlation-Id"],
        "category": "RATE_LIMITS",
    }
    assert (elsewhere.status, later.status) == (200, 200)
    for n, response in enumerate((*accepted, refused), 1):
        headers = {key: v for key, v in response.headers.items() if "RateLimit" in key}
        assert headers == {
            "X-HubSpot-RateLimit-Daily": "625000",
            "X-HubSpot-RateLimit-Daily-Remaining": str(625000 - min(n, 5)),
        }
        assert "Retry-After" not in response.headers


@behaviour("search-headers")
def test_a_public_app_gets_no_headers(world: World) -> None:
    token = world.sim.issue_token(tier="oauth")
    response = world.post("/crm/v3/objects/contacts/search", {}, token=token)

    assert response.status == 200
    assert [name for name in response.headers if "RateLimit" in name] == []


@behaviour("search-scopes")
def test_a_search_needs_the_scope_to_read(world: World) -> None:
    path = "/crm/objects/2026-09/contacts/search"
    reader, writer = (
        world.sim.issue_token(scopes=[f"crm.objects.contacts.{verb}"])
        for verb in ("read", "write")
    )

    assert world.post(path, {}, token=reader).status == 200
    assert world.post(path, {}, token=writer).status == 403
