from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._wire.codecs.definitions import structure_properties
from hubbatch.jobs.property_checks import LONGEST_TEXT, Checker, Problem
from hubbatch.models import Property, PropertyModificationMetadata, PropertyOption
from hubbatch.simulator.api.properties.definitions import property_json
from hubbatch.simulator.crm import property_types


def enumeration(*values: str, several: bool = False, **more: Any) -> Property:
    options = [PropertyOption(label=f"The {value}", value=value) for value in values]
    field_type = "checkbox" if several else "select"
    return Property(
        "one", type="enumeration", field_type=field_type, options=options, **more
    )


def check(one: Property, text: str, object_type: str = "tickets") -> Problem | None:
    found = Checker([one], "update", object_type).check({one.name: text})
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("kind", "text", "code", "certain"),
    [
        ("string", "x", None, False),
        ("string", "x" * LONGEST_TEXT, None, False),
        ("string", "x" * (LONGEST_TEXT + 1), "TOO_LONG", True),
        ("phone_number", " 1", "OUTER_WHITE_SPACE", False),
        ("string", "", None, False),
        ("number", "", None, False),
        ("number", "-1.5", None, False),
        ("number", ".5", None, False),
        ("number", "-1.5e3", "INVALID_INTEGER", True),
        ("number", "+7", "INVALID_INTEGER", True),
        ("number", "1.2.3", "INVALID_INTEGER", True),
        ("number", "$1,000", "INVALID_INTEGER", True),
        ("number", "1 000", "INVALID_INTEGER", True),
        ("number", " 7", "INVALID_INTEGER", False),
        ("number", "many", "INVALID_INTEGER", True),
        ("date", "", None, False),
        ("date", "2026-05-31", None, False),
        ("date", "1780185600000", None, False),
        ("date", "2026-05-31T10:00:00Z", "INVALID_DATE", True),
        ("date", "31.5.2026", "INVALID_LONG", True),
        ("date", "2026-05-32", "INVALID_LONG", False),
        ("datetime", "2026-05-31T10:00:00+02:00", None, False),
        ("datetime", "2026-05-31 10:00", "INVALID_LONG", False),
        ("datetime", "soon", "INVALID_LONG", True),
        ("bool", "true", None, False),
        ("bool", "", None, False),
        ("bool", "TRUE", "INVALID_OPTION", False),
        ("bool", "yes", "INVALID_OPTION", True),
        ("object_coordinates", "?", None, False),
        (None, "?", None, False),
    ],
)
def test_values(kind: str | None, text: str, code: str | None, certain: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Which values each type allows, and how certain that is."""
    problem = check(Property("one", type=kind), text)

    assert (problem and problem.code) == code
    if problem is not None:
        assert problem.certain is certain
        assert '"one"' in problem.message


def test_options() -> None:
    """A label is not a value, and case may or may not matter."""
    one = enumeration("HIGH", "LOW")

    assert check(one, "HIGH") is None
    wrong, label, case = (check(one, text) for text in ("NO", "The HIGH", "low "))

    assert wrong is not None
    assert wrong.certain
    assert wrong.message == (
        'property "one": "NO" is not one of its options: HIGH, LOW'
    )
    assert label is not None
    assert label.certain
    assert label.message.endswith('; did you mean "HIGH"?')
    assert case is not None
    assert not case.certain


def test_several_options_in_one_value() -> None:
    assert check(enumeration("a", "b", several=True), ";a;b") is None
    assert check(enumeration("a", "b", several=True), "a;c") is not None
    assert check(enumeration("a", "b"), "a;b") is not None


def test_options_that_are_kept_elsewhere() -> None:
    """Owners and pipelines have no options in their definition."""
    assert check(enumeration(), "1234") is None
    assert check(enumeration("1", external_options=True), "2") is None


def test_a_long_list_of_options_is_not_spelt_out() -> None:
    problem = check(enumeration(*map(str, range(1000))), "x" * 100)

    assert problem is not None
    assert problem.message.endswith("0, 1, 2, 3, 4, 5, … (1000 in all)")
    assert "x" * 41 not in problem.message


def test_what_cannot_be_set() -> None:
    """Read-only is certain; some calculated properties can be set all the same."""
    locked = PropertyModificationMetadata(read_only_value=True)
    open_ = PropertyModificationMetadata(read_only_value=False)

    certain = check(Property("one", modification_metadata=locked), "")
    perhaps = check(Property("one", modification_metadata=open_, calculated=True), "")

    assert certain == Problem(
        "READ_ONLY_VALUE", "one", 'property "one": it is read-only'
    )
    assert perhaps is not None
    assert not perhaps.certain


def test_properties_that_there_are_not() -> None:
    """The nearest name is suggested; an archived property does not exist."""
    checker = Checker(
        [Property("firstname"), Property("old", archived=True)], "update", "contacts"
    )

    near, gone, no = checker.check({"FirstNam": "x", "old": "x", "\0": "x"})

    assert near.message == (
        'property "FirstNam" does not exist; did you mean "firstname"?'
    )
    assert gone.message == 'property "old" does not exist'
    assert no.message == "property '\\x00' does not exist"
    assert [one.certain for one in checker.check_read(["firstname", "x"])] == [False]


def test_addresses_of_contacts() -> None:
    """Only a contact's `email` must be an e-mail address."""
    email = Property("email", type="string")

    assert check(email, "nobody", "tickets") is None
    assert check(email, "a@b.example", "contacts") is None
    assert check(email, "", "contacts") is None
    nobody, nearly = (check(email, text, "0-1") for text in ("nobody", "a@b"))
    assert nobody is not None
    assert nobody.certain
    assert nearly is not None
    assert not nearly.certain


def test_keys() -> None:
    """Some unique properties are not defined as unique."""
    defined = [
        Property("email"),
        Property("ref", has_unique_value=True),
        Property("name"),
        Property("hs_object_id"),
    ]
    checker = Checker(defined, "upsert", "contacts")

    found = {
        name: [(one.code, one.certain) for one in checker.check_key(name)]
        for name in (None, "email", "ref", "name", "hs_object_id", "no")
    }

    assert found == {
        None: [],
        "email": [],
        "ref": [],
        "name": [("NOT_UNIQUE", False)],
        "hs_object_id": [("NOT_UNIQUE", True)],
        "no": [("PROPERTY_DOESNT_EXIST", True)],
    }
    unique = [checker.is_unique(one) for one in ("email", "ref", "name", "no")]
    assert unique == [True, True, False, False]


KINDS = [
    property_types.Property("one", "string"),
    property_types.Property("one", "number"),
    property_types.Property("one", "date"),
    property_types.Property("one", "datetime"),
    property_types.Property("one", "bool"),
    property_types.Property("one", "enumeration", ("a", "B", "c d")),
    property_types.Property("one", "enumeration", ("a", "B", "c d"), multiple=True),
    property_types.Property("one", "number", read_only=True),
    property_types.Property("email", "string", email=True),
]
NEAR = st.sampled_from(
    [
        *("1", "1.5", "1,5", "true", "TRUE", "a", "b", "B;a", " a", "a@b.c"),
        *("2026-05-31", "2026-05-31T00:00:00+02:00", "2026-02-30"),
        *("1780185600000", "1780185600001"),
    ]
)
TEXTS = st.text(max_size=30) | NEAR | st.dates().map(str) | st.datetimes().map(str)


@given(st.sampled_from(KINDS), TEXTS)
def test_what_is_certain_is_refused_and_what_is_refused_is_found(
    one: property_types.Property, text: str
) -> None:
    """The simulator refuses what HubSpot was recorded to refuse."""
    kind = property_types.ObjectType("0-1", "contact", "contacts", {one.name: one})
    [defined] = structure_properties({"results": [property_json(kind, one)]})

    problem = check(defined, text, "contacts")

    refused = isinstance(one.accept(text), property_types.Problem)
    if problem is not None and problem.certain:
        assert refused
    if refused and not text.lstrip("-").isdecimal():  # years after 9999
        assert problem is not None
