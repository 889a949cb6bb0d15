"""Jobs over a socket: how they begin, stop and resume, and what they refuse."""

import asyncio
import stat

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubbatch import Event, HubBatch, JournalWritten, RetryPolicy
from hubbatch.errors import (
    AuthenticationError,
    ConfigurationError,
    HubSpotUnavailable,
    JournalError,
    TooManyFailures,
)
from hubbatch.jobs import Export, Job, Row, read_status
from hubbatch.simulator import Fault, When
from tests.jobs.conftest import Desk, Lines, Table, people, tickets


async def until(so: Callable[[], bool]) -> None:
    while not so():  # noqa: ASYNC110 -- nobody tells
        await asyncio.sleep(0.005)


async def test_a_job_sends_all_and_reports_it_everywhere(desk: Desk) -> None:
    inputs = [*tickets(range(250)), *tickets(range(250, 260), stage="no such")]

    job = desk.job("create", "tickets", Table(inputs))
    report = await job.run()

    assert (report.inputs, report.succeeded, report.failed) == (260, 250, 10)
    assert (report.unknown, report.not_sent, report.ended) == (0, 0, "finished")
    assert (report.error, report.resumed, report.resumable) == (None, False, False)
    assert report.portal_id == desk.sim.account.portal_id
    outcomes = desk.lines.outcomes()
    assert [outcomes[place] for place in range(260)] == (
        ["succeeded"] * 250 + ["failed"] * 10
    )
    status = read_status(desk.journal)
    assert (status.verb, status.object_type) == ("create", "tickets")
    assert (status.inputs, status.succeeded, status.failed) == (260, 250, 10)
    assert (status.in_doubt, status.open, status.finished) == (0, 0, True)
    assert (status.running, status.ended, status.runs) == (False, "finished", 1)
    assert status.requests == report.requests == job.summary.requests
    assert status.outputs == {"results": "outcomes.txt"}
    assert status.started_at <= status.updated_at


async def test_listeners_hear_how_many_rows_are_pending(desk: Desk) -> None:
    """After a job that ends early, one that resumes it, and a bad row."""
    pending: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, JournalWritten):
            assert event.operation == "tickets.create"
            pending.append(event.pending)

    inputs = [*tickets(range(250)), *tickets(range(250, 260), stage="no such")]
    sim = desk.sim
    async with HubBatch(sim.token, base_url=sim.url, listeners=[listen]) as desk.hub:
        desk.sim.faults.add(Fault("status", status=403, when=When(verb="create")))
        first = await desk.job("create", "tickets", Table(inputs)).run()
        status = read_status(desk.journal)
        assert first.resumable
        assert pending[-1] == status.open + status.in_doubt > 0
        await desk.job("create", "tickets", Table(inputs)).run()
        assert pending[-1] == 0
        assert max(pending) <= 260
        pending.clear()
        desk.lines.path.unlink()
        await desk.job("create", "tickets", Table(inputs), journal=None).run()
        assert pending == []


async def test_without_a_journal_the_files_are_written_all_the_same(desk: Desk) -> None:
    report = await desk.job(
        "create", "tickets", tickets(range(120)), journal=None
    ).run()

    assert (report.succeeded, report.ended, report.resumable) == (
        120,
        "finished",
        False,
    )
    assert len(desk.lines.outcomes()) == 120
    assert [*desk.where.iterdir()] == [desk.lines.path]


async def test_a_job_without_files_keeps_its_journal(desk: Desk) -> None:
    report = await desk.job(
        "create", "tickets", tickets(range(120)), results=None
    ).run()

    assert report.succeeded == read_status(desk.journal).succeeded == 120


async def test_a_finished_job_sends_nothing_and_repeats_what_it_said(
    desk: Desk,
) -> None:
    first = await desk.job("create", "tickets", Table(tickets(range(5)))).run()
    requests = len(desk.sim.requests)
    written = desk.lines.path.read_bytes()

    job = desk.job("create", "tickets", Table(tickets(range(5))))
    await job.prepare()
    assert job.finished
    again = await job.run()

    assert len(desk.sim.requests) == requests
    assert desk.lines.path.read_bytes() == written
    assert again.already_finished
    assert not again.resumable
    for name in ("inputs", "succeeded", "requests", "seconds", "ended", "portal_id"):
        assert getattr(again, name) == getattr(first, name)


async def test_a_stopped_job_resumes_where_it_was(desk: Desk) -> None:
    source = Table(tickets(range(2_000)))
    desk.sim.faults.add(Fault("delay", None, seconds=0.01))
    job = desk.job("create", "tickets", source)
    running = asyncio.create_task(job.run())
    await until(lambda: job.summary.succeeded >= 300)
    job.stop()
    first = await running

    assert first.ended == "stopped"
    assert first.resumable
    assert 300 <= first.succeeded < 2_000
    assert first.not_sent > 0
    assert first.unknown == 0
    assert first.inputs == first.succeeded + first.not_sent
    assert len(desk.lines.outcomes()) == first.succeeded
    status = read_status(desk.journal)
    assert (status.ended, status.finished) == ("stopped", False)
    assert (status.open, status.in_doubt) == (first.not_sent, 0)

    second = await desk.job("create", "tickets", Table(source.inputs)).run()

    assert (second.ended, second.resumed, second.succeeded) == ("finished", True, 2_000)
    assert second.requests == read_status(desk.journal).requests
    assert {*desk.lines.outcomes()} == {*range(2_000)}
    subjects = [
        record.properties["subject"] for record in desk.sim.store.all("tickets")
    ]
    assert sorted(subjects) == sorted(f"row {place}" for place in range(2_000))


async def test_a_job_that_is_stopped_before_it_began_sends_nothing(desk: Desk) -> None:
    job = desk.job("create", "tickets", Table(tickets(range(5))))
    job.stop()
    report = await job.run()

    assert (report.ended, report.inputs, report.resumable) == ("stopped", 0, True)
    assert not desk.sent()


@pytest.mark.parametrize("reconcile_by", [None, "email"])
async def test_a_cancelled_create_is_in_doubt_and_never_doubled(
    desk: Desk, reconcile_by: str | None
) -> None:
    inputs = [
        {"properties": {"email": f"c{n}@example.com", "firstname": f"{n}"}}
        for n in range(500)
    ]
    desk.sim.faults.add(Fault("delay", None, seconds=0.2))
    job = desk.job("create", "contacts", Table(inputs), reconcile_by=reconcile_by)
    running = asyncio.create_task(job.run())
    await until(lambda: desk.sim.store.count("contacts") >= 200)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    status = read_status(desk.journal)
    assert status.ended == "cancelled"
    assert status.in_doubt == 200  # two chunks were in flight
    assert not desk.lines.outcomes()
    desk.sim.faults.clear()

    report = await desk.job(
        "create", "contacts", Table(inputs), reconcile_by=reconcile_by
    ).run()

    assert report.ended == "finished"
    assert desk.sim.store.count("contacts") == 500
    if reconcile_by is None:
        assert (report.succeeded, report.unknown) == (300, 200)
        outcomes = desk.lines.outcomes()
        assert [n for n in range(500) if outcomes[n] == "unknown"] == [*range(200)]
    else:
        assert (report.succeeded, report.unknown) == (500, 0)


async def test_a_way_to_look_for_creates_may_come_to_mind_later(desk: Desk) -> None:
    """`reconcile_by` does not identify the job, so it can be added."""
    inputs = [{"properties": {"email": f"c{n}@example.com"}} for n in range(100)]
    desk.sim.faults.add(Fault("delay", None, seconds=0.2))
    running = asyncio.create_task(desk.job("create", "contacts", Table(inputs)).run())
    await until(lambda: desk.sim.store.count("contacts") > 0)
    running.cancel()
    await asyncio.wait([running])
    desk.sim.faults.clear()

    report = await desk.job(
        "create", "contacts", Table(inputs), reconcile_by="email"
    ).run()

    assert report.succeeded == desk.sim.store.count("contacts") == 100


async def test_an_upsert_in_doubt_does_not_say_whether_it_was_new(desk: Desk) -> None:
    seen: list[tuple[int, Any]] = []

    class News:
        name = "results"
        path = desk.where / "news"

        def begin(self, _: bytes | None) -> bytes:
            return b""

        def encode(self, outcome: Any, row: Row) -> bytes:
            seen.append((row.index, outcome.result.new))
            return b""

    source = Table(people(range(250)))
    desk.sim.faults.add(Fault("delay", 3, seconds=0.2))
    job = desk.job("upsert", "contacts", source, id_property="email", results=News())
    running = asyncio.create_task(job.run())
    await until(lambda: desk.sim.store.count("contacts") >= 200)
    running.cancel()
    await asyncio.wait([running])
    job = desk.job("upsert", "contacts", source, id_property="email", results=News())

    assert (await job.run()).succeeded == 250
    assert dict(seen) == {n: None if n < 200 else True for n in range(250)}


async def test_what_ends_a_batch_is_reported_and_the_job_can_resume(desk: Desk) -> None:
    source = Table(tickets(range(300)))
    desk.sim.faults.add(
        Fault("status", None, status=401, when=lambda seen: seen.verb == "create")
    )
    report = await desk.job("create", "tickets", source).run()

    assert report.ended == "AuthenticationError"
    assert isinstance(report.error, AuthenticationError)
    assert report.resumable
    assert report.not_sent == report.inputs > 0
    status = read_status(desk.journal)
    assert status.ended == "AuthenticationError"
    assert status.message == str(report.error)
    assert (status.in_doubt, status.open) == (0, report.inputs)
    desk.sim.faults.clear()

    assert (await desk.job("create", "tickets", source).run()).succeeded == 300


async def test_too_many_failures_are_recorded_without_values(desk: Desk) -> None:
    report = await desk.job(
        "create", "tickets", Table(tickets(range(300), stage="secret")), max_failures=9
    ).run()

    assert isinstance(report.error, TooManyFailures)
    message = read_status(desk.journal).message
    assert message is not None
    assert "secret" not in message


async def test_what_hubspot_was_too_busy_for_is_sent_by_the_next_run(
    desk: Desk,
) -> None:
    """A run that ended early gave them up; the files must not contain them."""
    source = Table(people(range(900)))
    desk.sim.faults.add(
        Fault("status", None, status=502, when=lambda seen: seen.verb == "upsert")
    )
    job = desk.job("upsert", "contacts", source, id_property="email")
    report = await job.run()

    assert isinstance(report.error, HubSpotUnavailable)
    assert report.unknown > 0
    assert not desk.lines.outcomes()
    desk.sim.faults.clear()
    again = desk.job("upsert", "contacts", source, id_property="email")
    assert (await again.run()).succeeded == 900


async def test_abandoned_rows_are_final_when_the_job_is_over(desk: Desk) -> None:
    """Three answers are lost, which uses up the attempts of one chunk."""
    inputs = people([7] * 3)  # sent in order, so the faults hit one chunk
    inputs[0]["properties"] = {"lastname": "kept"}
    desk.sim.faults.add(
        Fault("status", 3, status=502, when=lambda seen: seen.verb == "upsert")
    )

    job = desk.job("upsert", "contacts", Table(inputs), id_property="email")
    report = await job.run()

    assert (report.ended, report.succeeded, report.unknown) == ("finished", 2, 1)
    assert desk.lines.outcomes() == {0: "unknown", 1: "succeeded", 2: "succeeded"}
    status = read_status(desk.journal)
    assert (status.unknown, status.in_doubt, status.finished) == (1, 0, True)


async def test_what_a_later_row_has_overtaken_is_not_sent_by_another_run(
    desk: Desk,
) -> None:
    """Sent again, it would undo what a later row wrote to its record."""
    store = desk.sim.store

    async def rows() -> AsyncIterator[Any]:
        for given in people([7, 7]):
            yield given
        await until(lambda: store.count("contacts") > 0)
        yield people([9])[0]

    faults = desk.sim.faults
    faults.add(Fault("status", 3, status=502, when=lambda seen: seen.verb == "upsert"))
    faults.add(
        Fault("status", None, status=401, when=lambda _: store.count("contacts") > 0)
    )
    first = await desk.job("upsert", "contacts", rows(), id_property="email").run()

    assert (first.ended, first.unknown, first.not_sent) == ("AuthenticationError", 1, 1)
    assert desk.lines.outcomes() == {0: "unknown", 1: "succeeded"}
    faults.clear()
    sent = len(desk.sent())

    again = await desk.job("upsert", "contacts", rows(), id_property="email").run()

    assert (again.succeeded, again.unknown) == (2, 1)
    assert [given["id"] for given in desk.sent()[sent:]] == ["p9@example.com"]


# ---- what is refused


async def test_one_journal_is_for_one_job_at_a_time(desk: Desk) -> None:
    desk.sim.faults.add(Fault("delay", None, seconds=0.05))
    first = desk.job("create", "tickets", Table(tickets(range(5))))
    await first.prepare()

    with pytest.raises(JournalError, match="locked: another process uses it"):
        await desk.job("create", "tickets", Table(tickets(range(5)))).run()

    await first.run()
    assert read_status(desk.journal).running is False


async def test_a_job_that_was_prepared_lets_go_of_its_journal(desk: Desk) -> None:
    first = desk.job("create", "tickets", Table(tickets(range(5))))
    await first.prepare()
    await first.prepare()  # sends no request twice
    assert len(desk.sim.requests) == 1
    await first.aclose()
    await first.aclose()

    with pytest.raises(RuntimeError, match="run already"):
        await first.run()
    assert (await desk.job("create", "tickets", tickets(range(5))).run()).succeeded == 5


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"verb": "update"}, "verb was upsert and is update"),
        ({"kind": "companies"}, "object_type was contacts and is companies"),
        ({"id_property": "hs_x"}, "id_property was email and is hs_x"),
        ({"limit": 3}, "limit was not set and is 3"),
        ({"digest": "other"}, "the content of the source table has changed"),
        ({"digest": None}, "the content of the source table cannot be compared"),
        ({"empty": "clear"}, "the source's empty was skip and is clear"),
        ({"results": None}, "results was outcomes.txt and is not set"),
    ],
)
async def test_another_job_is_refused_with_what_differs(
    desk: Desk, change: dict[str, Any], difference: str
) -> None:
    def job(**more: Any) -> Job:
        told = {"verb": "upsert", "kind": "contacts", "id_property": "email"} | more
        table = Table(people(range(5)), options={"empty": told.pop("empty", "skip")})
        table.digest = told.pop("digest", table.digest)
        return desk.job(told.pop("verb"), told.pop("kind"), table, **told)

    await job().run()
    requests = len(desk.sim.requests)
    with pytest.raises(JournalError) as caught:
        await job(**change).run()

    assert difference.lower() in str(caught.value).lower()
    assert len(desk.sim.requests) == requests


async def test_another_portal_is_refused(desk: Desk) -> None:
    await _begun(desk, tickets(range(5)))
    other = desk.sim.issue_token(account=desk.sim.open_account(777))
    async with HubBatch(other, base_url=desk.sim.url) as hub:
        desk.hub = hub
        with pytest.raises(
            JournalError, match=r"portal 62515; .* belongs to portal 777"
        ):
            await desk.job("create", "tickets", Table(tickets(range(5)))).run()
    assert not desk.sent()


async def _begun(desk: Desk, inputs: list[Any]) -> None:
    """Create a journal of which no row was sent."""
    job = desk.job("create", "tickets", Table(inputs))
    job.stop()
    await job.run()


async def test_a_token_that_may_not_ask_has_an_unknown_portal(
    desk: Desk,
) -> None:
    desk.sim.faults.add(
        Fault("status", None, status=403, when=lambda seen: seen.verb != "create")
    )
    job = desk.job("create", "tickets", Table(tickets(range(5))))
    report = await job.run()

    assert (report.succeeded, report.portal_id, job.portal_id) == (5, None, None)
    refused = desk.job("create", "tickets", tickets([1]), journal=None, results=None)
    refused._account = 62515
    with pytest.raises(ConfigurationError, match="lacks permission to confirm"):
        await refused.run()


async def test_such_a_token_cannot_resume_the_journal_of_another(
    desk: Desk,
) -> None:
    await _begun(desk, tickets(range(5)))
    desk.sim.faults.add(
        Fault("status", None, status=403, when=lambda seen: seen.verb != "create")
    )

    with pytest.raises(JournalError, match=r"portal 62515; .* cannot read its portal"):
        await desk.job("create", "tickets", Table(tickets(range(5)))).run()


async def test_the_account_that_was_named_is_the_only_one(desk: Desk) -> None:
    with pytest.raises(ConfigurationError, match="belongs to account 62515, not 62516"):
        await desk.job("create", "tickets", tickets(range(5)), account="62516").run()
    assert not desk.sent()

    report = await desk.job("create", "tickets", tickets(range(5)), account=62515).run()
    assert report.succeeded == 5


async def test_a_token_that_is_not_accepted_ends_it_before_it_begins(
    desk: Desk,
) -> None:
    desk.sim.revoke_token(desk.sim.token)

    with pytest.raises(AuthenticationError):
        await desk.job("create", "tickets", tickets(range(5))).run()
    assert not desk.lines.path.exists()


@pytest.mark.parametrize("change", ["another row", "one row fewer"])
async def test_a_source_that_has_changed_is_refused(desk: Desk, change: str) -> None:
    desk.sim.faults.add(
        Fault("status", None, status=401, when=lambda seen: seen.verb == "upsert")
    )
    inputs = people(range(5))
    await desk.job("upsert", "contacts", inputs, id_property="email").run()
    desk.sim.faults.clear()
    if change == "another row":
        inputs[3] = people([33])[0]
        told = "Row 4 of inputs is not the row in .*: the source has changed"
    else:
        inputs.pop()
        told = "Inputs has fewer rows than .*: the source has changed"

    with pytest.raises(JournalError, match=told):
        await desk.job("upsert", "contacts", inputs, id_property="email").run()

    assert read_status(desk.journal).ended == "JournalError"


async def test_the_line_of_a_changed_row_is_named(desk: Desk) -> None:
    desk.sim.faults.add(
        Fault("status", None, status=401, when=lambda seen: seen.verb == "upsert")
    )
    job = desk.job("upsert", "contacts", Table(people([1, 2])), id_property="email")
    await job.run()

    with pytest.raises(JournalError, match=r"Row 2 \(line 3\) of table is not"):
        await desk.job(
            "upsert", "contacts", Table(people([1, 3])), id_property="email"
        ).run()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"verb": "blend"}, "verb must be one of"),
        ({"verb": "create", "id_property": "x"}, "create has no option id_property"),
        ({"verb": "update", "properties": ["x"]}, "update has no option properties"),
        ({"verb": "read", "reconcile_by": "x"}, "read has no option reconcile_by"),
        ({"legacy": True, "id_property": "x"}, "crm-objects/v1 has no option"),
        (
            {"legacy": True, "verb": "upsert"},
            "crm-objects/v1 cannot upsert .*: expected one of create, read, ",
        ),
        ({"limit": 0}, "limit must be a number above zero, not 0"),
        ({"limit": True}, "limit must be a number above zero, not True"),
        ({"account": "my portal"}, "account must be a portal id, not 'my portal'"),
        ({"journal": "outcomes.txt"}, r"is named twice\. Use a path of its own"),
    ],
)
async def test_a_job_that_makes_no_sense_is_refused_at_once(
    desk: Desk, options: dict[str, Any], told: str
) -> None:
    given = {"verb": "update", **options}
    if "journal" in given:
        given["journal"] = desk.where / given["journal"]

    with pytest.raises(ConfigurationError, match=told):
        desk.job(given.pop("verb"), "tickets", Table([]), **given)


async def test_what_is_no_source_is_refused_at_once(desk: Desk) -> None:
    for given in (b"x", {"id": "1"}, 5, None):
        with pytest.raises(TypeError, match="expects a path, a Source, a table, or an"):
            desk.job("update", "tickets", given)
    with pytest.raises(ValueError, match="max_failures must be"):
        desk.job("update", "tickets", [], max_failures="many")


async def test_files_that_exist_are_not_overwritten(desk: Desk) -> None:
    desk.lines.path.write_text("somebody's\n")

    for journal in (None, desk.journal):
        with pytest.raises(ConfigurationError, match="exists already: delete it"):
            await desk.job(
                "create", "tickets", tickets(range(5)), journal=journal
            ).run()
    assert desk.lines.path.read_text() == "somebody's\n"
    assert not desk.sent()


async def test_a_file_of_outcomes_that_lost_its_lines_is_refused(desk: Desk) -> None:
    source = Table(tickets(range(300)))
    desk.sim.faults.add(
        Fault(
            "status",
            None,
            status=401,
            when=lambda seen: (
                seen.verb == "create" and desk.sim.store.count("tickets") > 0
            ),
        )
    )
    await desk.job("create", "tickets", source).run()
    assert desk.lines.outcomes()
    desk.lines.path.write_text("")

    with pytest.raises(JournalError, match="has 0 bytes and the journal has written"):
        await desk.job("create", "tickets", source).run()


async def test_a_file_that_cannot_be_opened_ends_it_before_it_begins(
    desk: Desk,
) -> None:
    job = desk.job("create", "tickets", Table(tickets(range(5))))
    await job.prepare()
    desk.lines.path.mkdir()

    report = await job.run()
    assert isinstance(report.error, JournalError)
    assert "Is a directory" in str(report.error)
    assert (report.ended, report.resumable) == ("JournalError", True)
    assert not desk.sent()
    assert read_status(desk.journal).ended == "JournalError"


async def test_paths_are_files_of_the_usual_shape(desk: Desk) -> None:
    inputs = [*tickets(range(2)), *tickets([2], stage="no such")]
    results, failures = desk.where / "results.csv", desk.where / "failures.jsonl"
    job = desk.job("create", "tickets", inputs, results=results, failures=failures)
    await job.run()
    ids = [record.id for record in desk.sim.store.all("tickets")]
    output = desk.where / "records.jsonl"
    read = desk.job(
        "read",
        "tickets",
        ids,
        properties=["subject"],
        journal=None,
        results=None,
        output=str(output),
    )
    await read.run()

    assert results.read_text().splitlines()[0] == "index,input_id,id,new"
    assert len(results.read_text().splitlines()) == 3
    [line] = [msgspec.json.decode(line) for line in failures.read_bytes().splitlines()]
    assert (line["index"], line["status"]) == (2, "failed")
    records = [msgspec.json.decode(line) for line in output.read_bytes().splitlines()]
    assert {record["id"] for record in records} == {*ids}


async def test_a_journal_and_its_files_can_be_moved_together(desk: Desk) -> None:
    await _begun(desk, tickets(range(5)))
    moved = desk.where / "moved"
    moved.mkdir()
    for path in (desk.journal, desk.lines.path):
        path.rename(moved / path.name)
    desk.journal = moved / desk.journal.name
    desk.lines = Lines(moved / desk.lines.path.name)

    report = await desk.job("create", "tickets", Table(tickets(range(5)))).run()
    assert report.succeeded == 5


async def test_a_file_on_another_drive_is_known_by_its_whole_path(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_drive(*_: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("os.path.relpath", other_drive)
    await _begun(desk, tickets(range(5)))
    outputs = read_status(desk.journal).outputs

    assert outputs == {"results": str(desk.lines.path.absolute())}


# ---- sources


async def test_rows_that_come_asynchronously_are_compared_as_well(desk: Desk) -> None:
    async def rows(last: int = 250) -> AsyncIterator[Any]:
        for given in people(range(250)):
            if given["id"] == f"p{last}@example.com":
                return
            yield given

    desk.sim.faults.add(
        Fault(
            "status",
            None,
            status=401,
            when=lambda seen: (
                seen.verb == "upsert" and desk.sim.store.count("contacts") >= 100
            ),
        )
    )
    first = await desk.job("upsert", "contacts", rows(), id_property="email").run()
    assert first.ended == "AuthenticationError"
    assert 0 < first.succeeded < 250
    desk.sim.faults.clear()

    with pytest.raises(JournalError, match="fewer rows"):
        await desk.job("upsert", "contacts", rows(50), id_property="email").run()
    report = await desk.job("upsert", "contacts", rows(), id_property="email").run()
    assert (report.inputs, report.succeeded) == (250, 250)


@pytest.mark.parametrize("later", [False, True])
async def test_no_more_rows_are_taken_than_asked_for(desk: Desk, later: bool) -> None:  # noqa: FBT001 -- a parameter
    table = Table(tickets(range(250)))

    async def rows() -> AsyncIterator[Any]:
        for given in table:
            yield given.input

    source = rows() if later else table
    report = await desk.job("create", "tickets", source, limit=120).run()

    assert (report.inputs, report.succeeded) == (120, 120)
    assert table.read == 120


async def test_a_source_with_fewer_rows_than_the_limit_is_read_to_its_end(
    desk: Desk,
) -> None:
    async def rows() -> AsyncIterator[Any]:
        for given in tickets(range(3)):
            yield given

    assert (await desk.job("create", "tickets", rows(), limit=9).run()).inputs == 3


@pytest.mark.parametrize("later", [False, True])
async def test_what_a_source_raises_is_raised(desk: Desk, later: bool) -> None:  # noqa: FBT001 -- a parameter
    def rows() -> Iterator[Any]:
        yield from tickets(range(150))
        raise ConfigurationError("line 152: no row")

    async def later_rows() -> AsyncIterator[Any]:
        for given in rows():
            yield given

    job = desk.job("create", "tickets", later_rows() if later else rows())
    with pytest.raises(ConfigurationError, match="Line 152"):
        await job.run()

    status = read_status(desk.journal)
    assert status.ended == "ConfigurationError"
    assert (status.inputs, status.in_doubt, status.running) == (150, 0, False)
    assert status.succeeded + status.open == 150


async def test_every_other_verb_can_be_a_job(desk: Desk) -> None:
    ids = [desk.sim.store.create("tickets", {"subject": "a"}).id for _ in range(3)]
    updates = [{"id": one, "properties": {"subject": "b"}} for one in ids]
    legacy = [{"objectId": one, "properties": {"subject": "c"}} for one in ids]

    for verb, inputs, options in (
        ("update", updates, {}),
        ("update", legacy, {"legacy": True}),
        ("read", [*ids, ids[0]], {"properties": ["subject"]}),
        ("archive", [*ids, ids[0]], {}),
    ):
        for left in desk.where.iterdir():
            left.unlink()
        report = await desk.job(verb, "tickets", inputs, **options).run()
        assert report.succeeded == report.inputs == len(inputs), verb
        assert len(desk.lines.outcomes()) == len(inputs)
    assert not desk.sim.store.all("tickets")


# ---- the files


async def test_files_are_the_owners_alone(desk: Desk) -> None:
    job = desk.job("create", "tickets", tickets(range(5)))
    await job.prepare()
    assert _mode(desk.journal) == 0o600
    await job.run()

    names = {path.name for path in desk.where.iterdir()}
    assert names == {"run.db", "run.db.lock", "outcomes.txt"}
    for path in desk.where.iterdir():
        assert _mode(path) == 0o600


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_nothing_of_a_row_is_in_the_journal(desk: Desk) -> None:
    inputs = [{"id": "who@example.com", "properties": {"firstname": "Wilhelmina"}}]
    await desk.job("upsert", "contacts", inputs, id_property="email").run()

    data = desk.journal.read_bytes()
    assert b"who@example.com" not in data
    assert b"Wilhelmina" not in data
    assert desk.sim.token.encode() not in data


async def test_lines_beyond_what_the_journal_knows_are_cut_off(desk: Desk) -> None:
    source = Table(tickets(range(150)))
    desk.sim.faults.add(
        Fault(
            "status",
            None,
            status=401,
            when=lambda seen: (
                seen.verb == "create" and desk.sim.store.count("tickets") > 0
            ),
        )
    )
    await desk.job("create", "tickets", source).run()
    with desk.lines.path.open("a") as file:
        file.write("7 written-and-never-committed\n")
    desk.sim.faults.clear()

    assert (await desk.job("create", "tickets", source).run()).succeeded == 150
    assert desk.lines.outcomes() == dict.fromkeys(range(150), "succeeded")
    assert desk.lines.began == [None, b"place status\n"]


async def test_a_job_with_patience_waits_for_hubspot(desk: Desk) -> None:
    """Also before its first row: the account is requested first."""
    down = Fault("status", status=503, times=None)
    desk.sim.faults.add(down)
    inputs = tickets(range(250))
    policy = RetryPolicy(attempts=2, base=0.01, max_delay=0.05)
    sim = desk.sim
    async with HubBatch(sim.token, base_url=sim.url, retry=policy) as desk.hub:
        job = desk.job(
            "create", "tickets", Table(inputs), patience=timedelta(minutes=5)
        )
        running = asyncio.create_task(job.run())
        await until(lambda: len(sim.requests) > 10)
        assert not running.done()
        sim.faults.clear()
        report = await running
    assert (report.ended, report.succeeded) == ("finished", 250)


async def test_an_export_with_patience_waits_for_hubspot(
    desk: Desk, tmp_path: Path
) -> None:
    sim = desk.sim
    sim.store.create("tickets", {"subject": "x"})
    policy = RetryPolicy(attempts=2, base=0.01, max_delay=0.05)
    async with HubBatch(sim.token, base_url=sim.url, retry=policy) as hub:
        export = Export(hub, "tickets", tmp_path / "out.jsonl", patience=300)
        await export.prepare()
        sim.faults.add(Fault("status", status=503, times=None))
        before = len(sim.requests)
        running = asyncio.create_task(export.run())
        await until(lambda: len(sim.requests) > before + 10)
        assert not running.done()
        sim.faults.clear()
        report = await running
    assert (report.ended, report.succeeded) == ("finished", 1)


@pytest.mark.parametrize("patience", [-1, "30m", True, float("nan"), timedelta(-1)])
async def test_a_patience_is_a_duration(desk: Desk, patience: Any) -> None:
    with pytest.raises(ConfigurationError, match="patience must be a number"):
        desk.job("create", "tickets", tickets(range(5)), patience=patience)


async def test_the_journal_knows_the_number_of_rows(desk: Desk) -> None:
    job = desk.job("create", "tickets", tickets(range(250)), limit=240)
    await job.run()
    status = read_status(desk.journal)
    assert job.total == status.total == status.settled == 240
    assert status.rate is not None
    assert status.seconds_left == 0


async def test_the_number_of_rows_may_be_unknown(desk: Desk) -> None:
    job = desk.job("create", "tickets", iter(tickets(range(5))))
    await job.run()
    status = read_status(desk.journal)
    assert (job.total, status.total, status.seconds_left) == (None, None, None)
