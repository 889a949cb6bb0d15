"""`merge` and `gdpr-delete`: nothing is sent before the rows are confirmed."""

from pathlib import Path

import pytest

from .conftest import Shell


def people(shell: Shell, count: int) -> list[str]:
    create = shell.sim.store.create
    return [create("contacts", {"email": f"p{n}@x.org"}).id for n in range(count)]


def a_merge(shell: Shell) -> tuple[list[str], tuple[str, ...]]:
    ids = people(shell, 6)
    shell.write(
        "pairs.csv",
        "note,primaryObjectId,objectIdToMerge",
        *(f"x,{ids[n]},{ids[n + 1]}" for n in (0, 2, 4)),
    )
    return ids, ("merge", "contacts", "pairs.csv")


@pytest.mark.parametrize(
    ("confirm", "said"),
    [
        ((), "pairs.csv has 3 rows. The command"),
        (("--confirm", "2"), "pairs.csv has 3 rows, not 2. The command"),
        (("--confirm", "0"), "pairs.csv has 3 rows, not 0. The command"),
        # The number is of the whole file.
        (("--confirm", "1", "--limit", "1"), "pairs.csv has 3 rows, not 1."),
    ],
)
@pytest.mark.parametrize("resumes", [False, True])
def test_nothing_is_merged_before_the_rows_are_confirmed(
    shell: Shell, confirm: tuple[str, ...], said: str, *, resumes: bool
) -> None:
    _, words = a_merge(shell)
    if resumes:
        confirmed = shell(
            *words, "--journal", "run.db", "--confirm", "3", "--limit", "1"
        )
        assert confirmed.status == 0
    sent = shell.sent

    done = shell(*words, *confirm, "--journal", "run.db", "--json")

    assert done.status == done.json["exit_status"] == 2
    assert said in done.err
    assert "cannot be undone: check the rows, and add --confirm 3." in done.err
    assert shell.sent == sent


def test_confirmed_pairs_are_merged(shell: Shell) -> None:
    ids, words = a_merge(shell)

    done = shell(*words, "--confirm", "3", "--results", "done.csv")

    assert done.status == 0
    assert done.lines[0] == "Portal 62515: merge contacts from pairs.csv, 3 rows"
    assert shell.sent == ["/crm/v3/objects/contacts/merge"] * 3
    assert shell.sim.store.count("contacts") == 3
    survivors = {record.id for record in shell.sim.store.all("contacts")}
    lines = Path("done.csv").read_text().splitlines()[1:]
    assert {line.split(",")[2] for line in lines} == survivors
    assert survivors.isdisjoint(ids)


def test_a_finished_merge_is_not_repeated(shell: Shell) -> None:
    _, words = a_merge(shell)
    words = (*words, "--confirm", "3", "--journal", "run.db")
    assert shell(*words).status == 0

    done = shell(*words)

    assert done.status == 0
    assert "finished already; nothing was sent" in done.err
    assert len(shell.sent) == 3


def test_a_dry_run_needs_no_confirmation(shell: Shell) -> None:
    _, words = a_merge(shell)

    done = shell(*words, "--dry-run")

    assert done.status == 0
    assert "merge contacts: 3 rows, 0 invalid" in done.err
    assert shell.sent == []


def test_failures_of_a_merge_are_not_replayed(shell: Shell) -> None:
    shell.write("pairs.jsonl", '{"primaryObjectId": 5, "objectIdToMerge": "5"}')
    words = ("merge", "contacts", "pairs.jsonl", "--confirm", "1")

    done = shell(*words, "--failures", "bad.jsonl")

    assert done.status == 1
    assert done.lines[-1] == "bad.jsonl has the rows that did not succeed."
    done = shell("replay", "bad.jsonl")
    assert done.status == 2
    assert "cannot be undone, so it is not sent from a failures file" in done.err
    assert shell.sent == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("merge", "calls", "pairs.csv"), "HubSpot has no merge for calls in v3"),
        (("merge", "contacts", "-"), "Those of standard input cannot be"),
        (("merge", "contacts", "wrong.csv"), 'no column "objectIdToMerge"'),
        (("merge", "contacts", "wrong.jsonl"), "line 1: a number, not an object"),
        (("gdpr-delete", "companies", "ids.csv"), "a GDPR delete for contacts only"),
    ],
)
def test_what_cannot_be_sent(shell: Shell, words: tuple[str, ...], said: str) -> None:
    a_merge(shell)
    shell.write("wrong.csv", "primaryObjectId,other", "1,2")
    shell.write("wrong.jsonl", "5")
    shell.write("ids.csv", "id", "1")

    done = shell(*words, "--confirm", "3")

    assert done.status == 2
    assert said in done.err
    assert shell.sent == []


def test_contacts_are_deleted_for_good(shell: Shell) -> None:
    ids = people(shell, 3)
    shell.write("ids.csv", "id,why", f"{ids[0]},asked", f"{ids[1]},asked")
    words = ("gdpr-delete", "contacts", "ids.csv")
    assert shell(*words).status == 2

    done = shell(*words, "--confirm", "2")

    assert done.status == 0
    assert done.lines[0] == (
        "Portal 62515: delete contacts for good from ids.csv, 2 rows"
    )
    assert [record.id for record in shell.sim.store.all("contacts")] == ids[2:]


def test_an_address_comes_with_a_warning(shell: Shell) -> None:
    people(shell, 2)
    shell.write("people.csv", "email", "p0@x.org", "unknown@x.org")
    words = ("gdpr-delete", "contacts", "people.csv", "--id-property", "email")

    done = shell(*words, "--confirm", "2")

    assert done.status == 0
    assert done.lines[0].startswith(
        "warning: HubSpot blocks an address that no contact has"
    )
    assert shell.sim.store.count("contacts") == 1
