"""`enrol`: the records of a file are added to a list, or removed from it."""

import pytest

from .conftest import Shell


def contacts(shell: Shell, count: int) -> list[str]:
    ids = [shell.sim.store.create("contacts", {}).id for _ in range(count)]
    shell.write("c.csv", "email,id", *(f"x,{one}" for one in ids))
    return ids


def test_records_are_enrolled_by_the_name_of_the_list(shell: Shell) -> None:
    ids = contacts(shell, 3)
    on = shell.sim.store.lists.add("Spring sale")
    shell.sim.store.lists.put(on, ids[:1])

    done = shell("enrol", "spring sale", "c.csv", "--results", "r.csv")

    assert done.status == 0
    assert done.lines[0] == "Portal 62515: add to list 1 from c.csv, 3 rows"
    assert on.members.keys() == {*ids}
    changed = [
        line.split(",")[-1]
        for line in (shell.folder / "r.csv").read_text().splitlines()
    ]
    assert changed == ["changed", "false", "true", "true"]


def test_records_are_removed_by_the_number_of_the_list(shell: Shell) -> None:
    ids = contacts(shell, 3)
    on = shell.sim.store.lists.add("Spring sale")
    shell.sim.store.lists.put(on, ids)

    done = shell("enrol", on.id, "c.csv", "--remove", "--limit", "2", "--json")

    assert done.status == 0
    assert (done.json["operation"], done.json["succeeded"]) == ("lists.1.remove", 2)
    assert [*on.members] == ids[2:]


def test_an_unknown_record_is_a_failure_to_replay(shell: Shell) -> None:
    contacts(shell, 1)
    shell.write("c.csv", "id", "404")
    on = shell.sim.store.lists.add("Spring sale")

    done = shell("enrol", on.id, "c.csv", "--failures", "f.jsonl", "--journal", "j.db")

    assert done.status == 1
    assert "1 x OBJECT_NOT_FOUND" in done.err
    late = shell.sim.store.create("contacts", {}).id
    text = (shell.folder / "f.jsonl").read_text()
    shell.write("f.jsonl", text.strip().replace('"404"', f'"{late}"'))
    assert shell("replay", "f.jsonl").status == 0
    assert [*on.members] == [late]
    assert shell("enrol", on.id, "c.csv", "--remove", "--journal", "j.db").status == 2


def test_a_dry_run_needs_no_token(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts(shell, 2_500)
    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN")

    done = shell("enrol", "581", "c.csv", "--dry-run")

    assert done.status == 0
    assert "takes 3 calls" in done.err
    assert not shell.sent


def test_a_name_that_two_lists_have_needs_the_type(shell: Shell) -> None:
    ids = contacts(shell, 1)
    add = shell.sim.store.lists.add
    add("VIP", "0-2")
    on = add("VIP")

    done = shell("enrol", "VIP", "c.csv")

    assert done.status == 2
    assert "2 lists are named 'VIP'. Add the object type" in done.err
    assert shell("enrol", "VIP", "c.csv", "--object-type", "contacts").status == 0
    assert [*on.members] == ids


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("Nix", "c.csv"), "error: No list is named 'Nix'."),
        (("VIP", "c.csv", "--object-type", "cars"), "object type's id"),
        (("1", "none.csv"), "none.csv"),
        (("1", "c.csv", "--id-column", "nix"), "nix"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    shell: Shell, words: tuple[str, ...], reason: str
) -> None:
    contacts(shell, 1)

    done = shell("enrol", *words)

    assert done.status == 2
    assert reason in done.err
    assert not [path for path in shell.sent if "memberships" in path]


def test_a_dynamic_list_ends_the_job(shell: Shell) -> None:
    contacts(shell, 1)
    on = shell.sim.store.lists.add("Active", processing="DYNAMIC")

    done = shell("enrol", on.id, "c.csv")

    assert done.status == 3
    assert "List 1 (Active) is dynamic: its filters decide its members." in done.err
