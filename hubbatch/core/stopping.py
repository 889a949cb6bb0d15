"""When so many records fail that sending the rest does harm."""

from collections.abc import Iterable
from typing import Any

from attrs import define, field

from hubbatch.errors import (
    RecordConflict,
    RecordError,
    RecordNotFound,
    TooManyFailures,
)

from .outcomes import Outcome, OutcomeStatus


# By default a batch ends when so many records at its beginning fail for one reason:
# that is a mistake in the job, not in the records.
_SAME_REASON = 1_000
# Inputs that were refused together count too, once so many failed alone.
_FAILED_ALONE = 50
# A share of failures is judged over so many records at least.
_LEAST_JUDGED = 1_000
# In a migration it is normal that records exist already, or do not exist any more.
_EXPECTED = (RecordConflict, RecordNotFound)
_MISHAPS = (OutcomeStatus.FAILED, OutcomeStatus.UNKNOWN)


def parse_max_failures(given: object) -> tuple[int | None, float | None]:
    """Read `max_failures` as a number or a share of the records; neither for "auto".

    Raises:
        ValueError: if it is none of them.
    """
    if given == "auto":
        return None, None
    if type(given) is int and given >= 0:
        return given, None
    if isinstance(given, str) and given.endswith("%"):
        try:
            share = float(given[:-1]) / 100
        except ValueError:
            share = -1.0
        if 0 <= share <= 1:
            return None, share
    raise ValueError(
        "max_failures must be a number of records, a share like '5%', 'auto' or "
        f"None, not {given!r}"
    )


@define
class FailureWatch:
    """Counts what fails, and says when it is too much.

    `total` is the number of inputs where it is known; a share is one of them, or else
    of what is settled so far.

    By default ("auto") it watches the beginning of a batch: does every record fail for
    one reason? A record that succeeds, that fails for another reason, that does not
    exist or that exists already answers no, for good. Inputs that HubSpot refused
    together are `_suspects` until each has its outcome: they count as failed as soon as
    enough of them have failed alone, because to send each of 1,000 alone takes as many
    calls.
    """

    object_type: str
    number: int | None = None
    share: float | None = None
    total: int | None = None
    _settled: int = field(default=0, init=False)
    _failed: int = field(default=0, init=False)
    _reason: tuple[str | None, ...] | None = field(default=None, init=False)
    _mixed: bool = field(default=False, init=False)
    _suspects: set[int] = field(factory=set, init=False)

    @property
    def horizon(self) -> int:
        """How many inputs it has to see before it can say that all of them fail."""
        return _SAME_REASON if self._is_automatic else 0

    @property
    def _is_automatic(self) -> bool:
        return self.number is None and self.share is None

    def asks_about(self, error: RecordError) -> bool:
        """Whether it matters how many inputs were refused together for this.

        It does not where the inputs of the batch differ in what becomes of them.
        """
        if self._mixed or not self._is_automatic or isinstance(error, _EXPECTED):
            return False
        return self._reason in (None, _reason_of(error))

    def suspect(self, indices: Iterable[int], error: RecordError) -> None:
        """Note inputs that were refused together."""
        self._reason = _reason_of(error)
        self._suspects.update(indices)

    def succeeded(self, count: int) -> None:
        """Note records that succeeded."""
        self._settled += count
        self._mixed = True

    def failed(self, outcome: Outcome[Any]) -> TooManyFailures | None:
        """Note a record that did not; give the error if the batch must end now."""
        error = outcome.error
        if outcome.status not in _MISHAPS or error is None:
            return None
        self._settled += 1
        self._failed += 1
        self._suspects.discard(outcome.index)
        self._reason = self._reason or _reason_of(error)
        self._mixed |= self._reason != _reason_of(error) or isinstance(error, _EXPECTED)
        if not self._too_many():
            return None
        if not self._is_automatic:
            told = f"{self._failed:,} of {self._settled:,} records failed, the last: "
        elif self._suspects:
            together = self._failed + len(self._suspects)
            told = (
                f"The first {together:,} records were refused, and each of the "
                f"{self._failed:,} that were sent alone, for one reason: "
            )
        else:
            told = f"All of the first {self._failed:,} records failed for one reason: "
        return TooManyFailures(
            f"{told}{error.message} ({self.object_type}). Nothing further was sent."
        )

    def _too_many(self) -> bool:
        if self.number is not None:
            return self._failed > self.number
        if self.share is not None:
            judged = self.total or max(self._settled, _LEAST_JUDGED)
            return self._failed > self.share * judged
        if self._mixed or self._failed < _FAILED_ALONE:
            return False
        return self._failed + len(self._suspects) >= _SAME_REASON


def _reason_of(error: RecordError) -> tuple[str | None, ...]:
    return error.category, error.code, error.property_name
