"""Text that is not ours is shown, and does nothing."""

import unicodedata

import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from hubbatch._escapes import visible


# Format characters that have a glyph: signs of Arabic, Syriac and Kaithi numbers.
GLYPHS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"
GLYPHS += "\U000110bd\U000110cd"

anything = st.text(st.characters(codec=None, exclude_categories=()))
unsafe = st.one_of(
    *(st.characters(codec=None, categories=[kind]) for kind in ("Cc", "Cf", "Cs")),
    st.sampled_from("\u2028\u2029\u200b\u3164\u115f\u034f"),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain, é, 漢字, 👩‍🚀".replace("\u200d", ""), "plain, é, 漢字, 👩🚀"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
        (r"C:\new\x1b", r"C:\new\x1b"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\tb\r\nc\x00\x7f", r"a\tb\r\nc\x00\x7f"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("moc\u202eexe.\u2066", r"moc\u202eexe.\u2066"),
        ("pay\u200bpal\ufeff", r"pay\u200bpal\ufeff"),
        ("x\udce9", r"x\udce9"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_control_characters_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_what_is_kept_is_left_alone() -> None:
    assert visible("a\n\tb\r\n", keep="\n\t") == "a\n\tb\\r\n"


@given(anything)
@example("".join(map(chr, range(0x110000))))
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = visible(text)

    shown.encode("utf-8")
    acting = {
        one
        for one in shown
        if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }
    assert acting <= {*GLYPHS}
    assert not {*"\u034f\u115f\u1160\u17b4\u17b5\u180b\u3164\uffa0"} & {*shown}


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"])))
def test_letters_of_all_scripts_stay(text: str) -> None:
    hidden = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"

    kept = "".join(one for one in text if one not in hidden)

    assert visible(kept) == kept


@given(anything)
def test_it_changes_nothing_twice(text: str) -> None:
    shown = visible(text)

    assert visible(shown) == shown
    assert shown == "".join(map(visible, text))
    assert len(shown) >= len(text)


@given(st.lists(st.one_of(unsafe, st.sampled_from(GLYPHS)), min_size=1))
def test_each_character_is_one_escape(characters: list[str]) -> None:
    shown = "".join(map(visible, characters))

    assert visible("".join(characters)) == shown
    for one in {*characters} - {*GLYPHS}:
        escape = visible(one)
        assert escape.startswith("\\")
        assert escape.encode().decode("unicode_escape") == one
