from pathlib import Path

import pytest

from hubbatch.cli.check import _percent

from .conftest import Shell


CHECK = ("check", "contacts", "c.csv", "--id-property", "email")


def people(shell: Shell) -> None:
    shell.write(
        "c.csv",
        "email,hs_lead_status,firstnam",
        "a@b.example,NEW,x",
        "b@b.example,gone,",
        "c@b.example,[bold],",
    )


def test_check_says_what_would_be_refused(shell: Shell) -> None:
    people(shell)

    done = shell(*CHECK)

    assert (done.status, done.out) == (1, "")
    assert done.lines == [
        "error: INVALID_OPTION hs_lead_status, 2 rows",
        done.lines[1],
        done.lines[2],
        "error: PROPERTY_DOESNT_EXIST firstnam, 1 row",
        (
            '  row 1 (line 2): property "firstnam" does not exist; did you mean '
            '"firstname"?'
        ),
        (
            "3 rows: 3 would be refused, 0 have warnings. Sending the other 0 rows "
            "takes 0 calls and under 0.1 s, 0.0% of the daily calls. Nothing was sent."
        ),
    ]
    assert '"[bold]" is not one of its options' in done.lines[2]
    assert shell.sent == ["/crm/v3/properties/contacts"]


def test_check_goes_by_a_saved_schema_without_a_token(shell: Shell) -> None:
    people(shell)
    shell(*CHECK, "--save-schema", "s.json")
    asked = len(shell.sim.requests)

    done = shell(*CHECK, "--schema", "s.json", "--token-env", "NONE", "--json")

    assert done.status == 1
    assert len(shell.sim.requests) == asked
    told = done.json
    assert (told["rows"], told["refused"], told["share_of_day"]) == (3, 3, None)
    assert told["findings"][1] == {
        "code": "PROPERTY_DOESNT_EXIST",
        "property": "firstnam",
        "certain": True,
        "rows": 1,
        "examples": [
            {
                "index": 0,
                "line": 2,
                "message": 'property "firstnam" does not exist; did you mean '
                '"firstname"?',
            }
        ],
    }
    # What HubSpot then refuses is what the check has said.
    assert shell("upsert", *CHECK[1:]).status == 1
    assert shell.sim.store.count("contacts") == 0


def test_check_for_other_verbs(shell: Shell) -> None:
    """A warning is no failure."""
    people(shell)
    shell.write("ids.csv", "id", "1", "1")

    assert shell("check", "contacts", "c.csv", "--for", "create").status == 1
    read = ("check", "contacts", "ids.csv", "--for", "read", "--property")
    done = shell(*read, "no")
    assert done.status == 0
    assert done.lines[0] == "warning: PROPERTY_DOESNT_EXIST no"
    assert done.lines[1].startswith('  property "no" does not exist')
    assert (
        shell("check", "contacts", "ids.csv")
        .lines[-1]
        .startswith(
            "2 rows: 0 would be refused, 1 have warnings. Sending the other 2 rows "
            "takes 1 call and "
        )
    )


def test_check_of_what_cannot_be_checked(shell: Shell) -> None:
    people(shell)

    assert shell(*CHECK, "--account", "1").lines == [
        "error: The access token belongs to account 62515, not to 1."
    ]
    assert shell(*CHECK, "--account", "62515").status == 1
    assert shell(*CHECK, "--schema", "none.json").status == 2
    assert shell(*CHECK, "--limit", "0").status == 2
    # Its statuses are 0, 1 and 2: nothing was begun that could have ended early.
    assert shell("check", "widgets", "c.csv", "--id-column", "email").status == 2
    shell.sim.revoke_token(shell.sim.token)
    assert shell(*CHECK).status == 2
    assert shell("whoami").status == 3
    assert not Path("none.json").exists()


def test_check_that_is_interrupted(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not look as if a row were wrong."""
    people(shell)

    async def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hubbatch.cli.check.check", interrupted)

    assert shell(*CHECK).status == 130


def test_preflight_before_a_job(shell: Shell) -> None:
    people(shell)

    words = ("upsert", *CHECK[1:], "--preflight", "--journal", "run.db")
    done = shell(*words, "--json")

    assert done.status == shell(*CHECK).status == 1
    assert [done.json[name] for name in ("inputs", "failed", "not_sent")] == [3, 3, 0]
    assert done.lines[0] == "error: INVALID_OPTION hs_lead_status, 2 rows"
    assert done.lines[-2] == (
        "To write all rows with errors to a file: hubbatch check contacts c.csv --for "
        "upsert --id-property email --output refused.csv"
    )
    assert done.lines[-1].startswith("error: 3 of 3 rows would be refused (row 2: ")
    assert shell.sim.store.count("contacts") == 0


def test_an_id_that_no_record_can_have(shell: Shell) -> None:
    """HubSpot refuses it, or does nothing with it in silence."""
    shell.write("ids.csv", "id,subject", "1,x", "abc,x")

    for verb, status in (("update", 1), ("read", 1), ("archive", 0)):
        done = shell("check", "tickets", "ids.csv", "--for", verb)
        assert done.status == status
        assert "NO_RECORD_ID, 1 row" in done.lines[0]
        assert '"abc" is not a record id' in done.lines[1]


def test_what_a_new_record_must_have(shell: Shell) -> None:
    """By the schema of the type; only of a type of one's own that is certain."""
    car = shell.sim.store.define("car", ["colour", "plate"], required=["plate"]).id
    shell.write("cars.csv", "colour,plate", "red,", "blue,A-1")
    words = ("check", car, "cars.csv", "--for", "create")

    done = shell(*words, "--save-schema", "s.json")

    assert done.status == 1
    assert done.lines[0] == "error: REQUIRED_PROPERTY plate, 1 row"
    assert "a new record must have it" in done.lines[1]
    offline = shell(*words, "--schema", "s.json", "--token-env", "NONE")
    assert offline.lines[:2] == done.lines[:2]
    created = shell("create", car, "cars.csv", "--no-journal", "--preflight")
    assert created.status == 1
    assert shell.sim.store.count(car) == 0


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0.0%"), (0.0004, "under 0.1%"), (0.001, "0.1%"), (1.5, "150.0%")],
)
def test_a_share_of_the_day(share: float, words: str) -> None:
    """A job that takes something never takes nothing."""
    assert _percent(share) == words


def test_the_label_of_the_id_property_is_suggested_as_the_id_column(
    shell: Shell,
) -> None:
    shell.write("c.csv", "Company Domain Name,name", "example.com,Example")

    done = shell("check", "companies", "c.csv", "--id-property", "domain")

    assert done.status == 2
    [line] = done.lines
    assert line.endswith("Use --id-column 'Company Domain Name'.")
