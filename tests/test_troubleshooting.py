"""docs/troubleshooting.md: each message on it becomes what the page says."""

import re

from pathlib import Path

import orjson
import pytest

import hubbatch

from hubbatch import APIError, StandardError
from hubbatch._http import Response
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.record_errors import (
    record_error_from_207,
    record_error_from_refusal,
)
from hubbatch._outcomes.verdicts import Fatal, Refused, Throttled, Unauthorized

from .outcomes.helpers import UPDATE, chunk_of, some_inputs


PAGE = (Path(__file__).parents[1] / "docs" / "troubleshooting.md").read_text()
ROW = re.compile(r"^\| `(.+?)` \| (\d{3}) \| `?([\w ]+?)`? \| (.*) \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE)
CATEGORIES = {400: "VALIDATION_ERROR", 409: "CONFLICT"}
TAKEN_CARE_OF = {"sent apart": "duplicates", "halved": "inputs"}


def named_in(told: str, word: str) -> str | None:
    found = re.search(rf"{word} ([A-Z_]+)", told)
    return found[1] if found else None


def settled(message: str, status: int, told: str) -> str:
    """Return, in the page's words, the outcome of an answer with this message."""
    category = named_in(told, "category") or CATEGORIES.get(status, "VALIDATION_ERROR")
    if status == 207:
        error = record_error_from_207(StandardError(category=category, message=message))
        return type(error).__name__
    answer = Response(
        status, {}, orjson.dumps({"message": message, "category": category})
    )
    match classify(UPDATE, chunk_of(UPDATE, some_inputs(UPDATE, 1)), answer):
        case Throttled():
            return "waited for"
        case Refused(because="records") as verdict:
            return type(record_error_from_refusal(verdict.error)).__name__
        case Refused(because="syntax", error=ending):
            return type(ending).__name__
        case Refused(because=because):
            return because
        case Fatal(error=ending) | Unauthorized(error=ending):
            return type(ending).__name__
        case verdict:
            pytest.fail(f"{verdict} is not on the page")


@pytest.mark.parametrize(
    ("message", "status", "named", "told"), ROWS, ids=[row[0][:60] for row in ROWS]
)
def test_a_message_becomes_what_the_page_says(
    message: str, status: str, named: str, told: str
) -> None:
    assert settled(message, int(status), told) == TAKEN_CARE_OF.get(named, named)


def test_a_list_of_problems_is_told_as_its_first() -> None:
    """It has the code that the page names."""
    [listed] = [row[0] for row in ROWS if row[0].startswith("Property values")]
    error = record_error_from_refusal(APIError(listed, status=400))

    assert (error.code, error.message) == ("PROPERTY_DOESNT_EXIST", ROWS[0][0])


def test_the_page_has_its_rows() -> None:
    assert len(ROWS) == PAGE.count("| 207 |") + len(re.findall(r"\| 4\d\d \|", PAGE))
    assert len(ROWS) > 20


def test_the_classes_are_public() -> None:
    named = {row[2] for row in ROWS} - {*TAKEN_CARE_OF, "waited for"}

    assert named <= {*hubbatch.__all__}
