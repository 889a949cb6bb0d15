"""Jobs that add the rows of a source to a list, or remove them."""

from typing import Any

import pytest

from hubbatch import ConfigurationError, InvalidRequestError
from hubbatch.jobs import FailuresSource, Job, read_status

from .conftest import Desk


def newsletter(desk: Desk, **options: Any) -> Any:
    return desk.sim.store.lists.add("Newsletter", **options)


def contacts(desk: Desk, count: int) -> list[str]:
    return [desk.sim.store.create("contacts", {}).id for _ in range(count)]


async def test_the_rows_of_a_file_are_added_to_a_list_and_removed(desk: Desk) -> None:
    ids, on = contacts(desk, 3), newsletter(desk)
    desk.sim.store.lists.put(on, ids[:1])
    source = desk.where / "people.csv"
    source.write_text("\n".join(["email,id", *(f"x,{one}" for one in [*ids, "404"])]))
    results, failures = desk.where / "r.csv", desk.where / "f.jsonl"
    kind = f"lists.{on.id}"

    done = await desk.job("add", kind, source, results=results, failures=failures).run()

    assert (done.succeeded, done.failed) == (3, 1)
    assert on.members.keys() == {*ids}
    assert results.read_text().splitlines() == [
        "index,input_id,id,changed",
        f"0,{ids[0]},{ids[0]},false",
        *(f"{n},{one},{one},true" for n, one in enumerate(ids[1:], 1)),
    ]
    assert read_status(desk.journal).title.startswith(f"add to list {on.id}")
    call = FailuresSource(failures).call()
    assert (call.verb, call.object_type) == ("add", kind)
    again = await Job(desk.hub, "add", kind, FailuresSource(failures)).run()
    assert again.failed == 1

    left = await Job(desk.hub, "remove", kind, ids[:2]).run()

    assert left.succeeded == 2
    assert [*on.members] == ids[2:]


async def test_the_members_of_one_list_are_added_to_another(desk: Desk) -> None:
    ids, on, other = contacts(desk, 300), newsletter(desk), newsletter(desk)
    desk.sim.store.lists.put(on, ids)
    members = desk.hub.lists(on.id).read()

    done = await Job(desk.hub, "add", f"lists.{other.id}", members).run()

    assert done.succeeded == 300
    assert other.members.keys() == on.members.keys()


async def test_a_job_for_a_dynamic_list_sends_nothing_and_can_be_resumed(
    desk: Desk,
) -> None:
    ids, on = contacts(desk, 2), newsletter(desk, processing="DYNAMIC")

    ended = await desk.job("add", f"lists.{on.id}", ids).run()

    assert isinstance(ended.error, InvalidRequestError)
    assert "is dynamic" in str(ended.error)
    on.processing = "MANUAL"
    done = await desk.job("add", f"lists.{on.id}", ids).run()
    assert done.succeeded == 2


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        ("update", "lists.581"),
        ("add", "lists."),
        ("add", "lists.VIP"),
        ("add", "tickets"),
    ],
)
def test_a_list_has_two_verbs_and_a_number(desk: Desk, verb: str, kind: str) -> None:
    with pytest.raises(ConfigurationError, match="one of"):
        desk.job(verb, kind, [])


async def test_a_change_has_no_output(desk: Desk) -> None:
    with pytest.raises(ConfigurationError, match="only a read has output"):
        desk.job("add", "lists.581", [], output=desk.where / "o.jsonl")
