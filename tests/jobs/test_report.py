"""The report of a job: what it says, what it keeps to itself, and how it looks."""

import asyncio
import html.parser
import os
import re
import shutil
import stat
import subprocess
import sys

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import ConfigurationError, JournalError
from hubbatch._escapes import visible
from hubbatch.jobs import write_report
from hubbatch.jobs.journal.identity import Identity
from hubbatch.jobs.journal.measurements import Example, Measured, Reason
from hubbatch.jobs.journal.states import RowState
from hubbatch.jobs.journal.store import Store
from hubbatch.jobs.report.page import environment, long_time, render, short_time
from hubbatch.jobs.report.report_file import check_report_path
from hubbatch.jobs.report.review import (
    Cause,
    FailureDetails,
    Moment,
    Report,
    read_report,
    rolling_rates,
)
from hubbatch.jobs.status import JobStatus
from hubbatch.simulator import Fault, When
from tests.processes import untraced

from .conftest import Desk, Table, tickets
from .test_store import noted


CODE = "PROPERTY_DOESNT_EXIST"
NASTY = "<script>document.title='hit'</script>\"'&<i>"


def make_store(path: Path, **more: Any) -> Store:
    store = Store.open(path)
    known: dict[str, Any] = {
        "verb": "update",
        "object_type": "tickets",
        "source": f"{NASTY}.csv",
        "fingerprint": None,
        "options": {},
        "outputs": {},
        **more,
    }
    store.create(Identity(**known), 62515)
    return store


def make_journal(
    path: Path,
    seconds: int = 90,
    *,
    runs: int = 1,
    rate: int = 100,
    reasons: int = 3,
    finished: bool = True,
    **more: Any,
) -> None:
    """Write the journal of a job that has worked for so many seconds."""
    store = make_store(path, **more)
    place = 0
    for _ in range(runs):
        store.begin_run(62515)
        for second in range(0, seconds, 2 if seconds < 1000 else 1):
            bad = place % 7 == 0
            measured = Measured(allowed=1900.0)
            measured.answers.update({20 + second % 9: 3})
            states = dict.fromkeys(range(place, place + rate), RowState.SUCCEEDED)
            if bad:
                states[place] = RowState.FAILED
                kind = f"{NASTY}{place // rate % reasons}"
                reason = Reason("failed", "VALIDATION_ERROR", CODE, kind)
                measured.reasons[reason] += 1
                example = Example(place, place + 2, f"id-{NASTY}")
                measured.examples.append((reason, example))
            place += rate
            store.write(
                noted(
                    states,
                    inputs=place,
                    progress=(second + 1, second // 5, second // 9, float(second)),
                    measured=measured,
                ),
                {},
            )
        store.end_run("finished" if finished else NASTY, None, finished=finished)
    store.close()


class Reader(html.parser.HTMLParser):
    """Reads a page as a browser does, and notes what it would do."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.elements: list[object] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "wbr":  # where a long word may be broken
            self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.words += data


def page_of(path: Path, **options: Any) -> str:
    return render(read_report(path, **options), str(path))


def test_a_page_loads_and_runs_nothing(tmp_path: Path) -> None:
    """Whatever stands in the journal: it is shown, and does nothing."""
    make_journal(tmp_path / "run.db", runs=2)

    page = page_of(tmp_path / "run.db")
    seen = Reader(page)

    assert not seen.tags & {"script", "link", "img", "iframe", "object", "i>"}
    assert not {one for one in seen.attributes if one.startswith("on")}
    assert not seen.attributes & {"src", "href", "xlink:href"}
    assert "url(" not in page
    assert "default-src 'none'" in page
    for words in (f"from {NASTY}.csv", f"{NASTY}0", f"id-{NASTY}"):
        assert words in seen.words


HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=()), min_size=1, max_size=40),
    st.lists(
        st.sampled_from(
            [
                *("<script>alert(1)</script>", "</style>", "</title>", "</svg>", "-->"),
                *("<!--", "]]>", "<img src=x onerror=y>", "'", '"', "`", "&", "&lt;"),
                *("{{ 7 * 7 }}", "{% raw %}", "{#", "javascript:", "x", " ", "\n"),
                *("\x00", "\x1b[31m", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800"),
            ]
        ),
        min_size=1,
        max_size=8,
    ).map("".join),
)
# Where a page shows a string that is not its own.
PLACES = (
    *("verb", "object_type", "source", "ended", "message", "status", "category"),
    *("code", "property_name", "correlation_id", "input_id", "error_message"),
    *("warning", "warned_property", "role", "path", "failures", "journal"),
)


def report_with(strings: Mapping[str, str], *, finished: bool) -> Report:
    """Return a report that has a string in each place, and a chart of each kind."""
    status = JobStatus(
        verb=strings["verb"],
        object_type=strings["object_type"],
        portal_id=62515,
        source=strings["source"],
        **dict.fromkeys(("inputs", "in_doubt", "open", "requests", "retries"), 9),
        **dict.fromkeys(("succeeded", "failed", "unknown", "not_sent"), 2),
        throttled=1,
        warnings=1,
        seconds=20.0,
        runs=2,
        finished=finished,
        running=False,
        ended=strings["ended"],
        message=strings["message"],
        started_at=datetime(2026, 11, 30, tzinfo=UTC),
        updated_at=datetime(2026, 11, 30, tzinfo=UTC),
        outputs={strings["role"]: strings["path"], "failures": strings["failures"]},
    )
    names = ("status", "category", "code", "property_name")
    cause = Cause(
        Reason(**{name: strings[name] for name in names}),
        1,
        [Example(0, 1, strings["correlation_id"])],
    )
    warning = Reason("warning", strings["warning"], "", strings["warned_property"])
    return Report(
        status=status,
        moments=[Moment(at, 10, 5, 1, 1, 1900.0) for at in (0, 10)],
        breaks=[10.0],
        answers=[(0.1, 3), (0.2, 1)],
        causes=[cause],
        more_causes=1,
        warnings=[(warning, 1)],
        details={0: FailureDetails(strings["input_id"], strings["error_message"])},
        made_at=datetime(2026, 11, 30, tzinfo=UTC),
    )


@given(st.fixed_dictionaries(dict.fromkeys(PLACES, HOSTILE)), st.booleans())
def test_a_string_in_any_place_is_shown_and_is_no_markup(
    strings: dict[str, str],
    finished: bool,  # noqa: FBT001 -- hypothesis draws it
) -> None:
    """A page has the same elements and attributes whatever its strings are."""
    plain = report_with(dict.fromkeys(PLACES, "x"), finished=finished)
    hostile = report_with(strings, finished=finished)

    page = render(hostile, strings["journal"])
    seen = Reader(page)

    assert seen.elements == Reader(render(plain, "x")).elements
    assert page.encode().decode() == page
    assert visible(page, keep="\n") == page
    shown = {*PLACES} - {"ended", "message"} if finished else {*PLACES} - {"failures"}
    for place in shown:
        assert visible(strings[place]) in seen.words, place


def test_what_a_page_says(tmp_path: Path) -> None:
    make_journal(tmp_path / "run.db", runs=2)

    report = read_report(tmp_path / "run.db")
    words = Reader(render(report, "run.db")).words

    assert sum(one.rows for one in report.moments) == report.status.inputs == 9_000
    assert sum(one.seconds for one in report.moments) == 178
    assert sum(one.retries for one in report.moments) == report.status.retries == 34
    assert {one.allowed for one in report.moments} == {1900.0}
    assert report.breaks == [89.0]
    assert sum(count for _, count in report.answers) == 270
    assert sum(one.rows for one in report.causes) == report.status.failed == 13
    assert "Finished; 13 of 9,000 rows did not succeed" in words
    assert "stopped and resumed" in words
    assert re.search(r"Half of the 270 responses arrived within\s\d+ ms", words)
    assert "The rows that did not succeed were not saved" in words
    assert "Ids and values are not shown" in words


@pytest.mark.slow
def test_a_page_of_a_million_rows_is_small(tmp_path: Path) -> None:
    """And one with a thousand reasons for failures, with names of a hundred letters."""
    make_journal(tmp_path / "run.db", seconds=2_000, rate=500, reasons=1_000)

    report = read_report(tmp_path / "run.db")
    page = render(report, "run.db")

    assert report.status.inputs == 1_000_000
    assert len(report.moments) <= 240
    assert report.more_causes > 100
    assert f"{report.more_causes:,} more reasons are not shown" in page
    assert len(page.encode()) < 300_000


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"finished": False}, "Not finished (ended early: <script>"),
        ({"finished": False}, "To resume the job, run the same command"),
        ({"outputs": {"failures": "my f.jsonl"}}, "hubbatch replay 'my f.jsonl'"),
        ({"reasons": 3}, "--failures FILE"),
        ({"seconds": 0}, "Nothing is left to do"),
        ({"seconds": 0}, "all rows succeeded"),
    ],
)
def test_how_to_go_on(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    make_journal(tmp_path / "run.db", **more)

    assert words in Reader(page_of(tmp_path / "run.db")).words


async def test_the_report_of_a_job(desk: Desk) -> None:
    """What HubSpot refused is there with its correlation ids, and no value is."""
    rows = tickets(range(300))
    for place in (107, 250):
        rows[place]["properties"]["hs_ticket_priority"] = f"secret {NASTY}"
    desk.sim.faults.add(Fault("status", status=503, when=When(verb="create"), times=1))
    failures = desk.where / "failures.jsonl"
    job = desk.job("create", "tickets", Table(rows), failures=failures)
    done = await job.run()
    assert done.failed >= 2

    report = read_report(desk.journal)
    page = render(report, "run.db")

    [cause] = [one for one in report.causes if one.reason.code == "INVALID_OPTION"]
    assert cause.reason.property_name == "hs_ticket_priority"
    assert [one.place for one in cause.examples] == [107, 250]
    assert [one.line for one in cause.examples] == [109, 252]
    for example in cause.examples:
        assert example.correlation_id
        assert example.correlation_id in page
    lost = [one for one in report.causes if one.reason.status == "unknown"]
    assert [len(cause.examples) > 0 for cause in lost] == [True]
    assert all(one.correlation_id for cause in lost for one in cause.examples)
    assert "secret" not in page
    assert sum(count for _, count in report.answers) == done.requests - 1
    assert sum(one.rows for one in report.moments) == 300
    assert "hubbatch replay failures.jsonl" in page
    assert "--reconcile-by" in page  # a create whose answer was lost

    asked = Reader(page_of(desk.journal, values=True)).words
    assert f"secret {NASTY} was not one of the allowed options" in asked


def test_values_are_left_out_where_they_cannot_be_read(tmp_path: Path) -> None:
    make_journal(tmp_path / "run.db", outputs={"failures": "f.jsonl"})
    without = read_report(tmp_path / "run.db", values=True)
    lines = b'[]\n{"index": 0, "error": {"message": "m%b"}}\n{"index": 0, "err'
    (tmp_path / "f.jsonl").write_bytes(lines % (b"!" * 1000))

    report = read_report(tmp_path / "run.db", values=True)

    assert without.details == {}
    assert report.details[0].input_id is None
    assert report.details[0].message == "m" + "!" * 299


def test_a_report_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    make_journal(tmp_path / "run.db")
    path = tmp_path / "report.html"

    for _ in range(2):
        write_report(tmp_path / "run.db", path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().endswith("</html>\n")


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    make_journal(tmp_path / "run.db")
    (tmp_path / "mine.html").write_text("<p>mine")

    for path, words in (
        ("mine.html", "is not a report"),
        ("none/report.html", "none does not exist"),
        (".", "cannot be written"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            write_report(tmp_path / "run.db", tmp_path / path)
    assert (tmp_path / "mine.html").read_text() == "<p>mine"


def test_a_report_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_journal(tmp_path / "run.db")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        write_report(tmp_path / "run.db", tmp_path / "report.html")


def test_without_jinja2_a_report_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a job starts, and when the page is written."""
    make_journal(tmp_path / "run.db")
    environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    path = tmp_path / "report.html"

    for refused in (
        partial(write_report, tmp_path / "run.db", path),
        partial(check_report_path, path),
    ):
        with pytest.raises(ConfigurationError) as caught:
            refused()
        assert str(caught.value) == (
            'A report needs Jinja2: pip install "hubbatch[jobs]".'
        )
    assert not path.exists()


def test_jinja2_is_only_imported_for_a_report() -> None:
    code = "import hubbatch.jobs, sys; sys.exit('jinja2' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], env=untraced(), check=False)  # noqa: S603 -- our own code

    assert done.returncode == 0


def test_a_journal_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        read_report(tmp_path / "none.db")
    make_journal(tmp_path / "run.db")
    store = Store.open(tmp_path / "run.db")
    store._connection.execute("DROP TABLE moment")
    store.close()
    with pytest.raises(JournalError, match="no such table: moment"):
        read_report(tmp_path / "run.db")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.001, "1 ms"), (0.9996, "1.0 s"), (2.44, "2.4 s")]
)
def test_short_times(seconds: float, words: str) -> None:
    assert short_time(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "under 0.1 s"), (8.2, "8.2 s"), (59.96, "1:00"), (7384, "2:03:04")],
)
def test_long_times(seconds: float, words: str) -> None:
    assert long_time(seconds) == words


@given(st.lists(st.integers(0, 10_000), max_size=60), st.integers(1, 30))
def test_a_rate_is_that_of_ten_seconds(rows: list[int], length: int) -> None:
    """As HubSpot counts: what leaves in one burst is no rate above the limit."""
    moments = [
        Moment(at * length, length, count, 0, 0, 1900.0)
        for at, count in enumerate(rows)
    ]

    rates = rolling_rates(moments)

    assert len(rates) == len(rows)
    if rows:
        wide = max(1, round(min(10, len(rows) * length) / length))
        for at, rate in enumerate(rates):
            # The first ten seconds have one rate: nothing is known of those before.
            end = max(at + 1, wide)
            counted = sum(rows[end - wide : end])
            assert rate == pytest.approx(counted / (wide * length))


@pytest.mark.parametrize(
    ("verb", "object_type", "words"),
    [
        ("list", "tickets", "<h1>read all tickets</h1>"),
        (
            *("create_default", "associations.tickets.contacts"),
            "<h1>associate tickets and contacts from p.csv</h1>",
        ),
    ],
)
def test_what_it_is_called(
    tmp_path: Path, verb: str, object_type: str, words: str
) -> None:
    """As it was on the terminal, and not as it is called inside."""
    path = tmp_path / "run.db"
    make_journal(path, 2, verb=verb, object_type=object_type, source="p.csv")

    assert words in page_of(path)


def test_a_job_of_part_of_a_second_has_a_rate(tmp_path: Path) -> None:
    """It has a picture, from edge to edge, and its seconds are what they were."""
    store = make_store(tmp_path / "run.db")
    store.begin_run(62515)
    states = dict.fromkeys(range(300), RowState.SUCCEEDED)
    measured = Measured(allowed=1900.0)
    progress = (3, 0, 0, 0.25)
    store.write(noted(states, inputs=300, progress=progress, measured=measured), {})
    store.end_run("finished", None, finished=True)
    store.close()

    report = read_report(tmp_path / "run.db")
    page = render(report, "run.db")

    [moment] = report.moments
    assert (moment.seconds, rolling_rates(report.moments)) == (0.25, [1_200.0])
    drawn = re.search(r'<polyline class="line" points="([^"]*)"', page)
    assert drawn is not None
    (left, y), *_, (right, last) = (one.split(",") for one in drawn[1].split())
    assert (left, right, y) == ("78.0", "708.0", last)
    assert "<b>1,200</b><span>rows/s</span>" in page
    assert "rows per second, over the whole job" in page  # less than the limit's time
    make_journal(tmp_path / "long.db")
    assert "rows per second, over ten seconds" in page_of(tmp_path / "long.db")


async def test_the_report_of_a_job_that_runs(desk: Desk) -> None:
    """And of one that was ended by HubSpot, with its sentence."""
    job = desk.job("create", "tickets", Table(tickets(range(3))))
    await job.prepare()
    desk.sim.faults.add(Fault("status", status=403, when=When(verb="create")))
    running = asyncio.create_task(job.run())
    states = set()
    while not running.done():
        if desk.journal.exists():
            with suppress(JournalError):  # nothing has begun yet
                states.add(Reader(page_of(desk.journal)).words)
        await asyncio.sleep(0)

    ended = Reader(page_of(desk.journal)).words

    assert any("Running" in words for words in states)
    assert "ended early: PermissionDeniedError" in ended
    assert "403" in ended


async def test_rows_are_named_as_their_owner_names_them(desk: Desk) -> None:
    """An id of the user's own is shown with the values, when those are asked for."""
    rows = [{"id": f"A-{n}@x.example", "properties": {"no": "x"}} for n in range(2)]
    failures = desk.where / "f.jsonl"
    job = desk.job(
        *("upsert", "contacts", Table(rows)), id_property="email", failures=failures
    )
    await job.run()

    assert "A-0@x.example" in page_of(desk.journal, values=True)
    assert "A-0@x.example" not in page_of(desk.journal)


# ---- in a browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def browse(path: Path, where: Path, width: int) -> str:
    """Show a page in Chromium, and give what became of it."""
    assert CHROMIUM is not None
    # A page cannot measure itself without a script; a copy of it may.
    copy = where / "measured.html"
    page = re.sub('<meta http-equiv="Content-Sec[^>]*>', "", path.read_text())
    script = (
        "<script>document.title = [document.title, document.scrollingElement"
        ".scrollWidth, innerWidth, document.querySelectorAll('svg').length,"
        "Math.min(...[...document.querySelectorAll('svg text')].map("
        "t => t.getBoundingClientRect().left)),"
        "Math.min(...[...document.querySelectorAll('svg text')].map("
        "t => t.getBoundingClientRect().height)),"
        "Math.max(...[...document.querySelectorAll('td:nth-child(2) code')].map("
        "c => new Set([...c.getClientRects()].map(r => r.top)).size))]"
        ".join('|')</script>"
    )
    copy.write_text(page.replace("</body>", f"{script}</body>"))
    done = subprocess.run(  # noqa: S603 -- the browser that was found
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={where / 'profile'}", "--disable-dev-shm-usage"),
            *(f"--window-size={width},900", "--dump-dom", copy.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    return done.stdout


@in_chromium
@pytest.mark.parametrize("width", [1200, 900, 500])
def test_a_page_fits_the_screen(tmp_path: Path, width: int) -> None:
    """Nothing sticks out, letters can be read, and no name in it becomes a script."""
    outputs = {"failures": "f.jsonl"}
    make_journal(tmp_path / "run.db", runs=2, reasons=40, outputs=outputs)
    told = "".join(
        f'{{"index": {place}, "input_id": "{place}@example.com", "error": {{'
        f'"message": "{"much too long " * 20}"}}}}\n'
        for place in range(9_000)
    )
    (tmp_path / "f.jsonl").write_text(told)
    write_report(tmp_path / "run.db", tmp_path / "report.html", values=True)

    dom = browse(tmp_path / "report.html", tmp_path, width)

    found = re.search("<title>(.*?)</title>", dom)
    assert found is not None
    title, wide, inner, pictures, left, tall, lines = found[1].split("|")
    assert title == "update tickets"  # and not "hit"
    assert int(wide) <= int(inner)
    assert int(pictures) == 3
    assert float(left) >= 0
    assert float(tall) >= 10
    assert int(lines) == 1  # no code is broken, however long the examples are
