"""Our decorators make the classes that attrs makes."""

import pickle

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import _classes


Decorator = Callable[..., Any]
PAIRS = [(_classes.define, attrs.define), (_classes.frozen, attrs.frozen)]


def made(decorator: Decorator, **options: Any) -> Any:
    """Make a class that has a field of every kind."""

    @decorator(**options)
    class Thing:
        a: object
        _private: object = None
        secret: str = attrs.field(default="s", repr=False)
        short: str = attrs.field(default="long", repr=lambda value: value[:1])
        not_compared: object = attrs.field(default=None, eq=False)
        not_hashed: object = attrs.field(default=(), hash=False)
        derived: object = attrs.field(default=3, init=False)

    return Thing


THINGS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    a=st.integers(0, 1) | st.text(max_size=1) | st.floats(),
    private=st.integers(0, 1),
    secret=st.sampled_from(["s", "t"]),
    short=st.sampled_from(["long", "lone"]),
    not_compared=st.integers(0, 1),
    not_hashed=st.integers(0, 1),
)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@given(THINGS, THINGS)
def test_it_prints_and_compares_as_with_attrs(
    ours: Decorator, theirs: Decorator, one: dict[str, Any], other: dict[str, Any]
) -> None:
    a, b = (made(ours)(**values) for values in (one, other))
    c, d = (made(theirs)(**values) for values in (one, other))
    our, their = (made(decorator) for decorator in (ours, theirs))

    assert repr(a) == repr(c)
    assert (our(**one) == our(**other)) == (their(**one) == their(**other))
    assert (our(**one) != our(**other)) == (their(**one) != their(**other))
    assert a != b  # of two classes, however alike
    assert c != d
    assert our(**one) != 1


@given(THINGS, THINGS)
def test_equal_ones_have_equal_hashes(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    cls = made(_classes.frozen)
    a, b = cls(**one), cls(**other)

    assert hash(a) == hash(cls(**one))
    if a == b:
        assert hash(a) == hash(b)
    assert hash(a) == hash(attrs.evolve(a, not_hashed=[], not_compared=[]))


def test_values_that_differ_have_other_hashes() -> None:
    cls, other = made(_classes.frozen), made(_classes.frozen)

    assert len({cls(n) for n in range(100)}) == 100
    assert len({hash(it) for it in (cls(1), cls("1"), other(1))}) == 3


@pytest.mark.parametrize("decorator", [_classes.define, attrs.define])
def test_what_can_change_cannot_be_hashed(decorator: Decorator) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(made(decorator)(1))


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("options", [{"eq": False}, {"eq": False, "kw_only": True}])
def test_without_equality_it_is_itself(
    pair: tuple[Decorator, Decorator], options: dict[str, Any]
) -> None:
    for decorator in pair:
        cls = made(decorator, **options)
        a, b = cls(a=1), cls(a=1)

        assert a != b
        assert len({a, b, a}) == 2


@pytest.mark.parametrize("decorator", [_classes.frozen, attrs.frozen])
@pytest.mark.parametrize("options", [{"cache_hash": True}, {"unsafe_hash": True}])
def test_a_hash_that_a_class_asks_for_is_attrs_own(
    decorator: Decorator, options: dict[str, Any]
) -> None:
    cls = made(decorator, **options)

    assert cls(1) == cls(1)
    assert hash(cls(1)) == hash(cls(1))
    assert cls.__hash__ is not made(decorator).__hash__


@pytest.mark.parametrize("pair", PAIRS)
def test_own_methods_are_kept(pair: tuple[Decorator, Decorator]) -> None:
    for decorator in pair:

        @decorator
        class Own:
            a: int = 1

            def __repr__(self) -> str:
                return "own"

            def __eq__(self, other: object) -> bool:
                return True

            def __hash__(self) -> int:
                return 7

        @decorator
        class Derived(Own):
            b: int = 2

        assert repr(Own()) == "own"
        assert Own() == 1
        assert hash(Own()) == 7
        assert repr(Derived()).endswith("Derived(a=1, b=2)")
        assert Derived() != 1


@pytest.mark.parametrize("pair", PAIRS)
def test_what_contains_itself_can_be_printed(pair: tuple[Decorator, Decorator]) -> None:
    for decorator in pair:
        items: list[object] = []
        items.append(made(decorator)(items))

        assert repr(items[0]).startswith("Thing(a=[...], _private=")


@_classes.define
class Plain:
    """It is found by its name, as pickle needs."""

    a: int


@_classes.frozen
class Frozen:
    a: int


@pytest.mark.parametrize("value", [Plain(1), Frozen(1)])
def test_it_survives_pickle(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 -- our own


def test_a_field_that_has_no_value_yet_is_printed() -> None:
    for decorator in (_classes.define, attrs.define):

        @decorator
        class Late:
            a: int = attrs.field(init=False)

        assert repr(Late()).endswith("Late(a=NOTHING)")
