"""The client calls every batch path in HubSpot's specifications."""

import inspect
import re
import warnings

from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from hubbatch import (
    ALL,
    AssociationInput,
    AssociationLimitInput,
    AssociationSpec,
    DealSplitsInput,
    HubBatch,
    LegacyCreateInput,
    Options,
    PropertyCreate,
    PublicAssociation,
)
from hubbatch._net.batch import Batch
from hubbatch._wire.object_types import ALL_VERBS, STANDARD_TYPES, standard_type
from hubbatch.simulator.crm.catalogue import STANDARD


TOKEN = "pat-na1-x"  # noqa: S105 -- not a real token
DOCS = Path(__file__).parents[1] / "docs"
ALL5 = ("create", "read", "update", "upsert", "archive")

# "Per object family": the path's token and the batch calls that v3 and 2026-03 publish.
# Those under `{objectType}` accept any name of a type; `deals` accepts 0-3 too.
SPECIFIED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("appointments", "calls", "carts", "commerce_payments", "subscriptions"),
            *("communications", "companies", "contacts", "0-410", "deals", "discounts"),
            *("emails", "fees", "goal_targets", "invoices", "leads", "line_items"),
            *("0-420", "meetings", "notes", "orders", "postal_mail", "products"),
            *("projects", "quotes", "0-162", "tasks", "taxes", "tickets", "users"),
        ),
        ALL5,
    ),
    **dict.fromkeys(("contracts", "feedback_submissions", "payments"), ("read",)),
    **dict.fromkeys(("partner_clients", "partner_services"), ("read", "update")),
}
# For types that are added later, the simulator is the witness of the verbs.
SPECIFIED |= {
    STANDARD_TYPES[kind.plural].path: kind.verbs
    for kind in STANDARD
    if kind.plural in STANDARD_TYPES
    and STANDARD_TYPES[kind.plural].path not in SPECIFIED
}
# Those with a merge, of the types that the walk calls.
MERGED = ("companies", "contacts", "deals", "tickets", "0-3", "2-3456")
V3 = (
    *(
        f"/crm/v3/objects/{t}/batch/{v}"
        for t, verbs in SPECIFIED.items()
        for v in verbs
    ),
    *(f"/crm/v3/objects/0-3/batch/{verb}" for verb in ALL5),
    *(f"/crm/v3/objects/2-3456/batch/{verb}" for verb in ALL5),
    *(f"/crm/v3/objects/{name}/merge" for name in MERGED),
    "/crm/v3/objects/contacts/gdpr-delete",
    "/events/v3/send/batch",
    *(f"/crm/v3/associations/a/b/batch/{v}" for v in ("create", "read", "archive")),
    *(
        f"/crm/associations/2026-03/a/b/batch/{verb}"
        for verb in ("create", "read", "archive", "associate/default", "labels/archive")
    ),
    *(
        f"/crm/associations/2026-03/definitions/configurations/a/b/batch/{verb}"
        for verb in ("create", "update", "purge")
    ),
    "/crm-object-schemas/v3/schemas/batch/read",
    *(f"/crm/v3/properties/a/batch/{verb}" for verb in ("create", "read", "archive")),
    "/crm/v3/lists/records/memberships/batch/read",
    *(f"/crm/v3/lists/581/memberships/{verb}" for verb in ("add", "remove")),
    "/crm/objects/v3/deals/splits/batch/read",
    "/crm/objects/v3/deals/splits/batch/upsert",
    "/crm/extensions/calling/v3/connection-statuses/batch/read",
    *(
        f"/crm-objects/v1/objects/{name}/batch-{verb}"
        for name in ("tickets", "products", "line_items")
        for verb in ("create", "read", "update", "delete")
    ),
)


def dated(version: str) -> Iterator[str]:
    """Yield the paths of a dated version, which has no v3 associations."""
    properties = f"/crm/properties/{version}/a"
    if version >= "2027-03":
        properties = f"/crm/schemas/{version}/objects/a/properties"
    for path in V3:
        if path.startswith("/crm/v3/associations"):
            continue
        yield (
            path.replace("/crm/v3/objects", f"/crm/objects/{version}")
            .replace("/crm/associations/2026-03", f"/crm/associations/{version}")
            .replace("/crm-object-schemas/v3", f"/crm-object-schemas/{version}")
            .replace("/crm/v3/properties/a", properties)
            .replace("/events/v3", f"/events/{version}")
            .replace("/crm/v3/lists", f"/crm/lists/{version}")
            .replace("/crm/objects/v3/deals/splits", f"/deal-splits/{version}")
        )


def batches(hub: HubBatch) -> Iterator[Batch[Any]]:
    """Call every verb of every object type."""
    every: list[Any] = [getattr(hub, name) for name in STANDARD_TYPES]
    every += [hub.objects("0-3"), hub.objects("2-3456")]
    every += [hub.associations("a", "b"), hub.properties("a"), hub.deal_splits]
    every += [hub.connection_statuses]
    every += [hub.associations("a", "b").limits, hub.schemas, hub.events]
    every += [hub.list_memberships("contacts"), hub.lists(581)]
    every += [hub.legacy.tickets, hub.legacy.products, hub.legacy.line_items]
    if hub._api_version == "v3":
        every.append(hub.associations("a", "b", api_version="v3"))
    for one in every:
        for name, verb in inspect.getmembers(type(one), inspect.isfunction):
            if (
                name.startswith("_")
                or "linger" not in inspect.signature(verb).parameters
            ):
                continue
            try:
                yield verb(one, [])
            except ValueError as error:
                assert re.match("HubSpot has no (batch|merge)", str(error))  # noqa: PT017 -- most calls raise nothing


def reached(hub: HubBatch) -> set[str]:
    paths = set()
    for batch in batches(hub):
        batch.close()
        paths.add(batch._operation.path)
    return paths


def test_every_batch_call_of_the_crm() -> None:
    """HubSpot's specifications have 193; those of custom types have the same paths."""
    batches = {path for path in V3 if "/batch" in path and "/events/" not in path}
    assert len({path for path in batches if "/2-3456/" not in path}) == 193


def test_every_batch_path_of_v3() -> None:
    assert reached(HubBatch(TOKEN)) == {*V3}


def test_every_batch_path_of_a_dated_version() -> None:
    assert reached(HubBatch(TOKEN, api_version="2026-03")) == {*dated("2026-03")}


@pytest.mark.parametrize("version", ["2025-09", "2026-09-beta", "2026-09", "2027-03"])
def test_in_most_versions_all_types_have_all_verbs(version: str) -> None:
    """Their specifications list all verbs for any `{objectType}`."""
    everything = {
        f"/crm/objects/{version}/{name}/batch/{verb}"
        for name in SPECIFIED
        for verb in ALL5
    }
    everything |= {f"/crm/objects/{version}/{name}/merge" for name in SPECIFIED}
    paths = reached(HubBatch(TOKEN, api_version=version))
    assert paths == {*dated(version)} | everything


# ---- object types


def test_verbs_and_ids_that_are_given() -> None:
    """Compared with the list above and with HubSpot's guide."""
    assert {row.path: row.verbs for row in STANDARD_TYPES.values()} == SPECIFIED
    ids = [row.id for row in STANDARD_TYPES.values() if row.id is not None]
    assert len({*ids}) == len(ids)
    known = {"contacts": "0-1", "deals": "0-3", "tickets": "0-5", "taxes": "0-86"}
    assert {name: STANDARD_TYPES[name].id for name in known} == known


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("contacts", "contacts"),
        ("CONTACT", "contacts"),
        ("company", "companies"),
        ("0-3", "deals"),
        ("0-162", "services"),
        ("postal_mail", "postal_mail"),
        ("2-3456", None),
        ("car", None),
    ],
)
def test_types_by_their_other_names(alias: str, name: str | None) -> None:
    found = standard_type(alias)
    assert (found.name if found else None) == name


def test_a_type_has_its_row() -> None:
    """On the class, the attribute is the row of the object type."""
    assert HubBatch.tickets is STANDARD_TYPES["tickets"]
    assert HubBatch.tickets.verbs == ALL_VERBS


@pytest.mark.parametrize("version", ["v3", "2026-03"])
@pytest.mark.parametrize("alias", ["contracts", "contract", "Contracts"])
def test_a_verb_that_a_type_does_not_have(alias: str, version: str) -> None:
    hub = HubBatch(TOKEN, api_version=version)
    message = f"HubSpot has no batch update for contracts in {version}. It has read"
    with pytest.raises(ValueError, match=message):
        hub.objects(alias).update([]).close()
    with pytest.raises(ValueError, match="It has read and update"):
        hub.partner_clients.create([]).close()
    hub.objects(alias).read([]).close()


# ---- misuse


@pytest.mark.parametrize("wrong", ["", "a/b", "..", "a?b", "a b", "ä", "a%2fb", "a\n"])
def test_segments_that_would_leave_their_path(wrong: str) -> None:
    hub = HubBatch(TOKEN)
    for call in (
        lambda: hub.associations(wrong, "contacts"),
        lambda: hub.associations("contacts", wrong),
        lambda: hub.associations(wrong, "contacts", api_version="v3"),
        lambda: hub.associations("contacts", wrong, api_version="v3"),
        lambda: hub.properties(wrong),
        lambda: hub.list_memberships(wrong),
    ):
        with pytest.raises(ValueError, match="is not an object type"):
            call()


@pytest.mark.parametrize("wrong", [5, None, b"a"])
def test_segments_that_are_no_text(wrong: Any) -> None:
    hub = HubBatch(TOKEN)
    for call in (
        lambda: hub.associations(wrong, "contacts"),
        lambda: hub.associations("contacts", wrong),
        lambda: hub.properties(wrong),
        lambda: hub.list_memberships(wrong),
    ):
        with pytest.raises(TypeError, match="An object type is a str"):
            call()


def test_a_type_whose_id_is_not_known() -> None:
    for name in ("p62515_car", "contracts"):
        with pytest.raises(ValueError, match="need the object type's id"):
            HubBatch(TOKEN).list_memberships(name)


def test_another_version_of_the_associations() -> None:
    associations: Any = HubBatch(TOKEN).associations
    with pytest.raises(ValueError, match="not 'v4'"):
        associations("a", "b", api_version="v4")


@pytest.mark.parametrize(
    "single",
    [
        AssociationInput("1", "2"),
        AssociationLimitInput("HUBSPOT_DEFINED", 1, 2),
        AssociationSpec("HUBSPOT_DEFINED", 1),
        PublicAssociation("1", "2", "x"),
        PropertyCreate("a", "b", "c", "d", "e"),
        DealSplitsInput("1", []),
        LegacyCreateInput({}),
    ],
    ids=lambda single: type(single).__name__,
)
def test_one_input_where_a_collection_belongs(single: Any) -> None:
    hub = HubBatch(TOKEN)
    calls: list[Any] = [hub.associations("a", "b").create, hub.properties("a").create]
    calls += [hub.deal_splits.upsert, hub.legacy.tickets.create]
    calls += [hub.associations("a", "b").limits.purge]
    for call in calls:
        with pytest.raises(TypeError, match="Put it into a list"):
            call(single)


def test_options_that_there_are_not() -> None:
    hub: Any = HubBatch(TOKEN)
    calls = [hub.associations("a", "b").read, hub.properties("a").read]
    calls += [hub.deal_splits.read, hub.list_memberships("contacts").read]
    calls += [hub.legacy.tickets.archive, hub.tickets.archive, hub.schemas.read]
    calls += [hub.associations("a", "b").limits.create]
    for call in calls:
        for wrong in ("chunk_size", "lane", "complete"):
            with pytest.raises(TypeError, match=f"unexpected .* '{wrong}'"):
                call([], **{wrong: 1})


def test_options_of_a_few() -> None:
    hub: Any = HubBatch(TOKEN)
    with pytest.raises(ValueError, match="data_sensitivity must be one of"):
        hub.properties("tickets").read([], data_sensitivity="secret")
    with pytest.raises(TypeError, match="archived must be True or False"):
        hub.properties("tickets").read([], archived="no")
    for name in ("association_definitions", "audit_metadata", "property_definitions"):
        wrong = {f"include_{name}": 1}
        with pytest.raises(TypeError, match=f"include_{name} must be True or False"):
            hub.schemas.read([], **wrong)
    with pytest.raises(TypeError, match="iterable of inputs, not one str"):
        hub.schemas.read("2-3456")
    with pytest.raises(TypeError, match="include_deletes must be True or False"):
        hub.legacy.tickets.read([], include_deletes=1)
    with pytest.raises(TypeError, match="collection of property names"):
        hub.tickets.list(properties="subject")
    with pytest.raises(TypeError, match="archived must be True or False"):
        hub.tickets.list(archived="no")


async def test_a_list_of_a_closed_client() -> None:
    hub = HubBatch(TOKEN)
    await hub.aclose()
    with pytest.raises(RuntimeError, match="This client is closed"):
        hub.tickets.list()


def test_a_verbs_signature_tells_its_options() -> None:
    """`help()` and editors show them."""
    told = inspect.signature(HubBatch(TOKEN).associations("a", "b").create).parameters
    assert [*told] == ["inputs", "isolate", "max_failures", "linger", "progress"]
    assert {*told} >= {*Options.__annotations__}
    assert told["max_failures"].default == "auto"


def test_names_of_things() -> None:
    hub = HubBatch(TOKEN)
    things: dict[Any, str] = {
        hub.associations("contacts", "companies"): (
            "<Associations 'contacts' to 'companies'>"
        ),
        hub.associations("a", "b", api_version="v3"): "<AssociationsV3 'a' to 'b'>",
        hub.associations("a", "b").limits: "<AssociationLimits 'a' to 'b'>",
        hub.schemas: "<Schemas>",
        hub.properties("tickets"): "<Properties 'tickets'>",
        hub.list_memberships("contacts"): "<ListMemberships 'contacts'>",
        hub.deal_splits: "<DealSplits>",
        ALL: "ALL",
    }
    assert [*map(repr, things)] == [*things.values()]


def test_no_batch_of_the_walk_is_forgotten() -> None:
    """A closed batch does not warn that it was never awaited."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reached(HubBatch(TOKEN))


# ---- the pages


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    """`python docs/objects.py` writes them."""
    spec = spec_from_file_location("objects_page", DOCS / "objects.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.written(page) == page
    assert "| `hub.contracts` |  | read ¹ |" in page
