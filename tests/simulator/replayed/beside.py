"""How to reproduce the recorded answers about what is next to records."""

from collections.abc import Mapping
from typing import Any, Final

from hubbatch.simulator import Property
from hubbatch.simulator.crm.lists import RecordList
from tests.simulator.conftest import World

from .portal import define, linkable, linked, milliseconds, put, seed, shelf_for
from .tape import Case, Recording


# ---- associations


def counterparts(world: World, recording: Recording) -> None:
    """Create the associated records that the answer shows."""
    parts = recording.path.split("/")
    source, record_id, target = parts[4], parts[5], parts[7]
    put(world, source, record_id)
    types = [shelf_for(world, kind).type.id for kind in (source, target)]
    for item in recording.shown:
        put(world, target, item["toObjectId"])
        ends = (types[0], record_id), (types[1], str(item["toObjectId"]))
        for each in item["associationTypes"]:
            spec = each["category"], each["typeId"]
            world.sim.store.links.link(*ends, [spec])


def meeting(world: World, recording: Recording) -> None:
    """Create the two records that the path of the request associates."""
    parts = recording.path.split("/")
    seed(world, parts[4], {**recording.body, "associations": {}})
    put(world, parts[7], parts[8])


def pairs(world: World, recording: Recording) -> None:
    """Create the records of a batch read of associations, and the shown pairs."""
    source, target = recording.path.split("/")[4:6]
    for item in recording.sent["inputs"]:
        put(world, source, item["id"])
    types = [shelf_for(world, kind).type.id for kind in (source, target)]
    for result in recording.shown:
        for to in result["to"]:
            other = str(to.get("toObjectId", to.get("id")))
            put(world, target, other)
            ends = (types[0], result["from"]["id"]), (types[1], other)
            default = world.sim.store.links.default(*types)
            specs = [
                (each["category"], each["typeId"])
                for each in to.get("associationTypes", [])
            ]
            world.sim.store.links.link(*ends, specs or [default])


def many(world: World, recording: Recording) -> None:
    """Associate one more record than a page of the simulator holds."""
    world.sim.faults.set(associations_page=1)
    (company,) = (item["id"] for item in recording.sent["inputs"])
    put(world, "companies", company)
    for contact in ("7502", "7503"):
        put(world, "contacts", contact)
        ends = ("0-2", company), ("0-1", contact)
        world.sim.store.links.link(*ends, [("HUBSPOT_DEFINED", 2)])


_ITSELF: Final = "211762804612"


def itself(world: World, _: Recording) -> None:
    put(world, "contacts", _ITSELF)


_CUT: Final = "the publisher shortened it"
_USERS: Final = "the simulator has one user"
ASSOCIATIONS: Final[Mapping[str, Case]] = {
    "200-assoc-default-both-directions-2024": Case(linkable),
    "200-assoc-v3-batch-read-paging-2022": Case(many),
    "200-assoc-v4-single-get-2022": Case(counterparts, equal=True),
    "200-put-association-v3-single-2022": Case(meeting, equal=True),
    "201-assoc-v4-batch-create-2026": Case(linkable),
    "201-assoc-v4-batch-create-ok-2022": Case(linkable),
    "201-assoc-v4-batch-create-one-2022": Case(
        linkable, differs={"~ results[].labels[]": 'the label is "Primary" since 2024'}
    ),
    "204-assoc-v4-batch-archive-2022": Case(linked),
    "204-assoc-v4-batch-archive-with-invalid-id": Case(linked),
    "207-assoc-v4-batch-create-invalid-2026": Case(
        itself,
        equal=True,
        sent={
            "inputs": [
                {
                    "from": {"id": _ITSELF},
                    "to": {"id": other},
                    "types": [
                        {
                            "associationCategory": "HUBSPOT_DEFINED",
                            "associationTypeId": 449,
                        }
                    ],
                }
                for other in ("unknown_id_123456798", _ITSELF)
            ]
        },
    ),
    "207-assoc-v4-batch-create-invalid-from-2022": Case(equal=True),
    "207-assoc-v4-batch-read-all-none-2026": Case(
        pairs, differs={"+ completedAt": _CUT, "+ startedAt": _CUT}
    ),
    "207-assoc-v4-batch-read-none-found": Case(pairs),
}

# ---- lists


def put_list(world: World, shown: Mapping[str, Any]) -> RecordList:
    """Create the list that an answer shows."""
    of = world.sim.store.lists.add(
        *(shown["name"], shown["objectTypeId"], shown["processingType"]),
        list_id=shown["listId"],
    )
    of.created, of.updated, of.filters_updated = (
        milliseconds(shown[key])
        for key in ("createdAt", "updatedAt", "filtersUpdatedAt")
    )
    if "deletedAt" in shown:
        of.deleted_on = milliseconds(shown["deletedAt"])
    more = shown.get("additionalProperties", {})
    for key, attribute in (("added", "last_added"), ("removed", "last_removed")):
        value = more.get(f"hs_last_record_{key}_at")
        setattr(of, attribute, value and int(value))
    return of


def one_list(world: World, recording: Recording) -> None:
    """Create the list that the answer shows, under another name."""
    (shown,) = recording.body.values()
    name = shown["name"] if recording.method == "GET" else "before"
    put_list(world, {**shown, "name": name})


def found_lists(world: World, recording: Recording) -> None:
    """Create the lists that a search finds, with those before and after."""
    body, offset = recording.body, (recording.sent or {}).get("offset", 0)
    for n in range(offset):
        world.sim.store.lists.add(f"before {n}", list_id=str(2000 + n))
    for shown in body["lists"]:
        put_list(world, shown)
    for n in range(body["total"] - offset - len(body["lists"])):
        world.sim.store.lists.add(f"after {n}", list_id=str(1000 + n))


def empty_list(world: World, recording: Recording) -> None:
    """Create the list in the path, and the records of the request."""
    list_id = recording.path.split("/")[4]
    world.sim.store.lists.add("mine", list_id=list_id)
    for record_id in recording.sent or []:
        put(world, "contacts", record_id)


def full_list(world: World, recording: Recording) -> None:
    """Create the list in the path, with the records of the request on it."""
    empty_list(world, recording)
    of = world.sim.store.lists.by_id[recording.path.split("/")[4]]
    world.sim.store.lists.put(of, [*map(str, recording.sent)])


def dynamic_list(world: World, recording: Recording) -> None:
    list_id = recording.path.split("/")[4]
    world.sim.store.lists.add("mine", processing="DYNAMIC", list_id=list_id)


_BY: Final = {"~ *.createdById": _USERS, "~ *.updatedById": _USERS}
LISTS: Final[Mapping[str, Case]] = {
    "200-list-create-dynamic-2026": Case(
        differs={"order *": "the simulator answers with the filters as they were sent"}
    ),
    "200-list-create-manual-2026": Case(),
    "200-list-get-2026": Case(one_list, equal=True, differs=_BY),
    "200-list-get-deleted-2025": Case(
        one_list,
        equal=True,
        differs={
            **_BY,
            "~ list.processingStatus": "the list was being processed when deleted",
        },
    ),
    "200-list-update-name-2026": Case(one_list),
    "200-lists-by-ids-none-2026": Case(equal=True),
    "200-lists-search-2026": Case(
        found_lists,
        equal=True,
        differs={
            "~ lists[].createdById": _USERS,
            "+ lists[]": _CUT,
            "+ lists[].updatedById": "lists not changed since 2025 do not show it",
        },
    ),
    "200-lists-search-last-page-2026": Case(found_lists, equal=True, differs=_BY),
    "200-membership-add-2026": Case(empty_list, equal=True),
    "200-membership-add-30-shuffled-2026": Case(empty_list, equal=True),
    "200-membership-add-already-member-2026": Case(full_list, equal=True),
    "200-membership-remove-2026": Case(full_list, equal=True),
    "204-list-delete-2026": Case(empty_list),
    "400-list-create-name-missing-2026": Case(equal=True),
    "400-membership-add-objects-2026": Case(dynamic_list, sent=[{"id": 1}], equal=True),
    "404-list-get-2026": Case(equal=True),
}

# ---- owners, pipelines, the account and its tokens


def owners(world: World, recording: Recording) -> None:
    """Create the owners that the answer shows, and an archived one."""
    for shown in recording.shown:
        owner = world.sim.store.owners.add(
            shown["email"],
            first_name=shown["firstName"],
            last_name=shown["lastName"],
            owner_id=shown["id"],
        )
        owner.user_id = shown["userId"]
        owner.created, owner.updated = (
            milliseconds(shown[key]) for key in ("createdAt", "updatedAt")
        )
    world.sim.store.owners.add("other@x.example", archived=True)


def public_app(world: World, _: Recording) -> None:
    world.sim.issue_token(tier="oauth", value="REDACTED", expires_in=1800)


def registered_app(world: World, _: Recording) -> None:
    world.sim.register_app("app", "quiet", redirect_uris=["https://app.example/back"])


SETTINGS: Final[Mapping[str, Case]] = {
    **{
        name: Case(owners, equal=True)
        for name in (
            "200-owner-get-2026",
            "200-owner-single-2025",
            "200-owner-single-2026",
            "200-owners-by-email-2025",
            "200-owners-list-2025",
            "200-owners-list-2026",
            "200-owners-list-empty-2025",
            "200-owners-none-2025",
        )
    },
    "200-account-info-2026": Case(
        differs=dict.fromkeys(
            ("~ timeZone", "~ utcOffset"), "accounts of the simulator are in UTC"
        )
    ),
    "200-oauth-access-token-info-2026": Case(
        public_app,
        differs={
            "- scopes[]": "the scopes of another app",
            "~ scopes[]": "the scopes of another app",
            "- signed_access_token": "its values were not published",
        },
    ),
    "400-oauth-bad-auth-code": Case(
        registered_app,
        sent="grant_type=authorization_code&client_id=app&client_secret=quiet"
        "&redirect_uri=https%3A%2F%2Fapp.example%2Fback&code=used",
        differs={"+ correlationId": _CUT},
    ),
    "200-pipelines-deals": Case(equal=True),
    "200-pipelines-deals-default-2026": Case(equal=True),
    "200-pipelines-tickets-default": Case(equal=True),
}

# ---- properties


def definition(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition as a caller sends it."""
    keys = ("name", "label", "type", "fieldType", "description", "groupName", "options")
    more = ("formField", "hasUniqueValue", "dataSensitivity")
    return {key: shown[key] for key in (*keys, *more)}


def groups(world: World, recording: Recording) -> None:
    """Create the groups of the properties in the answer."""
    for name in dict.fromkeys(shown["groupName"] for shown in recording.shown):
        body = {"name": name, "label": name}
        path = f"/crm/v3/properties/{recording.kind}/groups"
        assert world.post(path, body).status in {201, 409}


def taken(world: World, recording: Recording) -> None:
    """Create the properties whose names the answer says are taken."""
    groups(world, recording)
    kept = {
        name for error in recording.body["errors"] for name in error["context"]["name"]
    }
    for item in recording.sent["inputs"]:
        if item["name"] in kept:
            path = f"/crm/v3/properties/{recording.kind}"
            assert world.post(path, item).status == 201


def own_property(world: World, recording: Recording) -> None:
    groups(world, recording)
    path = f"/crm/v3/properties/{recording.kind}"
    assert world.post(path, definition(recording.body)).status == 201


def own_definition(world: World, recording: Recording) -> None:
    """Create the property in the answer that HubSpot did not define."""
    (shown,) = (each for each in recording.shown if "archived" in each)
    path = f"/crm/v3/properties/{recording.kind}"
    assert world.post(path, definition(shown)).status == 201


def shown_definitions(name: str) -> list[dict[str, Any]]:
    """Return the definitions that the answer of a recording shows."""
    return [*map(definition, Recording(name).shown)]


_ORDER: Final = {"order ": "the publisher rebuilt it from parts"}
_USED: Final = "kalupconf_89b45da9_used"
_HOLDER: Final = "kalupconf_89b45da9_holder"
_TEXT: Final = "kalupconf_89b45da9_text"


def used(world: World, _: Recording) -> None:
    define(world, "companies", {_USED: None})
    world.sim.store.require("companies", _USED)


def holder(world: World, _: Recording) -> None:
    path = "/crm/v3/properties/companies"
    world.post(f"{path}/groups", {"name": _HOLDER, "label": "Holder"})
    text = {"name": _TEXT, "label": "Text", "type": "string", "fieldType": "text"}
    assert world.post(path, {**text, "groupName": _HOLDER}).status == 201


def exists(world: World, _: Recording) -> None:
    world.sim.store.define("custom", [Property(_TEXT)])


PROPERTIES: Final[Mapping[str, Case]] = {
    "200-properties-list-companies-2026-excerpt": Case(
        own_definition, differs={"+ results[]": _CUT}
    ),
    "200-property-update-2026": Case(own_property),
    "201-properties-batch-create-2026": Case(
        groups, sent={"inputs": shown_definitions("201-properties-batch-create-2026")}
    ),
    "201-property-create-2026-09": Case(
        groups, sent=shown_definitions("201-property-create-2026-09")[0]
    ),
    "201-property-create-ticket-2024": Case(),
    "201-property-group-create-2026": Case(),
    "207-properties-batch-create-already-exist": Case(taken),
    "400-property-group-in-use-2026-09": Case(holder),
    "400-property-in-use-2026-09": Case(used, differs=_ORDER),
    "409-property-exists-2026-09": Case(
        exists,
        differs=_ORDER,
        path="/crm/properties/2026-09/p_custom",
        sent={
            "name": _TEXT,
            "label": "Text",
            "type": "string",
            "fieldType": "text",
            "groupName": "custom_information",
        },
    ),
}
