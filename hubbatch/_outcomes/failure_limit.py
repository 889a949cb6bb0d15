"""Ends a batch when too many of its inputs fail."""

from collections.abc import Iterable
from typing import Any

from attrs import field

from hubbatch._classes import define
from hubbatch.errors import (
    RecordConflict,
    RecordError,
    RecordNotFound,
    TooManyFailures,
    without_stop,
)

from .outcome import Outcome, OutcomeStatus


# "auto" ends a batch when this many inputs at its beginning all fail for the same
# reason: then the job is wrong, not the records.
_SAME_REASON = 1_000
# Inputs that were refused together count as failed once this many failed alone.
_FAILED_ALONE = 50
# A share of failures is computed over at least this many records.
_MIN_RECORDS = 1_000
# In a migration it is normal that records exist already or no longer exist.
_EXPECTED = (RecordConflict, RecordNotFound)
_FAILURES = (OutcomeStatus.FAILED, OutcomeStatus.UNKNOWN)


def parse_max_failures(value: object) -> tuple[int | None, float | None]:
    """Parse `max_failures` as a number or a share (0 to 1); `"auto"` has neither.

    Raises:
        ValueError: If the value is not a number of records, a share or `"auto"`.
    """
    if value == "auto":
        return None, None
    if type(value) is int and value >= 0:
        return value, None
    if isinstance(value, str) and value.endswith("%"):
        try:
            share = float(value[:-1]) / 100
        except ValueError:
            share = -1.0
        if 0 <= share <= 1:
            return None, share
    raise ValueError(
        "max_failures must be a number of records, a share like '5%', 'auto' or "
        f"None, not {value!r}."
    )


@define
class FailureLimit:
    """Counts the failures of a batch and decides when there are too many.

    Without `number` and `share` ("auto") it checks whether every input at the beginning
    of the batch fails for the same reason. That is ruled out for the rest of the batch
    once an input succeeds, fails for another reason, does not exist or exists already.

    Attributes:
        number: the number of failures that are tolerated.
        share: the tolerated share of `total`, or of the settled inputs if that is None.
        total: the number of inputs, if it is known.
    """

    object_type: str
    number: int | None = None
    share: float | None = None
    total: int | None = None
    _settled: int = field(default=0, init=False)  # succeeded or failed
    _failed: int = field(default=0, init=False)
    # Invariant ("auto"): until `_mixed` is true, every input that failed and every
    # suspect has `_reason`, and no input has succeeded. `_mixed` never becomes false
    # again.
    _reason: tuple[str | None, ...] | None = field(default=None, init=False)
    _mixed: bool = field(default=False, init=False)
    # Invariant: the indices of inputs that were refused together with others and have
    # not failed yet; no input counts in both `_failed` and here. They count as
    # failed once _FAILED_ALONE inputs failed alone: to send each of 1,000 inputs alone
    # would take 1,000 calls. A suspect that succeeds stays here, but sets `_mixed`.
    _suspects: set[int] = field(factory=set, init=False)

    @property
    def horizon(self) -> int:
        """The number of inputs needed before the batch can be ended ("auto")."""
        return _SAME_REASON if self._is_automatic else 0

    @property
    def _is_automatic(self) -> bool:
        return self.number is None and self.share is None

    def asks_about(self, error: RecordError) -> bool:
        """Return whether inputs that were refused together for an error matter.

        They do not once the inputs of the batch have had different outcomes.
        """
        if self._mixed or not self._is_automatic or isinstance(error, _EXPECTED):
            return False
        return self._reason in (None, _reason_of(error))

    def suspect(self, indices: Iterable[int], error: RecordError) -> None:
        """Add inputs that were refused together for an error that matters."""
        self._reason = _reason_of(error)
        self._suspects.update(indices)

    def succeeded(self, count: int) -> None:
        """Count inputs that succeeded."""
        self._settled += count
        self._mixed = True

    def failed(self, outcome: Outcome[Any]) -> TooManyFailures | None:
        """Count an unsuccessful input; return the error if the batch must end."""
        error = outcome.error
        if outcome.status not in _FAILURES or error is None:
            return None
        self._settled += 1
        self._failed += 1
        self._suspects.discard(outcome.index)
        self._reason = self._reason or _reason_of(error)
        self._mixed |= self._reason != _reason_of(error) or isinstance(error, _EXPECTED)
        if not self._too_many():
            return None
        if not self._is_automatic:
            message = (
                f"{self._failed:,} of {self._settled:,} records failed, the last: "
            )
        elif self._suspects:
            refused = self._failed + len(self._suspects)
            message = (
                f"The first {refused:,} records were refused, and each of the "
                f"{self._failed:,} that were sent alone, for the same reason: "
            )
        else:
            message = (
                f"The first {self._failed:,} records all failed for the same reason: "
            )
        return TooManyFailures(
            f"{message}{without_stop(error.message)} ({self.object_type}). Nothing "
            "further was sent."
        )

    def _too_many(self) -> bool:
        if self.number is not None:
            return self._failed > self.number
        if self.share is not None:
            records = self.total or max(self._settled, _MIN_RECORDS)
            return self._failed > self.share * records
        if self._mixed or self._failed < _FAILED_ALONE:
            return False
        return self._failed + len(self._suspects) >= _SAME_REASON


def _reason_of(error: RecordError) -> tuple[str | None, ...]:
    return error.category, error.code, error.property_name
