"""Write the tables of objects.md from the rows that the code works by.

`python docs/objects.py` rewrites the page; a test fails when it is stale.
"""

from collections.abc import Iterable
from pathlib import Path

from hubbatch._wire.calls import ApiName, Operation
from hubbatch._wire.endpoints import OBJECT_PAGES, ROWS, operation_for
from hubbatch._wire.object_types import ALL_VERBS, STANDARD_TYPES


PAGE = Path(__file__).with_suffix(".md")
_DATED = "2026-09"
_TYPES = "<!-- object types -->"
_CALLS = "<!-- calls -->"
_END = "<!-- end -->"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _types() -> list[str]:
    lines = [
        _row(["attribute", "id", "verbs", "scope to read", "scope to write"]),
        _row(["---"] * 5),
    ]
    for name, row in sorted(STANDARD_TYPES.items()):
        verbs = "all" if row.verbs == ALL_VERBS else f"{', '.join(row.verbs)} ¹"
        scopes = [f"`{scope}`" if " " not in scope else scope for scope in row.scopes]
        lines.append(_row([f"`hub.{name}`", row.id or "", verbs, *scopes]))
    return lines


# What each API of the table is called in Python, and the object types of the example.
_SHOWN: dict[ApiName, tuple[str, tuple[str, ...]]] = {
    "objects": ("hub.tickets.", ("tickets",)),
    "object_pages": ("hub.tickets.", ("tickets",)),
    "associations": ("hub.associations(…).", ("contacts", "companies")),
    "association_limits": ("hub.associations(…).limits.", ("contacts", "companies")),
    "v3_associations": (
        'hub.associations(…, api_version="v3").',
        ("contacts", "companies"),
    ),
    "properties": ("hub.properties(…).", ("tickets",)),
    "schemas": ("hub.schemas.", ()),
    "memberships": ("hub.list_memberships(…).", ("0-1",)),
    "lists": ("hub.lists(…).", ("581",)),
    "deal_splits": ("hub.deal_splits.", ()),
    "connection_statuses": ("hub.connection_statuses.", ()),
    "merges": ("hub.tickets.", ("tickets",)),
    "gdpr_deletes": ("hub.contacts.", ("contacts",)),
    "events": ("hub.events.", ()),
    "legacy": ("hub.legacy.tickets.", ("tickets",)),
}


def _call(name: str, old: Operation, new: Operation) -> str:
    dated = new.path.replace(_DATED, "{version}")
    if old.call.api.dated is None:
        dated = "none"
    else:
        dated = "the same" if old.path == dated else f"`{dated}`"
    limit = str(old.max_inputs) if old.call.has_inputs else "100 a page"
    again = "yes" if old.call.retry_safe else "no"
    return _row([f"`{name}`", f"`{old.path}`", dated, limit, again])


def _calls() -> list[str]:
    lines = [
        _row(["call", "v3", "dated", "inputs a call", "sent again when lost"]),
        _row(["---"] * 5),
    ]
    for row in ROWS:
        if row.api.name in _SHOWN and (row.has_inputs or row.api is OBJECT_PAGES):
            owner, types = _SHOWN[row.api.name]
            old, new = (
                operation_for(row.api.name, row.verb, *types, api_version=version)
                for version in ("v3", _DATED)
            )
            lines.append(_call(f"{owner}{row.verb}", old, new))
    return lines


def written(page: str) -> str:
    """Return the page with new tables."""
    for marker, lines in ((_TYPES, _types()), (_CALLS, _calls())):
        before, _, rest = page.partition(marker)
        _, _, after = rest.partition(_END)
        table = "\n".join(lines)
        page = f"{before}{marker}\n\n{table}\n\n{_END}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
