"""The table of endpoints and its lookup."""

import re

import pytest

from hubbatch._validators import check_api_version, check_object_type
from hubbatch._wire.calls import ApiName
from hubbatch._wire.codecs import legacy
from hubbatch._wire.endpoints import (
    ENDPOINTS,
    LEGACY_TYPES,
    OBJECT_CALLS,
    RETIREMENTS,
    ROWS,
    Repeats,
    Verb,
    named_call,
    operation_for,
)


VERBS: tuple[Verb, ...] = ("create", "read", "update", "upsert", "archive")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("version", "root"),
    [
        ("v3", "/crm/v3/objects"),
        ("2025-09", "/crm/objects/2025-09"),
        ("2026-03", "/crm/objects/2026-03"),
        ("2026-09", "/crm/objects/2026-09"),
        ("2027-03-beta", "/crm/objects/2027-03-beta"),
    ],
)
@pytest.mark.parametrize("object_type", ["tickets", "communications", "2-3456"])
def test_paths(verb: Verb, version: str, root: str, object_type: str) -> None:
    operation = operation_for("objects", verb, object_type, api_version=version)

    assert operation.path == f"{root}/{object_type}/batch/{verb}"
    assert operation.name == f"{object_type}.{verb}"
    assert operation.query == {}
    assert operation.max_inputs == 100


@pytest.mark.parametrize("object_type", sorted(LEGACY_TYPES))
def test_legacy_paths(object_type: str) -> None:
    operation = operation_for("legacy", "update", object_type)

    assert operation.path == f"/crm-objects/v1/objects/{object_type}/batch-update"
    assert operation.name == f"{object_type}.update"
    assert operation.call.codec is legacy.UPDATES


def test_crm_objects_v1_has_few_types() -> None:
    with pytest.raises(ValueError, match="crm-objects/v1 has no 'contacts'"):
        operation_for("legacy", "update", "contacts")


def test_an_endpoint_has_one_row() -> None:
    assert len(ENDPOINTS) == len(ROWS)


def test_an_endpoint_takes_its_own_number_of_object_types() -> None:
    with pytest.raises(TypeError, match="objects takes \\['type'\\], not"):
        operation_for("objects", "read", "contacts", "companies")
    with pytest.raises(TypeError, match="associations takes \\['source', 'target'\\]"):
        operation_for("associations", "read", "contacts")


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("v3", "/oauth/v3/token"),
        ("2025-09", "/oauth/v3/token"),
        ("2026-03-beta", "/oauth/v3/token"),
        ("2026-03", "/oauth/2026-03/token"),
        ("2026-09", "/oauth/2026-09/token"),
        ("2026-09-beta", "/oauth/v3/token"),
    ],
)
def test_versions_without_a_path_of_their_own_use_that_of_v3(
    version: str, path: str
) -> None:
    assert operation_for("oauth", "token", api_version=version).path == path


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("v3", "/crm/v3/properties/tickets"),
        ("2026-09", "/crm/properties/2026-09/tickets"),
        ("2026-09-beta", "/crm/properties/2026-09-beta/tickets"),
        ("2027-03-beta", "/crm/schemas/2027-03-beta/objects/tickets/properties"),
        ("2027-03", "/crm/schemas/2027-03/objects/tickets/properties"),
    ],
)
def test_properties_have_another_path_from_2027_on(version: str, path: str) -> None:
    operation = operation_for("property_lists", "read", "tickets", api_version=version)
    assert operation.path == path


@pytest.mark.parametrize(
    ("api", "version", "named"),
    [
        ("objects", "v3", "v3"),
        ("objects", "2026-09", "2026-09"),
        ("associations", "v3", "2026-03"),
        ("associations", "2026-09", "2026-09"),
        ("v3_associations", "2026-09", "v3"),
        ("legacy", "2026-09", "v1"),
        ("connection_statuses", "2026-09", "v3"),
        ("oauth", "2025-09", "v3"),
        ("oauth", "2026-03", "2026-03"),
    ],
)
def test_an_operation_knows_the_version_that_its_path_names(
    api: ApiName, version: str, named: str
) -> None:
    row = next(row for row in ROWS if row.api.name == api)
    types = ("tickets", "tickets")[: row.api.label.count("{")]
    operation = operation_for(api, row.verb, *types, api_version=version)

    assert operation.version == named
    assert f"/{named}/" in operation.path


def test_every_version_with_an_end_has_calls() -> None:
    """v4 is in the calendar so that no path goes back to it unnoticed."""
    named = {row.api.version("v3") for row in ROWS}

    assert named <= RETIREMENTS.keys()
    assert {*RETIREMENTS} - named == {"v4", "2025-09", "2026-09"}


@pytest.mark.parametrize("version", ["v1", "v4", "2026", "2026-3", "../v3", "", "V3"])
def test_other_api_versions_are_refused(version: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(version))):
        check_api_version(version)


@pytest.mark.parametrize("version", ["v3", "2025-09", "2026-03", "2026-09-beta"])
def test_api_versions(version: str) -> None:
    assert check_api_version(version) == version


@pytest.mark.parametrize("object_type", ["tickets", "2-3456", "0-1", "p62515_car"])
def test_object_types(object_type: str) -> None:
    assert check_object_type(object_type) == object_type


@pytest.mark.parametrize("object_type", ["", "../tickets", "a/b", "a?b", "a b", "a\n"])
def test_an_object_type_stays_in_its_place(object_type: str) -> None:
    with pytest.raises(ValueError, match="is not an object type"):
        check_object_type(object_type)


def test_an_object_type_is_a_text() -> None:
    with pytest.raises(TypeError, match="An object type is a str"):
        check_object_type(5)  # type: ignore[arg-type] # the point of the test


def test_only_a_create_must_not_be_repeated() -> None:
    assert [verb for verb in VERBS if not OBJECT_CALLS[verb].retry_safe] == ["create"]
    assert ENDPOINTS["legacy", "update"].retry_safe


def test_repeated_keys() -> None:
    """Creates have no keys, writes wait for each other, the rest share a request."""
    assert {verb: OBJECT_CALLS[verb].repeats for verb in VERBS} == {
        "create": Repeats.INDEPENDENT,
        "read": Repeats.SHARES,
        "update": Repeats.WAITS,
        "upsert": Repeats.WAITS,
        "archive": Repeats.SHARES,
    }
    assert ENDPOINTS["legacy", "update"].repeats is Repeats.WAITS


def test_a_read_with_history_takes_fewer_inputs() -> None:
    plain = operation_for("objects", "read", "tickets", api_version="v3")
    told = operation_for(
        "objects",
        "read",
        "tickets",
        api_version="v3",
        properties_with_history=("subject",),
    )

    assert (plain.max_inputs, told.max_inputs) == (100, 50)


def test_archived_is_a_parameter_of_the_url() -> None:
    operation = operation_for(
        "objects", "read", "tickets", api_version="v3", archived=True
    )

    assert operation.query == {"archived": "true"}


@pytest.mark.parametrize(
    ("object_type", "id_property", "properties", "asked"),
    [
        ("tickets", None, (), ()),
        ("tickets", None, ("subject",), ("subject",)),
        ("tickets", "ref", ("subject",), ("subject", "ref")),
        ("tickets", "ref", ("ref",), ("ref",)),
        ("companies", "ref", (), ("name", "domain", "ref")),
        ("2-3456", "ref", (), ("ref",)),
        ("contacts", "email", ("city",), ("city", "email", "hs_additional_emails")),
        (
            "contacts",
            "email",
            (),
            ("firstname", "lastname", "email", "hs_additional_emails"),
        ),
        ("contacts", "ref", ("city",), ("city", "ref")),
        ("2-3456", "email", ("city",), ("city", "email")),
    ],
)
def test_a_read_asks_for_what_names_its_results(
    object_type: str,
    id_property: str | None,
    properties: tuple[str, ...],
    asked: tuple[str, ...],
) -> None:
    """And keeps HubSpot's defaults, which asking for anything turns off."""
    operation = operation_for(
        "objects",
        "read",
        object_type,
        api_version="v3",
        id_property=id_property,
        properties=properties,
    )

    assert operation.asked_properties == asked


@pytest.mark.parametrize("version", ["v3", "2025-09", "2026-03", "2026-09"])
def test_the_account_is_asked_for_in_the_version_s_path(version: str) -> None:
    operation = operation_for("account", "details", api_version=version)

    assert operation.path == f"/account-info/{version}/details"
    assert (operation.call.method, operation.max_inputs) == ("GET", 1)
    assert not operation.call.writes


def test_named_call() -> None:
    assert named_call("tickets.update").verb == "update"
    assert named_call("2-3456.read").max_inputs == 100


@pytest.mark.parametrize(
    "name", ["tickets", "", ".update", "tickets.delete", "a/b.update", "tickets.", 5]
)
def test_name_of_no_call(name: str) -> None:
    with pytest.raises(ValueError, match="object type"):
        named_call(name)
