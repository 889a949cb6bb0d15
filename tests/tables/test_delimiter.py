import csv
import io

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._tables.column_mapping import BadRow
from hubbatch._tables.delimiter import (
    CANDIDATES,
    declared_delimiter,
    find_delimiter,
)


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("sep=;\r\n", ";"),
        ("SEP=,\n", ","),
        ("sep=\t\n", "\t"),
        ('"sep=|"\n', "|"),
        ("\ufeffsep=;", ";"),
        ("sep=\n", None),
        ("sep=;;\n", None),
        ("id;subject\n", None),
        ("", None),
    ],
)
def test_a_first_line_declares_the_delimiter(line: str, delimiter: str | None) -> None:
    assert declared_delimiter(line) == delimiter


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["id,subject\n", "1,a\n"], ","),
        (["id;subject\n", "1;a, b\n"], ";"),
        (["id\tsubject\n", "1\ta;b\n"], "\t"),
        (["id|subject\n"], "|"),
        # A decimal comma, and a comma in a name: every row is cut in two by commas too,
        # but not the header.
        (["ref;price\n", "A;1,5\n", "B;2,5\n"], ";"),
        (['ref;"price, net"\n', "A;1,5\n"], ";"),
        # The header is cut by both, and only one delimiter fits the rows.
        (["id;price, net\n", "1;2\n", "2;3\n"], ";"),
        (["id,a;b\n", "1,x\n", "2,y\n"], ","),
        # A row that is shorter is possible; a row that is longer is not.
        (["id;a, b;c\n", "1;x\n", "2;y;z\n"], ";"),
        # One column, and nothing at all.
        (["email\n", "ada@example.com\n"], ","),
        (["id\n", "1,2\n"], ","),
        ([], ","),
        (["\n", "\n"], ","),
        # Rows that are too long for any delimiter are reported by their line.
        (["id;subject\n", "1;a;b\n"], ";"),
        (["id,subject\n", '1,"never closed\n'], ","),
    ],
)
def test_the_delimiter_is_found_in_the_first_rows(
    lines: list[str], delimiter: str
) -> None:
    assert find_delimiter(lines) == delimiter


def test_two_delimiters_that_fit_are_not_guessed_between() -> None:
    with pytest.raises(BadRow) as refused:
        find_delimiter(["ref;price, net\n", "A;1,5\n", "B;2,5\n"])

    assert "separated by commas or semicolons" in str(refused.value)
    assert refused.value.option == ("delimiter", ",")


@given(
    st.sampled_from(CANDIDATES),
    st.lists(
        st.lists(st.text("abc ,;|\t\"'\n", max_size=6), min_size=3, max_size=3),
        max_size=6,
    ),
)
def test_a_quoted_file_of_any_content_has_its_own_delimiter(
    delimiter: str, rows: list[list[str]]
) -> None:
    """What is in quotes does not count, as the header has plain names."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "first", "last"], *rows])

    lines = file.getvalue().splitlines(keepends=True)

    assert find_delimiter(lines) == delimiter
