"""Write the tables of objects.md from the rows that the code works by.

`python docs/objects.py` rewrites the page; a test fails when it is stale.
"""

from collections.abc import Iterable
from pathlib import Path

from hubbatch.core.calls import Operation
from hubbatch.core.object_types import ALL_VERBS, STANDARD_TYPES
from hubbatch.core.operations import (
    ASSOCIATION_CALLS,
    ASSOCIATION_LIMIT_CALLS,
    DEAL_SPLIT_CALLS,
    LEGACY_CALLS,
    OBJECT_CALLS,
    PROPERTY_CALLS,
    V3_ASSOCIATION_CALLS,
    association_limit_operation,
    association_operation,
    deal_split_operation,
    legacy_operation,
    list_operation,
    membership_operation,
    object_operation,
    object_schema_operation,
    property_operation,
    v3_association_operation,
)


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


def _call(told: str, one: Operation, other: Operation) -> str:
    old, new = one.path, other.path.replace(_DATED, "{version}")
    new = "the same" if old == new else f"`{new}`"
    limit = str(one.max_inputs) if one.call.has_inputs else "100 a page"
    again = "yes" if one.call.repeatable else "no"
    return _row([f"`{told}`", f"`{old}`", new, limit, again])


def _calls() -> list[str]:
    lines = [
        _row(["call", "v3", "dated", "inputs a call", "sent again when lost"]),
        _row(["---"] * 5),
    ]
    versions = ("v3", _DATED)
    for verb in OBJECT_CALLS:
        pair = [object_operation(verb, "tickets", api_version=v) for v in versions]
        lines.append(_call(f"hub.tickets.{verb}", *pair))
    pair = [list_operation("tickets", api_version=v) for v in versions]
    lines.append(_call("hub.tickets.list", *pair))
    for verb in ASSOCIATION_CALLS:
        pair = [
            association_operation(verb, "contacts", "companies", api_version=v)
            for v in versions
        ]
        lines.append(_call(f"hub.associations(…).{verb}", *pair))
    for verb in ASSOCIATION_LIMIT_CALLS:
        pair = [
            association_limit_operation(verb, "contacts", "companies", api_version=v)
            for v in versions
        ]
        lines.append(_call(f"hub.associations(…).limits.{verb}", *pair))
    for verb in V3_ASSOCIATION_CALLS:
        one = v3_association_operation(verb, "contacts", "companies")
        told = f'hub.associations(…, api_version="v3").{verb}'
        lines.append(_call(told, one, one).replace("the same", "none"))
    for verb in PROPERTY_CALLS:
        pair = [property_operation(verb, "tickets", api_version=v) for v in versions]
        lines.append(_call(f"hub.properties(…).{verb}", *pair))
    pair = [object_schema_operation(api_version=v) for v in versions]
    lines.append(_call("hub.schemas.read", *pair))
    pair = [membership_operation("contacts", api_version=v) for v in versions]
    lines.append(_call("hub.list_memberships(…).read", *pair))
    for verb in DEAL_SPLIT_CALLS:
        pair = [deal_split_operation(verb, api_version=v) for v in versions]
        lines.append(_call(f"hub.deal_splits.{verb}", *pair))
    for verb in LEGACY_CALLS:
        one = legacy_operation(verb, "tickets")
        told = f"hub.legacy.tickets.{verb}"
        lines.append(_call(told, one, one).replace("the same", "none"))
    return lines


def written(page: str) -> str:
    """Give the page with its tables written anew."""
    for marker, lines in ((_TYPES, _types()), (_CALLS, _calls())):
        before, _, rest = page.partition(marker)
        _, _, after = rest.partition(_END)
        table = "\n".join(lines)
        page = f"{before}{marker}\n\n{table}\n\n{_END}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
