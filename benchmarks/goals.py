"""The goals for CPU and memory, and whether a run of the benchmarks meets them."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from .clients import API_CLIENT, FAIR, OURS, STREAM
from .memory import MORE
from .tables import Section, figure, table


@frozen
class Goal:
    """A bound for one figure of the page, found by the cells of its table.

    With `over`, the figure is divided by that of another row in the same column.
    """

    what: str
    module: str
    head: str
    row: Sequence[str]
    column: str
    at_most: float | None = None
    at_least: float | None = None
    over: Sequence[str] = ()

    def measured(self, text: str) -> float | None:
        """Return the figure, or None if the text does not have it."""
        found = figure(text, self.head, self.row, self.column)
        if not self.over or found is None:
            return found
        other = figure(text, self.head, self.over, self.column)
        return found / other if other else None

    def cells(self, text: str) -> Sequence[str]:
        """Return the goal's row of the table."""
        bound = (
            f"at most {self.at_most:,g}"
            if self.at_most is not None
            else f"at least {self.at_least or 0:,g}"
        )
        found = self.measured(text)
        if found is None:
            return self.what, bound, "not measured", ""
        met = (self.at_most is None or found <= self.at_most) and (
            self.at_least is None or found >= self.at_least
        )
        shown = f"{found:,.0f}" if found >= 100 else f"{found:.2f}"
        return self.what, bound, shown, "yes" if met else "**no**"


_CLIENT = [
    *(
        Goal(
            f"{verb}, x the floor", "clients", f"`{verb}`", [OURS], "x its floor", most
        )
        for verb, most in (
            ("update", 1.4),
            ("upsert", 1.4),
            ("create", 1.4),
            ("read", 1.3),
        )
    ),
    *(
        Goal(
            f"{verb}, the fair script x hubbatch",
            "clients",
            f"`{verb}`",
            [FAIR],
            "x hubbatch",
            at_least=1.0,
        )
        for verb in ("update", "upsert", "create")
    ),
    *(
        Goal(
            f"{verb}, streamed, x a floor that drops",
            "clients",
            f"`{verb}`",
            [STREAM],
            "x its floor",
            most,
        )
        for verb, most in (("update", 2.2), ("read", 1.9))
    ),
    *(
        Goal(
            f"{verb}, {API_CLIENT} x hubbatch",
            "clients",
            f"`{verb}`",
            [API_CLIENT],
            "x hubbatch",
            at_least=15,
        )
        for verb in ("update", "read")
    ),
]
GOALS = (
    *_CLIENT,
    *(
        Goal(
            f"{what}, x `orjson.loads` of the answer",
            "budgets",
            "in process",
            [what],
            "x orjson.loads",
            most,
        )
        for what, most in (("plan and encode dicts", 1.0), ("decode and match", 1.5))
    ),
    *(
        Goal(
            f"100,000 results of {verb} kept, peak memory, x plain dicts",
            "memory",
            "100,000 results kept",
            [f"{verb}, {OURS}"],
            "x dicts",
            0.9,
        )
        for verb in ("update", "read")
    ),
    Goal(
        "a stream of a hundred times as many records, MB more",
        "memory",
        "streams of updates",
        [MORE],
        "peak MB",
        10,
    ),
    Goal(
        "longest turn of the event loop, batches, ms",
        "stalls",
        "the longest turn",
        ["batches"],
        "ms",
        50,
    ),
    Goal(
        "longest turn of the event loop, single calls, ms without the collector",
        "stalls",
        "the longest turn",
        ["single calls"],
        "ms without the collector",
        50,
    ),
    Goal(
        "a job from CSV with journal and results, rows/s",
        "jobs",
        "source",
        ["csv", "journal, results"],
        "rows/s",
        at_least=60_000,
    ),
    Goal(
        "`import hubbatch`, x its dependencies",
        "imports",
        "",
        ["hubbatch"],
        "x its dependencies",
        1.35,
    ),
    Goal(
        "`hubbatch --help`, x `import click`",
        "imports",
        "",
        ["hubbatch --help"],
        "x import click",
        5,
    ),
)


def goals(sections: Mapping[str, Section]) -> Section:
    """Compare the figures of the sections, by the names of their modules."""
    rows = [
        goal.cells(sections[goal.module].text)
        for goal in GOALS
        if goal.module in sections
    ]
    return Section(
        "Goals",
        "Each figure is from a table below, from the same run.",
        table(("what", "goal", "measured", "met"), rows),
    )
