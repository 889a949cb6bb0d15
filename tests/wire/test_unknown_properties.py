import pytest

from hubbatch._wire.unknown_properties import describe_unknown


KNOWN = ["email", "firstname", "lastname", "hs_lead_status"]


@pytest.mark.parametrize(
    ("names", "known", "message"),
    [
        (["email"], KNOWN, None),
        (
            ["frist_name", "email"],
            KNOWN,
            (
                'There is no property "frist_name" (did you mean "firstname"?) of '
                "contacts that the token can read."
            ),
        ),
        (
            ["leadStatus", "zzz"],
            KNOWN,
            (
                'There are no properties "leadStatus" (did you mean '
                '"hs_lead_status"?), "zzz" of contacts that the token can read.'
            ),
        ),
        (
            ["a", "b"],
            None,
            'No record of contacts has "a", "b": check the names.',
        ),
    ],
)
def test_unknown_names_are_described_with_what_was_meant(
    names: list[str], known: list[str] | None, message: str | None
) -> None:
    assert describe_unknown("contacts", names, known) == message
