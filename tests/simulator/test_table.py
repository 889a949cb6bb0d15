"""The outcomes of record batches, verb by verb."""

import re

import msgspec
import pytest

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import MakeWorld, World


MISSING = (
    "Could not get some {} objects, they may be deleted or not exist. "
    "Check that ids are valid."
)


def traced(inputs: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{**item, "objectWriteTraceId": str(n)} for n, item in enumerate(inputs)]


def embedded(message: str) -> list[dict[str, object]]:
    prefix = "Property values were not valid: "

    assert message.startswith(prefix)

    problems: list[dict[str, object]] = msgspec.json.decode(
        message.removeprefix(prefix)
    )
    return problems


@pytest.mark.parametrize(
    ("verb", "status"),
    [("create", 201), ("read", 200), ("update", 200), ("upsert", 200)],
)
@behaviour("success-envelope")
def test_success(world: World, verb: str, status: int) -> None:
    """Without errors, the body has no `errors` and no `numErrors`."""
    item = {"id": world.ticket(), "properties": {"subject": "x"}}
    if verb == "upsert":
        item = {**item, "id": "ref-1", "idProperty": "hs_external_object_ids"}
    response = world.batch(verb, [item])

    assert response.status == status
    assert set(response.body) == {"status", "results", "startedAt", "completedAt"}
    assert response.body["status"] == "COMPLETE"
    assert response.body["startedAt"] <= response.body["completedAt"]
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:]{8}(\.\d{3})?Z", response.body["startedAt"]
    )


@behaviour("archive-204", "archive-unknown")
def test_archive_is_204_without_a_body(world: World) -> None:
    record_id = world.ticket()
    response = world.batch("archive", [{"id": record_id}, {"id": "1"}])

    assert (response.status, response.body) == (204, b"")
    assert response.reply.answer.content_type is None
    assert world.sim.store.count("tickets") == 0
    assert world.batch("archive", [{"id": record_id}]).status == 204


@behaviour("ids-as-numbers")
def test_archive_takes_numbers_for_ids(world: World) -> None:
    record_id = world.ticket()

    assert world.batch("archive", [{"id": int(record_id)}]).status == 204
    assert world.sim.store.count("tickets") == 0


@pytest.mark.parametrize("verb", ["create", "update"])
@behaviour("invalid-untraced")
def test_invalid_values_end_an_untraced_batch(world: World, verb: str) -> None:
    """As recorded in 2025: four problems in the message, three in `errors`."""
    ids = [world.contact(), world.contact()]
    before = [dict(record.properties) for record in world.sim.store.all("contacts")]
    bad = {"first000name": "a", "last000name": "b", "firstname": "kept out"}
    inputs = [{"id": item, "properties": bad} for item in ids]
    response = world.batch(verb, inputs, type="contacts")

    assert response.status == 400
    assert list(response.body) == [
        "status",
        "message",
        "correlationId",
        "errors",
        "category",
    ]
    assert response.body["category"] == "VALIDATION_ERROR"
    assert (
        embedded(response.message)
        == [
            {
                "isValid": False,
                "message": 'Property "first000name" does not exist',
                "error": "PROPERTY_DOESNT_EXIST",
                "name": "first000name",
            },
            {
                "isValid": False,
                "message": 'Property "last000name" does not exist',
                "error": "PROPERTY_DOESNT_EXIST",
                "name": "last000name",
            },
        ]
        * 2
    )
    assert len(response.body["errors"]) == 3
    assert response.body["errors"][0] == {
        "message": 'Property "first000name" does not exist',
        "code": "PROPERTY_DOESNT_EXIST",
        "context": {"propertyName": ["first000name"]},
    }
    assert before == [record.properties for record in world.sim.store.all("contacts")]


@behaviour("invalid-traced")
def test_invalid_values_of_a_traced_create(world: World) -> None:
    """The documented 207: valid inputs are written, errors name their trace ids."""
    response = world.batch(
        "create",
        [
            {"objectWriteTraceId": "549b1c2a9350", "properties": {"subject": "x"}},
            {"objectWriteTraceId": "549b1c2a9351", "properties": {"missing": "1"}},
        ],
    )

    assert response.status == 207
    assert response.body["numErrors"] == 1
    (error,) = response.body["errors"]
    assert error.pop("context") == {"objectWriteTraceId": ["549b1c2a9351"]}
    assert embedded(error.pop("message"))[0]["error"] == "PROPERTY_DOESNT_EXIST"
    assert error == {"status": "error", "category": "VALIDATION_ERROR"}
    assert response.body["results"][0]["objectWriteTraceId"] == "549b1c2a9350"
    assert world.sim.store.count("tickets") == 1


@pytest.mark.parametrize("traces", [["a", "a"], ["a", None], [None, None]])
@behaviour("trace-ids-all-or-none")
def test_trace_ids_count_only_if_each_input_has_its_own(
    world: World, traces: list[str | None]
) -> None:
    inputs = [
        {"objectWriteTraceId": traces[0], "properties": {"subject": "x"}},
        {"objectWriteTraceId": traces[1], "properties": {"missing": "1"}},
    ]

    assert world.batch("create", inputs).status == 400
    assert world.sim.store.count("tickets") == 0


@behaviour("update-not-found")
def test_unknown_and_archived_ids_of_an_update(world: World) -> None:
    """A single error names all ids and their trace ids."""
    good, gone = world.contact(), world.contact()
    world.sim.store.archive("contacts", gone)
    inputs: list[dict[str, object]] = [
        {"id": item, "properties": {"firstname": "Ada"}} for item in ("no", good, gone)
    ]
    plain = world.batch("update", inputs, type="contacts")
    marked = world.batch("update", traced(inputs), type="contacts")

    assert 207 == plain.status == marked.status
    assert [good] == list(plain.by_id)
    assert plain.body["numErrors"] == 1
    assert [
        {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": MISSING.format("CONTACT"),
            "context": {"ids": ["no", gone]},
        }
    ] == plain.body["errors"]
    assert {
        "ids": ["no", gone],
        "objectWriteTraceId": ["0", "2"],
    } == marked.body["errors"][0]["context"]


@behaviour("read-not-found")
def test_unknown_ids_of_a_read(world: World) -> None:
    """Recorded in 2023 and 2024: it names values of the id property too."""
    world.contact(email="admin@example.com")
    wanted = ["admin@example.com", "raj+3@example.com", "raj+2@example.com"]
    some = world.batch(
        "read",
        [{"id": item} for item in wanted],
        type="contacts",
        idProperty="email",
        properties=["email"],
    )
    none = world.batch("read", [{"id": "7"}, {"id": "8"}])

    assert (some.status, some.body["numErrors"], len(some.by_id)) == (207, 1, 1)
    assert {"ids": wanted[1:]} == some.body["errors"][0]["context"]
    assert (none.status, none.body["numErrors"], none.body["results"]) == (207, 1, [])
    assert MISSING.format("TICKET") == none.body["errors"][0]["message"]
    assert "correlationId" not in none.body["errors"][0]


@behaviour("merged-update", "merged-read", "merged-upsert")
def test_merged_ids(world: World) -> None:
    """An update ignores them; a read returns the surviving record."""
    loser, survivor = world.contact(email="a@x.org"), world.contact(email="b@x.org")
    world.sim.store.merge("contacts", loser, survivor)
    change = {"id": loser, "properties": {"firstname": "Ada"}}
    update = world.batch("update", [change], type="contacts")
    read = world.batch("read", [{"id": loser}], type="contacts")
    upsert = world.batch(
        "upsert",
        [{"id": "A@x.org", "idProperty": "email", "properties": {"firstname": "B"}}],
        type="contacts",
    )

    assert (update.status, update.body["results"]) == (200, [])
    assert "errors" not in update.body
    assert (200, [survivor]) == (read.status, list(read.by_id))
    assert (200, [survivor]) == (upsert.status, list(upsert.by_id))
    assert upsert.by_id[survivor]["properties"]["email"] == "b@x.org"


@behaviour("email-exists-untraced", "email-exists-traced")
def test_existing_email(world: World) -> None:
    """409 for the whole batch; with trace ids a 207 with the owner's id."""
    owner = world.contact(email="taken@x.org")
    inputs: list[dict[str, object]] = [
        {"properties": {"email": "free@x.org"}},
        {"properties": {"email": "Taken@X.org"}},
    ]
    whole = world.batch("create", inputs, type="contacts")
    count = world.sim.store.count("contacts")
    single = world.batch("create", traced(inputs), type="contacts")

    assert whole.status == 409
    assert {
        "status": "error",
        "message": f"Contact already exists. Existing ID: {owner}",
        "correlationId": whole.body["correlationId"],
        "category": "CONFLICT",
    } == whole.body
    assert count == 1
    assert single.status == 207
    assert [
        {
            "status": "error",
            "category": "CONFLICT",
            "message": f"Contact already exists. Existing ID: {owner}",
            "context": {"objectWriteTraceId": ["1"], "existingId": [owner]},
        }
    ] == single.body["errors"]
    assert world.sim.store.count("contacts") == 2


@behaviour("email-twice")
def test_same_email_twice_in_a_create(world: World) -> None:
    twice: list[dict[str, object]] = [{"properties": {"email": "a@x.org"}}] * 2
    whole = world.batch("create", twice, type="contacts")

    assert (whole.status, whole.message) == (409, "Contact already exists")
    assert world.sim.store.count("contacts") == 0

    single = world.batch("create", traced(twice), type="contacts")
    (made,) = single.by_id

    assert [made] == single.body["errors"][0]["context"]["existingId"]


@behaviour("upsert-conflict", "quirk-whole-upsert-conflict")
def test_conflict_refuses_a_whole_upsert_in_spite_of_trace_ids(world: World) -> None:
    world.sim.store.define("contacts", [Property("ref", unique=True)])
    owner = world.contact(email="taken@x.org")
    inputs = traced(
        [{"id": "r", "idProperty": "ref", "properties": {"email": "taken@x.org"}}]
    )
    response = world.batch("upsert", inputs, type="contacts")

    assert response.status == 409
    assert f"Contact already exists. Existing ID: {owner}" == response.message

    world.sim.faults.set(whole_upsert_conflict=False)

    assert world.batch("upsert", inputs, type="contacts").status == 207


@pytest.mark.parametrize("verb", ["create", "update"])
@behaviour("unique-taken")
def test_taken_value_of_a_unique_property(world: World, verb: str) -> None:
    """The message names the record being written first, then the owner."""
    owner, other = world.ticket(hs_external_object_ids="T-1"), world.ticket()
    inputs: list[dict[str, object]] = [
        {"id": other, "properties": {"hs_external_object_ids": "T-1"}}
    ]
    response = world.batch(verb, inputs)
    pattern = re.escape(
        "Cannot set PropertyValueCoordinates{portalId=62515, "
        "objectTypeId=ObjectTypeId{legacyObjectType=TICKET}, "
        "propertyName=hs_external_object_ids, value=T-1} on ID. "
        f"{owner} already has that value."
    ).replace("ID\\.", r"\d+\.")

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")
    assert re.fullmatch(pattern, response.message)
    assert owner == world.sim.store.all("tickets")[0].id
    assert world.sim.store.count("tickets") == 2
    assert world.batch(verb, traced(inputs)).status == 207


@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize("verb", ["update", "upsert"])
@behaviour("duplicate-ids")
def test_duplicate_ids(world: World, verb: str, *, marks: bool) -> None:
    """The recorded message, with and without trace ids."""
    record_id = world.ticket(hs_external_object_ids="T-1")
    by = {"idProperty": "hs_external_object_ids"} if verb == "upsert" else {}
    key = "T-1" if by else record_id
    inputs: list[dict[str, object]] = [
        {"id": key, **by, "properties": {"subject": str(n)}} for n in range(2)
    ]
    response = world.batch(verb, traced(inputs) if marks else inputs)

    assert response.status == 400
    assert {
        "status": "error",
        "message": f"Duplicate IDs found in batch input: [{key}]. IDs must be unique",
        "correlationId": response.body["correlationId"],
        "context": {"ids": [key]},
        "category": "VALIDATION_ERROR",
    } == response.body


@behaviour("duplicate-keys")
def test_duplicate_ids_by_way_of_a_property(world: World) -> None:
    """Case is ignored in e-mail, and all addresses of a contact are the same key."""
    owner = world.contact(email="a@x.org", hs_additional_emails="b@x.org")

    def upsert(*emails: str) -> tuple[int, list[str]]:
        inputs = [
            {"id": item, "idProperty": "email", "properties": {}} for item in emails
        ]
        response = world.batch("upsert", inputs, type="contacts")
        return response.status, response.body.get("context", {}).get("ids")

    assert upsert("N@x.org", "n@X.org") == (400, ["n@x.org"])
    assert (400, [owner]) == upsert("a@x.org", "B@x.org")


@behaviour("duplicates-in-archive")
def test_duplicates_in_an_archive(world: World) -> None:
    record_id = world.ticket()

    assert world.batch("archive", [{"id": record_id}] * 2).status == 204


@behaviour("duplicates-in-read")
def test_duplicates_in_a_read_come_back_once(world: World) -> None:
    record_id = world.ticket()
    response = world.batch("read", [{"id": record_id}, {"id": int(record_id)}])

    assert (response.status, len(response.body["results"])) == (200, 1)


@pytest.mark.parametrize(
    ("object_type", "type_id", "name", "verb"),
    [
        ("companies", "0-2", "hs_object_id", "update"),
        ("deals", "0-3", "dealname", "upsert"),
        ("contacts", "0-1", "email", "update"),
        ("tickets", "0-5", "no_such_property", "upsert"),
    ],
)
@behaviour("id-property-non-unique", "update-by-email")
def test_non_unique_id_property(
    world: World, object_type: str, type_id: str, name: str, verb: str
) -> None:
    """Recorded for companies, deals, and updates of contacts by e-mail."""
    inputs = traced([{"id": "1", "idProperty": name, "properties": {}}])
    response = world.batch(verb, inputs, type=object_type)

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")
    assert (
        f"Unable to perform update/upsert by non-unique {type_id} property {name} "
        "in portal ID 62515"
    ) == response.message


@behaviour("upsert-unknown-id")
def test_upsert_of_an_archived_record_makes_another(world: World) -> None:
    first = world.ticket(hs_external_object_ids="T-1")
    world.sim.store.archive("tickets", first)
    inputs = [{"id": "T-1", "idProperty": "hs_external_object_ids", "properties": {}}]
    (result,) = world.batch("upsert", inputs).body["results"]

    assert result["new"] is True
    assert result["id"] != first


@behaviour("email-of-another")
def test_update_to_an_email_of_another_contact(world: World) -> None:
    owner, other = world.contact(email="a@x.org"), world.contact(email="b@x.org")
    inputs: list[dict[str, object]] = [
        {"id": other, "properties": {"email": "A@x.org"}}
    ]
    whole = world.batch("update", inputs, type="contacts")
    single = world.batch("update", traced(inputs), type="contacts")
    own = [{"id": owner, "properties": {"email": "A@x.org"}}]

    assert (whole.status, whole.body["category"]) == (409, "CONFLICT")
    assert single.status == 207
    assert single.body["errors"][0]["context"]["existingId"] == [owner]
    assert world.batch("update", own, type="contacts").status == 200


@behaviour("merged-archive")
def test_archive_of_a_merged_id(world: World) -> None:
    loser, survivor = world.contact(), world.contact()
    world.sim.store.merge("contacts", loser, survivor)

    assert world.batch("archive", [{"id": loser}], type="contacts").status == 204
    assert world.sim.store.count("contacts") == 1


@behaviour("shuffled")
def test_results_are_shuffled_by_the_seed(make_world: MakeWorld) -> None:
    def subjects(seed: int) -> list[str]:
        world = make_world(seed=seed)
        inputs = [{"properties": {"subject": str(n)}} for n in range(50)]
        results = world.batch("create", inputs).body["results"]
        return [result["properties"]["subject"] for result in results]

    expected = [str(n) for n in range(50)]

    assert subjects(1) != expected == sorted(subjects(1), key=int)
    assert subjects(1) == subjects(1) != subjects(2)


@behaviour("shuffled")
def test_ids_do_not_follow_the_order_of_the_inputs(world: World) -> None:
    world.sim.faults.set(shuffle=False)
    inputs = [{"properties": {"subject": str(n)}} for n in range(50)]
    results = world.batch("create", inputs).body["results"]
    ids = [int(result["id"]) for result in results]

    assert [item["properties"]["subject"] for item in results] == [
        str(n) for n in range(50)
    ]
    assert ids != sorted(ids)
    assert ids != sorted(ids, reverse=True)


@behaviour("trace-ids-echoed")
def test_a_read_echoes_no_trace_ids(world: World) -> None:
    response = world.batch("read", traced([{"id": world.ticket()}]))

    assert "objectWriteTraceId" not in response.body["results"][0]


@behaviour("read-not-found", "duplicates-in-read")
def test_missing_ids_are_named_once(world: World) -> None:
    response = world.batch("read", [{"id": "7"}, {"id": 7}, {"id": "8"}])

    assert response.body["errors"][0]["context"]["ids"] == ["7", "8"]


@behaviour("merged-upsert")
def test_merging_frees_the_other_unique_values_of_the_loser(world: World) -> None:
    """The survivor gets the e-mail addresses and nothing else."""
    world.sim.store.define("contacts", [Property("ref", unique=True)])
    loser = world.contact(email="a@x.org", ref="R-1")
    survivor = world.contact(email="b@x.org", ref="R-2")
    world.sim.store.merge("contacts", loser, survivor)
    inputs = [
        {"id": ref, "idProperty": "ref", "properties": {"firstname": "Ada"}}
        for ref in ("R-1", "R-2")
    ]
    response = world.batch("upsert", inputs, type="contacts")
    new = {result["id"]: result["new"] for result in response.body["results"]}

    assert response.status == 200
    assert new.pop(survivor) is False
    assert list(new.values()) == [True]
    assert loser not in new
