"""Groups failures by reason, for human readers."""

from collections.abc import Iterable
from typing import Any

from attrs import define

from .outcome import Outcome


@define
class FailureGroup:
    """Outcomes that did not succeed for the same reason.

    Attributes:
        status: `failed`, `unknown` or `not_sent`.
        category: The category, HubSpot's or hubbatch's.
        code: HubSpot's code of the cause, if any.
        property_name: The property that is wrong, if any.
        message: The message of the first outcome. It may quote property values.
        count: The number of outcomes.
        first: The index of the first outcome.
    """

    status: str
    category: str | None
    code: str | None
    property_name: str | None
    message: str
    count: int
    first: int


def group_by_reason(outcomes: Iterable[Outcome[Any]]) -> list[FailureGroup]:
    """Return the outcomes that did not succeed, grouped; largest group first."""
    groups: dict[object, FailureGroup] = {}
    for outcome in outcomes:
        error = outcome.error
        if error is None:
            continue
        key = (outcome.status, error.category, error.code, error.property_name)
        group = groups.get(key)
        if group is None:
            groups[key] = FailureGroup(
                str(outcome.status), *key[1:], error.message, 1, outcome.index
            )
        else:
            group.count += 1
    return sorted(groups.values(), key=lambda group: (-group.count, group.first))
