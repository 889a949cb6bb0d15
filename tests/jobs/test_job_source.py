"""What a job reads its rows from: a path with options, a source, or inputs."""

from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from hubbatch.errors import ConfigurationError, SourceError
from hubbatch.jobs import Columns, CsvSource, PairColumns, open_source
from hubbatch.simulator import Fault
from tests.jobs.conftest import Desk, Table


CSV = "E-Mail,First,Note\nada@example.com,Ada,\ngrace@example.com,Grace,x\n"


def file(desk: Desk, content: str = CSV, name: str = "people.csv") -> Path:
    path = desk.where / name
    path.write_text(content)
    return path


def upsert(desk: Desk, source: Any, **options: Any) -> Any:
    return desk.job("upsert", "contacts", source, **options)


async def test_a_job_takes_the_path_of_a_file(desk: Desk) -> None:
    path = file(desk, "email,firstname\nada@example.com,Ada\n")
    report = await upsert(desk, str(path), id_property="email").run()

    assert (report.succeeded, report.ended) == (1, "finished")
    assert desk.sent()[0]["id"] == "ada@example.com"
    assert desk.sent()[0]["idProperty"] == "email"
    assert desk.sent()[0]["properties"] == {"firstname": "Ada"}


async def test_the_options_of_a_path(desk: Desk) -> None:
    job = upsert(
        desk,
        file(desk, CSV.replace(",", ";")),
        id_property="email",
        id_column="E-Mail",
        properties={"First": "firstname", "Note": "lastname"},
        empty="clear",
        delimiter=";",
        encoding="latin-1",
    )
    assert (await job.run()).succeeded == 2
    sent = {one["id"]: one["properties"] for one in desk.sent()}
    assert sent["ada@example.com"] == {"firstname": "Ada", "lastname": ""}


async def test_the_options_of_a_path_identify_the_job(desk: Desk) -> None:
    path, options = file(desk), {"id_property": "email", "id_column": "E-Mail"}
    await upsert(desk, path, properties={"First": "firstname"}, **options).run()
    other = upsert(desk, path, properties={"First": "lastname"}, **options)
    with pytest.raises(Exception, match=r"the source's properties was"):
        await other.run()


async def test_a_read_of_a_path_names_the_properties_to_return(desk: Desk) -> None:
    record = desk.sim.store.create("tickets", {"subject": "a"})
    output = desk.where / "out.csv"
    path = file(desk, f"id\n{record.id}\n", "ids.csv")
    await desk.job("read", "tickets", path, properties=["subject"], output=output).run()

    assert output.read_text() == f"id,subject\n{record.id},a\n"


async def test_a_path_of_pairs(desk: Desk) -> None:
    person = desk.sim.store.create("contacts", {"email": "a@example.com"}).id
    company = desk.sim.store.create("companies", {"name": "A"}).id
    path = file(desk, f"from,to\n{person},{company}\n", "pairs.csv")
    kind = "associations.contacts.companies"

    assert (await desk.job("create_default", kind, path).run()).succeeded == 1
    with pytest.raises(
        ConfigurationError, match="The option id_column is not for pairs"
    ):
        desk.job("create_default", kind, path, id_column="from")


async def test_a_source_with_columns_needs_no_id_property_again(desk: Desk) -> None:
    columns = Columns(
        verb="upsert",
        id_property="email",
        id_column="E-Mail",
        properties={"First": "firstname"},
    )
    report = await upsert(desk, CsvSource(file(desk), columns)).run()

    assert report.succeeded == 2
    assert {one["idProperty"] for one in desk.sent()} == {"email"}


async def test_a_source_with_columns_needs_no_reconcile_by_again(desk: Desk) -> None:
    columns = Columns(verb="create", reconcile_by="email")
    path = file(desk, "email\nada@example.com\n")
    desk.sim.faults.add(Fault("drop_after_commit", 1))
    report = await desk.job("create", "contacts", CsvSource(path, columns)).run()

    assert (report.succeeded, report.unknown) == (1, 0)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {"verb": "upsert", "id_property": "hs_object_id"},
            {},
            "id_property='email', ",
        ),
        ({"verb": "update", "id_property": "email"}, {}, "verb='upsert', but"),
    ],
)
def test_two_values_of_one_option_are_refused(
    desk: Desk, columns: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    source = CsvSource(file(desk), Columns(**columns))
    with pytest.raises(ConfigurationError, match=message):
        upsert(desk, source, id_property="email", **options)


def test_options_of_a_path_are_refused_for_anything_else(desk: Desk) -> None:
    source = open_source(file(desk), Columns(verb="upsert", id_property="email"))
    for name, value in {"id_column": "a", "empty": "skip", "append": ["a"]}.items():
        with pytest.raises(ConfigurationError, match=f"The option {name} is for paths"):
            upsert(desk, source, **{name: value})
    for name, value in {"id_column": "a", "empty": "skip"}.items():
        with pytest.raises(ConfigurationError, match="where you create the list"):
            upsert(desk, [], id_property="email", **{name: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"empty": "keep"}, "empty must be 'skip' or 'clear', not 'keep'"),
        ({"properties": "email"}, "properties must be a collection of names"),
        ({"delimiter": "::"}, "delimiter must be one character"),
        ({"timezone": "Mars"}, "Unknown time zone 'Mars'"),
        ({"append": "email"}, "append must be a collection of columns"),
    ],
)
def test_wrong_options_of_a_path(
    desk: Desk, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        upsert(desk, file(desk), id_property="email", **options)


def test_a_path_of_an_unknown_kind(desk: Desk) -> None:
    with pytest.raises(ConfigurationError, match=r"expected \.csv, \.tsv, "):
        upsert(desk, "people.txt", id_property="email")


def test_the_columns_of_pairs_have_no_verb_to_compare(desk: Desk) -> None:
    source = CsvSource(file(desk, "from,to\n1,2\n"), PairColumns())
    job = desk.job("archive", "associations.a.b", source)
    assert job.operation.name == "associations.a.b.archive"


# ---- progress


Calls = list[tuple[int, int | None]]


def progress_of(calls: Calls) -> Any:
    return lambda done, total: calls.append((done, total))


def tickets(count: int) -> list[Any]:
    return [{"properties": {"subject": f"{n}"}} for n in range(count)]


async def test_a_job_reports_its_progress(desk: Desk) -> None:
    calls: Calls = []
    progress = progress_of(calls)
    await desk.job("create", "tickets", tickets(250), progress=progress).run()

    assert calls == [(0, 250), (100, 250), (200, 250), (250, 250)]


async def test_a_resumed_job_starts_at_what_is_done_already(desk: Desk) -> None:
    path = file(desk, "subject\n" + "x\n" * 250, "tickets.csv")
    calls: Calls = []

    def stop(done: int, _total: int | None) -> None:
        if done >= 100:
            job.stop()

    job = desk.job("create", "tickets", path, progress=stop)
    known = (await job.run()).succeeded
    assert 100 <= known < 250
    await desk.job("create", "tickets", path, progress=progress_of(calls)).run()

    assert (calls[0], calls[-1]) == ((known, 250), (250, 250))
    calls.clear()
    await desk.job("create", "tickets", path, progress=progress_of(calls)).run()
    assert calls == [(250, 250)]  # it is finished


async def test_the_total_of_a_job_heeds_its_limit(desk: Desk) -> None:
    calls: Calls = []
    progress = progress_of(calls)
    await desk.job("create", "tickets", tickets(5), limit=3, progress=progress).run()
    assert calls == [(0, 3), (3, 3)]


async def test_the_total_of_a_source_without_a_length_is_unknown(desk: Desk) -> None:
    calls: Calls = []
    source = Table(tickets(5))
    await desk.job("create", "tickets", source, progress=progress_of(calls)).run()
    assert calls == [(0, None), (5, None)]


def test_a_callback_that_cannot_be_called_is_refused_at_once(desk: Desk) -> None:
    with pytest.raises(TypeError, match="progress must be a function of two arguments"):
        desk.job("create", "tickets", [], progress=lambda: None)


async def test_a_table_takes_the_column_with_its_ids(desk: Desk) -> None:
    frame = pa.table({"E-Mail": ["ada@x.com"], "firstname": ["Ada"]})
    with pytest.raises(SourceError, match="Use id_column='E-Mail'"):
        await desk.job("upsert", "contacts", frame, id_property="email").run()

    job = desk.job("upsert", "contacts", frame, id_property="email", id_column="E-Mail")
    report = await job.run()

    assert report.succeeded == 1
    [stored] = desk.sim.store.all("contacts")
    assert stored.properties["firstname"] == "Ada"
    assert stored.properties["email"] == "ada@x.com"
