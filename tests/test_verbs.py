"""What all classes with batch verbs share, and show to a reader."""

import inspect

from typing import Any

import pytest

from hubbatch import HubBatch, Merges, Objects, Options
from hubbatch._verbs import Verbs


def faces() -> list[Any]:
    """Return an instance of each class whose methods are batch verbs."""
    hub = HubBatch("pat-na1-x")
    links = hub.associations("a", "b")
    older = hub.associations("a", "b", api_version="v3")
    found = [hub.tickets, links, links.limits, older, hub.properties("a"), hub.schemas]
    found += [hub.list_memberships("contacts"), hub.deal_splits, hub.legacy.tickets]
    found += [hub.lists(581)]
    found += [hub.connection_statuses]
    found += [hub.events, hub.contacts]
    return found


def with_verbs() -> list[type[Any]]:
    """Return the classes whose methods are batch verbs."""
    return [*map(type, faces()), Merges]


def test_every_class_with_verbs_is_known() -> None:
    assert {*with_verbs()} == {*Verbs.__subclasses__(), *Objects.__subclasses__()}


@pytest.mark.parametrize("cls", with_verbs())
def test_what_all_verbs_do_is_in_the_help_of_each_class(cls: type[Any]) -> None:
    """It is written once, and follows the docstring of the class."""
    own, shared, _ = (inspect.getdoc(cls) or "").partition("**What every verb does.**")

    assert shared
    assert own.endswith("\n\n")
    assert not own.startswith("Base of")
    assert "`HubSpotUnavailable`" in (inspect.getdoc(cls) or "")


@pytest.mark.parametrize("cls", with_verbs())
def test_the_signature_of_a_verb_shows_its_options(cls: type[Any]) -> None:
    verbs = [
        verb
        for name, verb in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and "Batch[" in str(inspect.signature(verb))
    ]

    assert verbs
    for verb in verbs:
        shown = inspect.signature(verb).parameters
        assert [*shown][-4:] == [*Options.__annotations__]
        defaults = [shown[name].default for name in [*shown][-4:]]
        assert defaults == [True, "auto", 0.1, None]
        assert all(one.kind is not one.VAR_KEYWORD for one in shown.values())


@pytest.mark.parametrize("face", faces(), ids=repr)
def test_an_unknown_keyword_argument_of_a_verb(face: Any) -> None:
    """The message lists those that the verb has, its own and the options."""
    verbs = [
        verb
        for name, verb in inspect.getmembers(face, inspect.ismethod)
        if not name.startswith("_") and "Batch[" in str(inspect.signature(verb))
    ]

    assert verbs
    for verb in verbs:
        parameters = inspect.signature(verb).parameters.values()
        known = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
        with pytest.raises(TypeError) as caught:
            verb([], chunks=5)
        assert str(caught.value).endswith(
            "() got an unexpected keyword argument 'chunks'. Its keyword arguments are "
            f"{', '.join(known)}."
        )


@pytest.mark.parametrize("name", ["idProperty", "id_propertie", "ID_PROPERTY"])
def test_a_misspelled_keyword_argument_of_a_verb(name: str) -> None:
    tickets: Any = HubBatch("pat-na1-x").tickets

    with pytest.raises(TypeError, match=r"Did you mean id_property\?"):
        tickets.update([], **{name: "ref"})


def test_a_method_that_is_no_verb_keeps_its_signature() -> None:
    tickets = HubBatch("pat-na1-x").tickets

    assert [*inspect.signature(tickets.list).parameters] == [
        "properties",
        "archived",
        "into",
    ]


@pytest.mark.parametrize("cls", with_verbs())
def test_the_signature_of_a_verb_names_types_as_users_import_them(
    cls: type[Any],
) -> None:
    """`help()` and notebooks show it: no alias is expanded, no private module named."""
    for _, verb in inspect.getmembers(cls, inspect.isfunction):
        if "linger" in inspect.signature(verb).parameters:
            shown = str(inspect.signature(verb))
            assert ": 'Inputs[" in shown
            assert "hubbatch." not in shown
