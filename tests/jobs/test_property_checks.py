from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._wire.codecs.definitions import structure_properties
from hubbatch.jobs.checks.property_checks import Checker
from hubbatch.jobs.checks.value_checks import LONGEST_TEXT, Problem
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
        ("number", "4,68", "INVALID_INTEGER", True),
        ("number", "1E+05", "INVALID_INTEGER", True),
        ("number", "NULL", "INVALID_INTEGER", True),
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
        ("bool", "TRUE", "INVALID_OPTION", True),
        ("bool", "true ", "INVALID_OPTION", False),
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
    """A label is not a value, case matters, and white space may or may not."""
    one = enumeration("HIGH", "LOW")

    assert check(one, "HIGH") is None
    wrong, label, case, space = (
        check(one, text) for text in ("NO", "The HIGH", "low", "LOW ")
    )

    assert wrong is not None
    assert wrong.certain
    assert wrong.message == (
        'property "one": "NO" is not one of its options: HIGH, LOW'
    )
    assert label is not None
    assert label.certain
    assert label.message.endswith('; did you mean "HIGH"?')
    assert case is not None
    assert case.certain
    assert case.message.endswith('; did you mean "LOW"?')
    assert space is not None
    assert not space.certain


def test_several_options_in_one_value() -> None:
    assert check(enumeration("a", "b", several=True), "a;b") is None
    assert check(enumeration("a", "b", several=True), "a;b;") is None
    added = check(enumeration("a", "b", several=True), ";a;b")
    assert added is not None
    assert (added.code, added.certain) == ("ADDED_OPTIONS", False)
    assert check(enumeration("a", "b", several=True), "a;c") is not None
    assert check(enumeration("a", "b"), "a;b") is not None


def test_options_that_are_kept_elsewhere() -> None:
    """Owners and pipelines have no options in their definition."""
    assert check(enumeration(), "1234") is None
    owner = check(enumeration(), "#N/A")
    assert owner is not None
    assert not owner.certain
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


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("a@b.example", True),
        ("a.b+c@mail.b-c.example", True),
        ("o'hara@xn--mnchen-3ya.example", True),
        ("a@ünï.example", True),
        ("a@b.xn--3e0b707e", True),
        (" a@b.example ", True),  # with a warning
        ("a@b", False),
        ("a@b.c", False),
        ("a@b.c0m", False),
        ("a@b.con", False),
        ("a@@b.example", False),
        ("a b@b.example", False),
        ("a..b@b.example", False),
        (".a@b.example", False),
        ("a.@b.example", False),
        ("a@b..example", False),
        ("a@-b.example", False),
        ("a@b.example.", False),
        ('"a"@b.example', False),
        ("a@b.example;c@d.example", False),
        ("A <a@b.example>", False),
    ],
)
def test_an_address_is_checked_as_hubspot_does(address: str, accepted: bool) -> None:  # noqa: FBT001 -- a column of the table
    problem = check(Property("email", type="string"), address, "contacts")

    there = property_types.Property("email", email=True).accept(address)
    assert isinstance(there, str) is accepted
    assert (problem is None or not problem.certain) is accepted
    if not accepted:
        assert problem is not None
        assert problem.code == "INVALID_EMAIL"


@pytest.mark.parametrize(
    ("kind", "text", "code", "words"),
    [
        ("datetime", "1767225600", "UNLIKELY_TIME", "seconds since 1970 (2026-01-01)"),
        ("datetime", "46023", "UNLIKELY_TIME", "day number (2026-01-01)"),
        ("datetime", "20260131", "UNLIKELY_TIME", "without hyphens (2026-01-31)"),
        ("datetime", "20261345", "UNLIKELY_TIME", "1970-01-01 05:37 UTC for HubSpot"),
        ("datetime", "-1", "UNLIKELY_TIME", "1969-12-31 23:59 UTC"),
        ("datetime", "0001-01-01T00:00:00Z", "UNLIKELY_TIME", "for HubSpot"),
        ("datetime", "9999-12-31T00:00:00Z", "UNLIKELY_TIME", "9999-12-31 00:00 UTC"),
        ("datetime", "1767225600000", None, ""),
        ("datetime", "2026-05-31", "NO_TIME_ZONE", "reads it as UTC"),
        ("datetime", "2026-05-31T10:00", "NO_TIME_ZONE", "reads it as UTC"),
        ("date", "1985-05-31", None, ""),
        ("date", "1899-12-30", "UNLIKELY_TIME", "1899-12-30"),
        ("date", "0", "UNLIKELY_TIME", "1970-01-01 00:00 UTC"),
        ("date", "46023", "INVALID_DATE", "day number (2026-01-01)"),
        ("date", "1767225600", "INVALID_DATE", "multiply it by 1,000"),
        ("datetime", "253402300800000", "INVALID_LONG", "is not a date and time"),
        ("datetime", "0001-01-01T00:00:00+14:00", "INVALID_LONG", "is not a date"),
        ("string", "NULL", "ARTIFACT", "is written as text"),
        ("string", "\\N", "ARTIFACT", "is written as text"),
        ("string", "#N/A", "ARTIFACT", "is written as text"),
        ("string", "nan", "ARTIFACT", "is written as text"),
        ("string", "None", "ARTIFACT", "is written as text"),
        ("string", "########", "ARTIFACT", "is written as text"),
        ("string", "#1", None, ""),
        ("string", "Nan Goldin", None, ""),
        ("string", "3.36E+10", "ARTIFACT", "a spreadsheet has shortened"),
        ("string", "33612345678.0", None, ""),
        ("phone_number", "33612345678.0", "ARTIFACT", "read as a decimal number"),
        ("phone_number", "+33 6 12 34 56 78", None, ""),
    ],
)
def test_values_that_are_read_as_something_else(
    kind: str, text: str, code: str | None, words: str
) -> None:
    problem = check(Property("one", type=kind), text)

    assert (problem and problem.code) == code
    if problem is not None:
        assert words in problem.message
        # What begins like a date may be one to HubSpot.
        nearly = text.startswith("0001")
        refused = code in ("INVALID_DATE", "INVALID_LONG")
        assert problem.certain is (refused and not nearly)


def test_addresses_of_contacts() -> None:
    """Only a contact's `email` must be an e-mail address."""
    email = Property("email", type="string")

    assert check(email, "nobody", "tickets") is None
    assert check(email, "a@b.example", "contacts") is None
    assert check(email, "", "contacts") is None
    nobody = check(email, "nobody", "0-1")
    assert nobody is not None
    assert nobody.certain


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
        *(
            "1",
            "1.5",
            "1,5",
            "true",
            "TRUE",
            "a",
            "b",
            "B;a",
            " a",
            "a@b.co",
            "a@b.con",
        ),
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
