"""Failures by reason, as a person wants to read them."""

from collections.abc import Iterable
from typing import Any

from attrs import define

from .outcomes import Outcome


@define
class FailureGroup:
    """Outcomes that did not succeed for the same reason.

    Attributes:
        status: `failed`, `unknown` or `not_sent`.
        category: HubSpot's word for it, or one of hubbatch.
        code: HubSpot's code of the cause, where it gave one.
        property_name: the property that is wrong, where one is named.
        message: the message of the first of them. It may quote property values.
        count: how many there are.
        first: the index of the first of them.
    """

    status: str
    category: str | None
    code: str | None
    property_name: str | None
    message: str
    count: int
    first: int


def group_by_reason(outcomes: Iterable[Outcome[Any]]) -> list[FailureGroup]:
    """Group the outcomes that did not succeed, the most frequent reason first."""
    reasons: dict[object, FailureGroup] = {}
    for outcome in outcomes:
        error = outcome.error
        if error is None:
            continue
        key = (outcome.status, error.category, error.code, error.property_name)
        reason = reasons.get(key)
        if reason is None:
            reasons[key] = FailureGroup(
                str(outcome.status), *key[1:], error.message, 1, outcome.index
            )
        else:
            reason.count += 1
    return sorted(reasons.values(), key=lambda reason: (-reason.count, reason.first))
