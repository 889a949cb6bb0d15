"""The page of a report: HTML in one piece, all of it escaped."""

import html
import re

from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

from hubbatch.core.visible import visible

from .drawing import answer_chart, rate_chart, share_bar
from .measurements import STEPS_AN_OCTAVE
from .review import WINDOW, Cause, Moment, Report, smoothed
from .status import JobStatus
from .style import POLICY, STYLE
from .titles import title_of


# How a report begins; by it one is known, and may be written anew.
MARK = "<!doctype html><!-- a report of hubbatch -->"
# In milliseconds, and in seconds.
_SECOND, _MINUTE = 1000, 60
# Less than that is not told, nor its rate.
_TENTH = 0.05
# Codes, and the JSON that HubSpot puts into its sentences.
_AFTER_SIGNS = re.compile(r"(?<=[_:,;/])(?=[^\s_])")
_COUNTS = ("succeeded", "failed", "unknown", "not_sent")


def render(report: Report, journal: str) -> str:
    """Write the page.

    Args:
        report: what to show.
        journal: what to call the journal.
    """
    status = report.status
    title = title_of(status.verb, status.object_type)
    body = "".join(
        [
            *_head(report),
            *_tiles(status),
            *_pictures(report),
            *_causes(report),
            *_warnings(report),
            *_further(report, journal),
        ]
    )
    return (
        f'{MARK}<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def escape(text: str) -> str:
    """Escape text for HTML; show its control characters as visible escapes."""
    return html.escape(visible(text))


def _head(report: Report) -> Iterator[str]:
    status = report.status
    portal = status.portal_id or "unknown"
    yield f"<h1>{escape(status.title)}</h1>"
    words, kind = _state(status)
    yield f'<p class="state {kind}">{escape(words)}</p>'
    if status.message and not status.finished and not status.running:
        yield f"<p>{escape(status.message)}</p>"
    yield (
        f'<p class="soft">Portal {portal}. Begun {status.started_at:%Y-%m-%d %H:%M} '
        f"UTC, last written {status.updated_at:%Y-%m-%d %H:%M:%S} UTC.</p>"
    )


def _state(status: JobStatus) -> tuple[str, str]:
    if status.running:
        return "Running", ""
    if not status.finished:
        why = {None: "killed", "stopped": "stopped", "cancelled": "stopped at once"}
        ended = why.get(status.ended, f"ended early: {status.ended}")
        return f"Not finished ({ended})", "bad"
    amiss = status.inputs - status.succeeded
    if amiss:
        return f"Finished; {amiss:,} of {status.inputs:,} rows did not succeed", "bad"
    return "Finished; all rows succeeded", "good"


def _tiles(status: JobStatus) -> Iterator[str]:
    rate = status.inputs / status.seconds if status.seconds >= _TENTH else None
    shown = [
        ("rows", f"{status.inputs:,}"),
        *((name.replace("_", " "), f"{getattr(status, name):,}") for name in _COUNTS),
        ("in doubt", f"{status.in_doubt:,}" if status.in_doubt else ""),
        ("open", f"{status.open:,}" if status.open else ""),
        ("requests", f"{status.requests:,}"),
        ("sent again", f"{status.retries:,}"),
        ("429 answers", f"{status.throttled:,}"),
        ("warnings", f"{status.warnings:,}" if status.warnings else ""),
        ("worked", clock(status.seconds)),
        ("rows a second", "" if rate is None else f"{rate:,.0f}"),
        ("runs", f"{status.runs:,}" if status.runs > 1 else ""),
    ]
    yield '<div class="tiles">'
    for name, figure in shown:
        if figure:
            yield f'<div class="tile"><b>{figure}</b><span>{name}</span></div>'
    yield "</div>"
    parts = [(name, getattr(status, name)) for name in _COUNTS]
    yield share_bar([*parts, ("open", status.open + status.in_doubt)])


def _pictures(report: Report) -> Iterator[str]:
    moments = report.moments
    if moments:
        middle = [one.at + one.seconds / 2 for one in moments]
        # From edge to edge: a job of a second has a single moment.
        ends = [0.0, *middle, moments[-1].at + moments[-1].seconds]
        rates = smoothed(moments)
        limits = [one.allowed for one in moments]
        yield "<h2>Rows a second</h2>"
        yield rate_chart(
            [*zip(ends, _to_edges(rates), strict=True)],
            [point for point in zip(ends, _to_edges(limits), strict=True) if point[1]],
            [
                (at, one.again)
                for at, one in zip(middle, moments, strict=True)
                if one.again
            ],
            report.breaks,
        )
        yield '<p class="key">' + _key("main", f"rows a second, {_span(moments)}")
        yield _key("bad", "the rate limit, over ten seconds")
        if any(one.again for one in moments):
            yield _key("doubt", "requests sent again")
        if report.breaks:
            yield _key("idle", "stopped, and gone on")
        yield "</p>"
    if report.answers:
        yield "<h2>How long answers took</h2>"
        yield answer_chart([(short(at), count) for at, count in report.answers])
        half, most = (_percentile(report.answers, share) for share in (0.5, 0.95))
        yield (
            f'<p class="soft">Half of {sum(n for _, n in report.answers):,} answers '
            f"came within {short(half)}, 95&nbsp;% within {short(most)}.</p>"
        )


def _span(moments: Sequence[Moment]) -> str:
    """Say what time a rate is over: in a shorter one more than the limit can be."""
    worked = sum(one.seconds for one in moments)
    return "over ten seconds" if worked >= WINDOW else "over the whole job"


def _to_edges(figures: Sequence[float]) -> list[float]:
    """Say the first and the last figure once more."""
    return [*figures[:1], *figures, *figures[-1:]]


def _key(colour: str, words: str) -> str:
    return f'<span><i style="background: var(--{colour})"></i>{words}</span>'


def _percentile(answers: Iterable[tuple[float, int]], share: float) -> float:
    """Give the greatest time of the step in which so many have answered."""
    known = [*answers]
    wanted = share * sum(count for _, count in known)
    step = 2 ** (1 / STEPS_AN_OCTAVE)
    seen = 0
    for at, count in known:
        seen += count
        if seen >= wanted:
            return at * step
    return known[-1][0] * step


def _causes(report: Report) -> Iterator[str]:
    if not report.causes:
        return
    yield "<h2>Why rows did not succeed</h2><table><thead><tr>"
    yield '<th class="number">Rows</th><th class="name">Reason</th>'
    yield '<th class="name">Property</th><th>For example</th></tr></thead><tbody>'
    for cause in report.causes:
        reason = cause.reason
        name = reason.code or reason.category or "no reason given"
        more = [part for part in (reason.category,) if part and part != name]
        yield f'<tr><td class="number">{cause.rows:,}<i class="unit"> rows</i></td>'
        yield f'<td><code>{_parted(name)}</code><br><span class="soft">'
        yield escape(reason.status)
        yield _parted("".join(f", {part}" for part in more))
        yield f"</span></td><td><code>{_parted(reason.property_name)}</code></td><td>"
        yield from _examples(report, cause)
        yield "</td></tr>"
    yield "</tbody></table>"
    if report.others:
        yield f'<p class="soft">And {report.others:,} reasons more.</p>'
    yield '<p class="soft">HubSpot\'s support finds a request by its correlation id.'
    if not report.told:
        yield " Ids and values are not shown."
    yield "</p>"


def _warnings(report: Report) -> Iterator[str]:
    if not report.warnings:
        return
    yield "<h2>What HubSpot warned of</h2><table><thead><tr>"
    yield '<th class="number">Times</th><th class="name">Warning</th>'
    yield '<th class="name">Property</th></tr></thead><tbody>'
    for reason, count in report.warnings:
        yield f'<tr><td class="number">{count:,}<i class="unit"> times</i></td>'
        yield f"<td><code>{_parted(reason.category or 'no category')}</code></td>"
        yield f"<td><code>{_parted(reason.property_name)}</code></td></tr>"
    yield "</tbody></table>"
    yield '<p class="soft">These rows succeeded, but what HubSpot stored may not be '
    yield "what was sent.</p>"


def _parted(text: str) -> str:
    """Escape a text, long words of which may go on in another line after a sign."""
    return "<wbr>".join(escape(part) for part in _AFTER_SIGNS.split(text))


def _examples(report: Report, cause: Cause) -> Iterator[str]:
    yield "<ul>"
    for example in cause.examples:
        line = "" if example.line is None else f" (line {example.line:,})"
        yield f"<li>row {example.place + 1:,}{line}"
        told = report.told.get(example.place)
        if told is not None:
            if told.input_id is not None:
                yield f" <code>{escape(str(told.input_id))}</code>"
            yield f": {_parted(told.message)}"
        if example.correlation_id:
            yield f'<br><code class="soft">{escape(example.correlation_id)}</code>'
        yield "</li>"
    yield "</ul>"


def _further(report: Report, journal: str) -> Iterator[str]:
    status = report.status
    yield "<section><h2>How to go on</h2>"
    if not status.finished:
        yield (
            "<p>The same command with the same journal goes on where it stopped:</p>"
            f"<pre>--journal {escape(quote(journal))}</pre>"
        )
    elif status.succeeded == status.inputs:
        yield "<p>Nothing is left to be done.</p>"
    elif "failures" in status.outputs:
        path = escape(quote(status.outputs["failures"]))
        yield (
            "<p>Every row that did not succeed stands in the file of failures. Mend "
            "its lines, or delete them, and send them again:</p>"
            f"<pre>hubbatch replay {path}</pre>"
        )
        if status.unknown and status.verb == "create":
            yield (
                "<p>Creates that may have been made already are only sent with "
                "<code>--reconcile-by</code> and a unique property.</p>"
            )
    else:
        yield (
            "<p>The rows that did not succeed were not written down; "
            "<code>--failures PATH</code> does that.</p>"
        )
    yield "</section>"
    files = [*status.outputs.items()]
    if files:
        listed = ", ".join(
            f"{escape(name)} <code>{escape(path)}</code>" for name, path in files
        )
        yield f'<p class="soft">Files: {listed}</p>'
    yield f'<p class="soft">Made {report.made_at:%Y-%m-%d %H:%M:%S} UTC from '
    yield f"<code>{escape(journal)}</code></p>"


def short(seconds: float) -> str:
    """Write a short time: 1 ms, 120 ms, 2.4 s."""
    shown = round(seconds * 1000)
    return f"{shown} ms" if shown < _SECOND else f"{seconds:.1f} s"


def clock(seconds: float) -> str:
    """Write how long something took: 8.2 s, 1:23, 2:03:04."""
    if seconds < _TENTH:
        return "under 0.1 s"
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
