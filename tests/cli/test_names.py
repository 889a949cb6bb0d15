"""Names that users type: hints, and what a shell completes."""

import json

from pathlib import Path

import click
import pytest

from click.shell_completion import ShellComplete

from hubbatch._wire.object_types import ObjectType, StandardTypes
from hubbatch_entry.commands import hubbatch
from hubbatch_entry.names import OBJECT_TYPES

from .conftest import Shell


def completed(*words: str, incomplete: str) -> list[str]:
    """Return what a shell offers for the last word."""
    complete = ShellComplete(hubbatch, {}, "hubbatch", "_HUBBATCH_COMPLETE")
    return [item.value for item in complete.get_completions([*words], incomplete)]


def test_the_object_types_are_those_of_the_client() -> None:
    known = [n for n, one in vars(StandardTypes).items() if isinstance(one, ObjectType)]
    assert [*OBJECT_TYPES] == known


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ticket", "tickets"),
        ("company", "companies"),
        ("tax", "taxes"),
        ("Tickets", "tickets"),
        ("line-item", "line_items"),
        ("postal-mail", "postal_mail"),
        ("line items", "line_items"),
    ],
)
def test_a_singular_means_the_plural(shell: Shell, name: str, meant: str) -> None:
    shell.write("t.csv", "id,subject", "1,x")
    done = shell("update", name, "t.csv", "--dry-run")
    assert f"update {meant}: 1 row" in done.err
    assert "warning" not in done.err


@pytest.mark.parametrize(
    ("name", "meant"), [("tikets", "tickets"), ("contcts", "contacts")]
)
def test_a_name_that_resembles_a_type_is_warned_about(
    shell: Shell, name: str, meant: str
) -> None:
    shell.write("t.csv", "id,subject", "1,x")
    done = shell("update", name, "t.csv", "--dry-run")
    assert done.lines[0] == (
        f"warning: HubSpot has no standard object type {name}. Did you mean {meant}?"
    )
    assert done.status == 0


@pytest.mark.parametrize("name", [*OBJECT_TYPES, "2-3456", "p1_ticket", "cars", "bus"])
def test_any_other_type_is_left_to_hubspot(name: str) -> None:
    command = hubbatch.commands["count"]
    with click.Context(command) as context:
        [param] = [one for one in command.params if one.name == "object_type"]
        assert param.type.convert(name, param, context) == name


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (
            ["t.csv", "--property", "Phone", "Number=phone"],
            'quote both: --property "Phone Number=phone"',
        ),
        (
            ["--id-column", "Record", "ID", "t.csv"],
            "Got unexpected extra argument (t.csv)",
        ),
        (["my", "file.csv"], 'quote both: "my file.csv"'),
    ],
)
def test_a_name_with_a_space_has_to_be_quoted(
    shell: Shell, words: list[str], advice: str
) -> None:
    done = shell("update", "tickets", *words)
    assert done.status == 2
    assert advice in done.err


def test_other_usage_errors_stay_as_they_are(shell: Shell) -> None:
    done = shell("update", "tickets", "t.csv", "--jurnal", "x")
    assert "quote" not in done.err
    after = shell("update", "tickets", "t.csv", "--legacy", "x")
    assert "quote" not in after.err


def test_object_types_are_completed() -> None:
    assert completed("update", incomplete="ti") == ["tickets"]
    assert completed("associate", "contacts", incomplete="comp") == ["companies"]


def test_properties_are_completed_from_a_saved_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUBBATCH_SCHEMA", raising=False)
    words = ("update", "tickets", "t.csv", "--property")
    assert completed(*words, incomplete="") == []
    names = ["subject", "hs_pipeline", "hs_pipeline_stage"]
    schema = {"results": [{"name": name, "label": name.title()} for name in names]}
    Path("tickets-schema.json").write_text(json.dumps(schema))
    Path("deals-schema.json").write_text(json.dumps({"results": [{"name": "amount"}]}))
    Path("schema.json").write_text("[]")
    assert completed(*words, incomplete="su") == ["subject"]
    assert completed(*words, incomplete="Stage=hs_") == [
        "Stage=hs_pipeline",
        "Stage=hs_pipeline_stage",
    ]
    check = ("check", "tickets", "t.csv", "--schema", "deals-schema.json")
    assert completed(*check, "--id-property", incomplete="") == ["amount"]
    monkeypatch.setenv("HUBBATCH_SCHEMA", "deals-schema.json")
    assert completed(*words, incomplete="") == ["amount"]
    Path("deals-schema.json").write_text('{"properties": [{"name": "dealname"}]}')
    assert completed(*words, incomplete="") == ["dealname"]
