"""Object types: what a misspelled one suggests."""

import copy
import inspect
import pickle
import re

import pytest

from hubbatch._wire.object_types import STANDARD_TYPES, StandardTypes


class Client(StandardTypes):
    def __init__(self) -> None:
        self.single = "calls"

    def objects(self, object_type: str) -> str:
        return f"verbs of {object_type}"

    @property
    def broken(self) -> str:
        return self._missing  # type: ignore[attr-defined, no-any-return] # that is the point


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ticket", "tickets"),
        ("Tickets", "tickets"),
        ("contact", "contacts"),
        ("company", "companies"),
        ("lineitems", "line_items"),
        ("lineItems", "line_items"),
        ("contcats", "contacts"),
        ("singles", "single"),
        ("object", "objects"),
    ],
)
def test_a_near_miss_names_the_attribute_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(Client(), name)

    message = str(caught.value)
    assert message.startswith(f"'Client' object has no attribute '{name}'. ")
    assert f"Did you mean `{meant}`?" in message
    # The interpreter adds its own suggestion to an error that names its object.
    assert (caught.value.name, caught.value.obj) == (name, None)


def test_any_other_name_may_be_that_of_a_custom_type() -> None:
    with pytest.raises(AttributeError) as caught:
        _ = Client().spaceships  # type: ignore[attr-defined] # that is the point

    assert str(caught.value) == (
        "'Client' object has no attribute 'spaceships'. "
        'A custom object type is `.objects("spaceships")`.'
    )


def test_what_exists_is_found_as_before() -> None:
    client = Client()

    assert client.tickets == "verbs of tickets"
    assert client.single == "calls"
    assert getattr(client, "spaceships", None) is None
    assert not hasattr(client, "__deepcopy__")
    assert copy.copy(client).single == "calls"
    assert pickle.loads(pickle.dumps(client)).single == "calls"  # noqa: S301 -- our own


def test_the_error_within_a_property_is_not_hidden() -> None:
    with pytest.raises(AttributeError, match="'Client' object has no attribute '_miss"):
        _ = Client().broken


def test_the_docstring_of_an_object_type_lists_its_verbs() -> None:
    """An editor shows the string below the attribute."""
    below = re.findall(
        r'^    (\w+): (?:Object|Contacts)Type = (?:.|\n)*?\)\n    """(.+)"""$',
        inspect.getsource(StandardTypes),
        re.MULTILINE,
    )

    assert dict(below) == {
        name: f"{name.replace('_', ' ').capitalize()}: {', '.join(row.verbs)}."
        for name, row in STANDARD_TYPES.items()
    }
