import os
import stat

from pathlib import Path

import msgspec
import pytest

from hubbatch.simulator import Fault, When

from .conftest import Shell


UPSERT = ("upsert", "tickets", "t.csv", "--id-property", "hs_external_object_ids")
COUNTS = {"inputs", "succeeded", "failed", "unknown", "not_sent", "requests", "retries"}


def orders(shell: Shell, count: int, *bad: int) -> None:
    rows = [
        f"A-{n},Order {n},{'no such' if n in bad else 'HIGH'}" for n in range(count)
    ]
    header = "hs_external_object_ids,subject,hs_ticket_priority"
    shell.write("t.csv", header, *rows)


# ---- the verbs


def test_upsert_writes_what_became_of_each_row(shell: Shell) -> None:
    orders(shell, 250, 7)

    done = shell(*UPSERT, "--results", "r.csv", "--failures", "f.jsonl", "--json")

    assert done.status == 1
    told = done.json
    assert told.keys() >= COUNTS
    assert (told["inputs"], told["succeeded"], told["failed"]) == (250, 249, 1)
    assert (told["portal"], told["operation"]) == (62515, "tickets.upsert")
    assert (told["ended"], told["exit_status"]) == ("finished", 1)
    assert done.lines == [
        "Portal 62515: upsert tickets from t.csv, 250 rows, by hs_external_object_ids",
        done.lines[1],
        "  1 x INVALID_OPTION hs_ticket_priority",
        (
            "f.jsonl has the rows that did not succeed; `hubbatch replay f.jsonl` "
            "sends them again."
        ),
    ]
    counts = "250 rows: 249 succeeded, 1 failed. 3 requests, 0 of them retries, in "
    assert done.lines[1].startswith(counts)
    results = Path("r.csv").read_text().splitlines()
    assert results[0] == "index,input_id,id,new"
    cells = [line.split(",") for line in results[1:]]
    assert sorted(int(index) for index, *_ in cells) == [
        n for n in range(250) if n != 7
    ]
    for index, input_id, record_id, new in cells:
        assert (input_id, new) == (f"A-{index}", "true")
        stored = shell.sim.store.get("tickets", record_id)
        assert stored is not None
        assert stored.properties["subject"] == f"Order {index}"
    [failure] = map(msgspec.json.decode, Path("f.jsonl").read_bytes().splitlines())
    assert (failure["index"], failure["line"]) == (7, 9)
    assert failure["error"]["property_name"] == "hs_ticket_priority"
    for name in ("r.csv", "f.jsonl"):
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600


def test_update_takes_json_lines_of_both_shapes(shell: Shell) -> None:
    one, two = shell.tickets(2)
    shell.write(
        "t.jsonl",
        f'{{"id": {one}, "subject": "flat", "content": null}}',
        f'{{"id": "{two}", "properties": {{"subject": "nested"}}}}',
    )

    done = shell("update", "tickets", "t.jsonl")

    assert (done.status, done.out) == (0, "")
    stored = [shell.sim.store.get("tickets", one) for one in (one, two)]
    assert [one and one.properties["subject"] for one in stored] == ["flat", "nested"]


def test_update_sends_the_columns_that_are_named_and_clears(shell: Shell) -> None:
    [ticket] = shell.tickets(1)
    shell.write("t.csv", "key;s;note", f"{ticket};;x")

    done = shell(
        *("update", "tickets", "t.csv", "--id-column", "key", "--delimiter", ";"),
        *("--property", "s=subject", "--empty", "clear"),
    )

    assert done.status == 0
    stored = shell.sim.store.get("tickets", ticket)
    assert stored is not None
    assert not stored.properties.get("subject")


def test_legacy_update(shell: Shell) -> None:
    [ticket] = shell.tickets(1)
    shell.write("t.csv", "id,subject", f"{ticket},new")

    assert shell("update", "tickets", "t.csv", "--legacy").status == 0
    assert shell.sent == ["/crm-objects/v1/objects/tickets/batch-update"]


def test_every_legacy_verb(shell: Shell) -> None:
    shell.write("new.csv", "id,subject", "a,first", "b,second")
    created = shell("create", "tickets", "new.csv", "--legacy", "--results", "r.csv")
    assert created.status == 0
    lines = sorted(Path("r.csv").read_text().splitlines()[1:])
    ids = [line.split(",")[2] for line in lines]
    shell.write("ids.csv", "id", *ids, "404")

    found = shell(
        *("read", "tickets", "ids.csv", "--legacy", "--property", "subject"),
        *("-o", "found.csv", "--failures", "f.jsonl"),
    )
    assert found.status == 1
    header, *records = Path("found.csv").read_text().splitlines()
    assert (header, sorted(records)) == (
        "id,subject",
        sorted([f"{ids[0]},first", f"{ids[1]},second"]),
    )
    failure = msgspec.json.decode(Path("f.jsonl").read_text())
    assert (failure["legacy"], failure["properties"]) == (True, ["subject"])
    assert shell("replay", "f.jsonl", "-o", "again.csv").status == 1

    assert shell("update", "tickets", "found.csv", "--legacy").status == 0
    assert shell("archive", "tickets", "found.csv", "--legacy").status == 0
    assert not shell.sim.store.all("tickets")
    others = [path for path in shell.sent if not path.startswith("/crm-objects/")]
    # The read and its replay look up whether the property exists.
    assert others == ["/crm/v3/properties/tickets"] * 2


def test_what_is_read_can_be_sent_back(shell: Shell) -> None:
    ids = shell.tickets(3)
    shell.write("ids.csv", "id", *ids, "404")

    done = shell(
        *("read", "tickets", "ids.csv", "--property", "subject", "-o", "o.csv")
    )
    assert done.status == 1
    header, *rows = Path("o.csv").read_text().splitlines()
    assert header == "id,subject"
    assert sorted(rows) == sorted(f"{one},s{n}" for n, one in enumerate(ids))
    assert shell("update", "tickets", "o.csv").status == 0

    assert shell("read", "tickets", "o.csv", "-o", "o.jsonl").status == 0
    records = [
        msgspec.json.decode(line) for line in Path("o.jsonl").read_bytes().splitlines()
    ]
    assert sorted(record["id"] for record in records) == sorted(ids)
    assert shell("update", "tickets", "o.jsonl", "--property", "subject").status == 0
    assert stat.S_IMODE(Path("o.csv").stat().st_mode) == 0o600


def test_archive_takes_ids_from_standard_input(shell: Shell, stdin: int) -> None:
    ids = shell.tickets(3)
    os.write(stdin, "\n".join(ids).encode())
    os.close(stdin)

    done = shell("archive", "tickets", "-")

    assert done.status == 0
    assert done.lines[0] == "Portal 62515: archive tickets from standard input"
    assert shell.sim.store.count("tickets") == 0


def test_a_bad_line_of_standard_input_ends_the_job_there(
    shell: Shell, stdin: int
) -> None:
    """It cannot be looked at beforehand, so what left before it stays sent."""
    lines = [f'{{"subject": "s{n}"}}\n' for n in range(5_000)]
    os.set_blocking(stdin, False)
    os.write(stdin, "".join([*lines[:1_000], "oops\n"]).encode())
    os.close(stdin)

    done = shell("create", "tickets", "-", "--no-journal", "--json")

    assert done.status == 2
    assert "error: Standard input: line 1001: not JSON: " in done.err
    told = done.json
    assert told["inputs"] == 1_000
    assert told["succeeded"] + told["not_sent"] == 1_000
    assert shell.sim.store.count("tickets") == told["succeeded"]
    assert told["error"].startswith("Standard input: line 1001")


def test_limit_takes_the_first_rows(shell: Shell) -> None:
    orders(shell, 20)

    done = shell(*UPSERT, "--limit", "5", "--json")

    assert (done.status, done.json["inputs"]) == (0, 5)
    assert "5 rows" in done.lines[0]


def test_api_version_and_rate_limit_are_the_clients(shell: Shell) -> None:
    orders(shell, 2)

    done = shell(
        *(*UPSERT, "--api-version", "2026-03", "--rate-limit", "50"),
        *("--max-concurrency", "1", "--max-failures", "none"),
    )

    assert done.status == 0
    assert shell.sent == ["/crm/objects/2026-03/tickets/batch/upsert"]


# ---- creates


def test_a_create_of_more_than_one_chunk_wants_a_journal(
    shell: Shell, stdin: int
) -> None:
    create = ("create", "tickets", "t.csv", "--property", "subject")
    orders(shell, 101)

    refused = shell(*create)
    assert refused.status == 2
    assert refused.lines == [
        (
            "error: A create of more than 100 rows needs --journal FILE, so that no "
            "record is created twice if it is interrupted (or use --no-journal)."
        )
    ]
    assert shell("create", "tickets", "-").status == 2
    assert shell.sim.requests == []

    assert shell(*create, "--limit", "100").status == 0
    assert shell(*create, "--no-journal").status == 0
    assert shell(*create, "--journal", "run.db").status == 0
    assert shell.sim.store.count("tickets") == 100 + 101 + 101
    os.close(stdin)


def test_warnings_of_hubspot_are_counted(shell: Shell) -> None:
    [one] = shell.tickets(1)
    warning = {"category": "PROPERTY_VALUE_NORMALIZED", "context": {}}
    record = {"id": one, "properties": {}, "warnings": [warning, warning]}
    body = msgspec.json.encode({"status": "COMPLETE", "results": [record]}).decode()
    shell.sim.faults.add(
        Fault("status", status=200, body=body, when=When(verb="update"))
    )
    shell.write("t.csv", "id,subject", f"{one},x")

    done = shell("update", "tickets", "t.csv", "--journal", "run.db", "--json")

    assert (done.status, done.json["warnings"]) == (0, 2)
    assert "1 succeeded. 2 warnings from HubSpot. " in done.err
    assert "warnings" in shell("status", "run.db").out
    again = shell("update", "tickets", "t.csv", "--journal", "run.db", "--json")
    assert again.json["warnings"] == 2


def test_a_job_that_hubspot_never_answers_ends_early(shell: Shell) -> None:
    ids = shell.tickets(3)
    shell.write("t.csv", "id,subject", *(f"{one},x" for one in ids))
    shell.sim.faults.add(Fault("status", None, status=477, when=When(verb="update")))

    done = shell("update", "tickets", "t.csv", "--journal", "run.db", "--json")

    assert (done.status, done.json["not_sent"]) == (3, 3)
    assert (done.json["ended"], done.json["resumable"]) == ("HubSpotUnavailable", True)
    assert "Ended early: No request got a usable answer from HubSpot" in done.err
    shell.sim.faults.clear()
    assert shell("update", "tickets", "t.csv", "--journal", "run.db").status == 0


def test_a_lost_create_is_unknown_until_replay_may_look_for_it(shell: Shell) -> None:
    orders(shell, 3)
    shell.sim.faults.add(Fault("drop_after_commit", when=When(verb="create")))
    create = ("create", "tickets", "t.csv", "--failures", "f.jsonl")

    lost = shell(*create, "--json")
    assert (lost.status, lost.json["unknown"]) == (3, 3)
    assert lost.json["ended"] == "HubSpotUnavailable"
    assert "Try again" not in lost.err
    assert lost.lines[-1] == (
        "f.jsonl has the rows that did not succeed; `hubbatch replay f.jsonl "
        "--reconcile-by NAME` sends them again, after looking up those that may exist."
    )

    refused = shell("replay", "f.jsonl")
    assert refused.status == 2
    assert "line 1: a create that may have been written already" in refused.err

    found = shell(
        *("replay", "f.jsonl", "--reconcile-by", "hs_external_object_ids", "--json")
    )
    assert (found.status, found.json["succeeded"]) == (0, 3)
    assert shell.sim.store.count("tickets") == 3


# ---- bad input


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("update", "tickets", "t.csv"),
            """t.csv: no column "id" (has: ref, subject). Use --id-column NAME.""",
        ),
        (
            ("update", "tickets", "t.csv", "--id-column", "ref", "--property", "x"),
            't.csv: no column "x" (has: ref, subject).',
        ),
        (
            ("upsert", "tickets", "t.csv"),
            (
                "t.csv: an upsert needs the unique property that the ids are "
                "values of. Use --id-property NAME."
            ),
        ),
        (
            ("update", "tickets", "wide.csv"),
            "wide.csv: row 1 (line 2): 3 cells, but there are 2 columns.",
        ),
        (("update", "tickets", "empty.csv"), "empty.csv: empty."),
        (
            ("update", "tickets", "nowhere.csv"),
            "nowhere.csv: No such file or directory.",
        ),
        (
            ("update", "tickets", "t.xls"),
            "t.xls: expected .csv, .tsv, .jsonl, .json, .xlsx or .parquet, each ",
        ),
        (
            ("update", "../contacts", "good.csv"),
            "'../contacts' is not an object type",
        ),
        (
            ("update", "tickets", "good.csv", "--wait"),
            "--wait needs --journal FILE: it resumes the job",
        ),
        (
            ("update", "tickets", "good.csv", "--journal", "no/run.db"),
            "no/run.db cannot be opened: there is no directory no",
        ),
        (
            ("update", "tickets", "-", "--wait", "--journal", "run.db"),
            "--wait needs a file: standard input cannot be read a second time",
        ),
        (
            ("update", "tickets", "good.csv", "--token-env", "NO_SUCH"),
            "No access token: set NO_SUCH, or name another variable with --token-env",
        ),
        (
            ("update", "tickets", "good.csv", "--base-url", "http://example.com"),
            "",
        ),
        (
            ("update", "tickets", "good.csv", "--results", "r.txt"),
            "r.txt: results must be .csv or .jsonl",
        ),
        (
            ("update", "tickets", "good.csv", "--results", "good.csv"),
            "good.csv exists already",
        ),
        (
            ("update", "contacts", "good.csv", "--legacy"),
            (
                "crm-objects/v1 cannot update contacts: expected one of create, read, "
                "update, archive, and one of line_items, products, tickets"
            ),
        ),
        (
            ("read", "tickets", "good.csv", "-o", "o.csv"),
            (
                "o.csv: the columns of a CSV must be known before its first record. "
                "Name them with --property, or write a .jsonl"
            ),
        ),
        (
            ("update", "tickets", "good.csv", "--max-failures", "200%"),
            "max_failures must be ",
        ),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    shell: Shell, words: tuple[str, ...], message: str
) -> None:
    """Exit status 2, and HubSpot does not hear of it."""
    shell.write("t.csv", "ref,subject", "A-1,x")
    shell.write("good.csv", "id,subject", "1,x")
    shell.write("wide.csv", "id,subject", "1,x,y")
    shell.write("empty.csv")

    done = shell(*words)

    assert (done.status, done.out) == (2, "")
    [line] = done.lines
    assert line.startswith("error: ")
    assert message in line
    assert shell.sent == []


@pytest.mark.parametrize(
    "words",
    [
        ("--encoding", "utf-88"),
        ("--delimiter", ";;"),
        ("--max-failures", "few"),
        ("--daily-reserve", "few"),
        ("--property", "=x"),
        ("--property", "a", "--property", "a=b"),
        ("--limit", "0"),
        ("--reconcile-by", "x"),
    ],
)
def test_bad_options_are_clicks_business(shell: Shell, words: tuple[str, ...]) -> None:
    shell.write("t.csv", "id,a", "1,x")

    done = shell("update", "tickets", "t.csv", *words)

    assert done.status == 2
    assert done.lines[0].startswith("Usage: hubbatch update ")
    assert shell.sim.requests == []


def test_a_json_object_is_printed_for_bad_input_too(shell: Shell) -> None:
    done = shell("update", "tickets", "nowhere.csv", "--json")

    assert done.json["error"] == "nowhere.csv: No such file or directory."
    assert (done.json["inputs"], done.json["exit_status"]) == (0, 2)


def test_another_account_is_refused(shell: Shell) -> None:
    orders(shell, 2)

    done = shell(*UPSERT, "--account", "5")

    assert done.status == 2
    assert done.lines == ["error: The access token belongs to account 62515, not 5."]
    assert shell.sent == []
    assert shell(*UPSERT, "--account", "62515").status == 0


def test_a_token_that_may_not_ask_says_so(shell: Shell) -> None:
    orders(shell, 2)
    shell.sim.faults.add(
        Fault("status", status=403, when=When(path="account-info"), times=None)
    )

    done = shell(*UPSERT)

    assert done.status == 0
    unknown = "Portal unknown (the access token cannot read it): "
    assert done.lines[0].startswith(unknown)


# ---- ended early, and going on


def test_a_wrong_token_ends_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    orders(shell, 2)
    monkeypatch.setenv("OTHER", "pat-na1-wrong")

    done = shell(*UPSERT, "--token-env", "OTHER", "--json")

    assert (done.status, done.json["exit_status"]) == (3, 3)
    assert done.lines[0].startswith(
        "error: HubSpot says that the access token is not valid (401 INVALID_AUTH"
    )
    assert "pat-na1-wrong" not in done.err + done.out


def test_too_many_failures_end_it_and_the_journal_goes_on(shell: Shell) -> None:
    orders(shell, 300, *range(10))
    journal = ("--journal", "run.db", "--failures", "f.jsonl")

    stopped = shell(
        *(*UPSERT, *journal, "--max-failures", "5", "--max-concurrency", "1", "--json")
    )
    assert stopped.status == 3
    assert (stopped.json["ended"], stopped.json["resumable"]) == (
        "TooManyFailures",
        True,
    )
    assert "records failed" in stopped.json["error"]
    assert stopped.lines[1].startswith("Ended early: ")
    assert stopped.lines[-1] == "Run the same command to resume."

    done = shell(*UPSERT, *journal, "--json")
    assert done.lines[0].endswith(" done already")
    assert done.status == 1
    assert (done.json["succeeded"], done.json["failed"]) == (290, 10)
    assert len(Path("f.jsonl").read_bytes().splitlines()) == 10

    requests = len(shell.sent)
    again = shell(*UPSERT, *journal, "--json")
    assert again.lines[1] == "run.db: the job was finished already; nothing was sent."
    assert (again.status, again.json["failed"]) == (1, 10)
    assert len(shell.sent) == requests

    orders(shell, 301)
    other = shell(*UPSERT, *journal)
    assert other.status == 2
    assert "content" in other.lines[0]


def test_without_a_journal_it_says_what_is_left(shell: Shell) -> None:
    orders(shell, 20_000, *range(20_000))

    done = shell(*UPSERT, "--max-failures", "0", "--failures", "f.jsonl", "--json")

    assert done.status == 3
    told = done.json
    assert told["resumable"] is False
    read = told["inputs"]
    assert read < 20_000
    never = f" The last {20_000 - read:,} rows of the source were never reached."
    assert sum(line.endswith(never) for line in done.lines) == 1
    assert done.lines[-2:] == [
        "There is no journal, so the same command would start over.",
        (
            "f.jsonl has the rows that did not succeed; `hubbatch replay f.jsonl` "
            "sends them again."
        ),
    ]
    assert len(Path("f.jsonl").read_bytes().splitlines()) == read


def test_failures_that_are_not_written_down_are_counted(shell: Shell) -> None:
    orders(shell, 3, 1)

    assert shell(*UPSERT).lines[-1] == "Add --failures FILE to list them."


# ---- a rehearsal


def test_a_dry_run_sends_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.write("t.csv", "id,subject", *(f"{n},x" for n in range(2_499)), "5.0,x")
    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN")

    done = shell(
        *("update", "tickets", "t.csv", "--dry-run", "--json", "--results", "r.csv")
    )

    assert done.status == 1
    assert done.lines == [
        "row 2500 (line 2501): id is not a record id: '5.0'",
        (
            "Not checked: what only HubSpot knows, such as whether the records exist, "
            "and the properties and their values. For those, run hubbatch check "
            "tickets t.csv --for update."
        ),
        (
            "update tickets: 2,500 rows, 1 invalid. Sending the other 2,499 rows takes "
            "25 calls and 0.3 s at 100 per 10 s. Nothing was sent."
        ),
    ]
    assert (done.json["calls"], done.json["failed"]) == (25, 1)
    assert shell.sim.requests == []
    assert not Path("r.csv").exists()
    dry = ("update", "tickets", "t.csv", "--dry-run")
    # 25 calls of 0.3 s each, one after the other.
    assert "25 calls and 7.5 s" in shell(*dry, "--max-concurrency", "1").lines[-1]
    assert shell(*dry, "--limit", "10", "--rate-limit", "1").status == 0


# ---- replay


def test_replay_of_nothing(shell: Shell) -> None:
    """A script may replay after every night, also after one on which nothing failed."""
    Path("f.jsonl").touch()
    done = shell("replay", "f.jsonl", "--json")

    assert done.status == 0
    assert "f.jsonl has no rows: nothing to do" in done.err
    assert msgspec.json.decode(done.out)["inputs"] == 0
    assert not shell.sim.requests


def test_failures_are_mended_and_sent_again(shell: Shell) -> None:
    orders(shell, 10, 3, 4)
    shell(*UPSERT, "--failures", "f.jsonl")
    text = Path("f.jsonl").read_text()
    Path("f.jsonl").write_text(text.replace('"no such"', '"LOW"'))

    done = shell("replay", "f.jsonl", "--results", "r.csv")

    assert done.status == 0
    assert done.lines[0] == (
        "Portal 62515: upsert tickets from f.jsonl, 2 rows, by hs_external_object_ids"
    )
    rows = Path("r.csv").read_text().splitlines()[1:]
    assert sorted(row.split(",")[:2] for row in rows) == [["0", "A-3"], ["1", "A-4"]]
    assert shell.sim.store.count("tickets") == 10


FAILURE = {
    "index": 0,
    "operation": "update",
    "object_type": "tickets",
    "input": {"id": "1", "properties": {}},
    "status": "failed",
    "portal": 62515,
}


@pytest.mark.parametrize(
    ("changes", "words", "message"),
    [
        ({"portal": 5}, (), "The access token belongs to account 62515, not 5"),
        (
            {},
            ("--account", "5"),
            "f.jsonl belongs to portal 62515, not to 5",
        ),
        (
            {"portal": None},
            (),
            "f.jsonl does not name its portal: add --account ID",
        ),
        (
            {},
            ("--reconcile-by", "x"),
            "--reconcile-by is only for creates, not for tickets.update on portal",
        ),
        (
            {"operation": "read"},
            (),
            "f.jsonl is from tickets.read on portal 62515: add --output FILE",
        ),
        ({}, ("--failures", "f.jsonl"), "f.jsonl exists already"),
        ({"input": None, "operation": "x"}, (), "no such operation: 'x'"),
    ],
)
def test_what_cannot_be_replayed(
    shell: Shell, changes: dict[str, object], words: tuple[str, ...], message: str
) -> None:
    shell.write("f.jsonl", msgspec.json.encode(FAILURE | changes).decode())

    done = shell("replay", "f.jsonl", *words)

    assert done.status == 2
    assert message in done.lines[0]
    assert shell.sent == []


def test_a_portal_that_failures_do_not_know_can_be_said(shell: Shell) -> None:
    [ticket] = shell.tickets(1)
    given = {"id": ticket, "properties": {"subject": "x"}}
    for portal in (None, 62515):
        line = FAILURE | {"portal": portal, "input": given}
        shell.write("f.jsonl", msgspec.json.encode(line).decode())

        assert shell("replay", "f.jsonl", "--account", "62515").status == 0


# ---- properties that do not exist


def test_a_property_that_does_not_exist_is_an_error_before_anything_is_read(
    shell: Shell,
) -> None:
    [ticket] = shell.tickets(1)
    shell.write("ids.csv", "id", ticket)

    done = shell(
        *("read", "tickets", "ids.csv", "--property", "subjct", "-o", "o.csv"),
        *("--journal", "j.db"),
    )

    assert (done.status, done.lines[-1]) == (
        2,
        (
            'error: There is no property "subjct" (did you mean "subject"?) of tickets '
            "that the token can read. Nothing was read."
        ),
    )
    assert not Path("o.csv").exists()
    again = shell(
        *("read", "tickets", "ids.csv", "--property", "subject", "-o", "o.csv"),
        *("--journal", "j.db"),
    )
    assert again.status == 0


def test_without_the_definitions_a_name_that_no_record_has_is_a_warning(
    shell: Shell,
) -> None:
    [ticket] = shell.tickets(1)
    shell.write("ids.csv", "id", ticket)
    path = "/crm/v3/properties/tickets"
    shell.sim.faults.add(Fault("status", status=403, when=When(path=path), times=None))

    done = shell("read", "tickets", "ids.csv", "--property", "subjct", "-o", "o.csv")

    assert done.status == 0
    assert 'warning: No record of tickets has "subjct": check the names.' in done.lines
