"""When so many records fail that sending the rest does harm."""

from typing import Any

from attrs import define, field

from hubbatch.errors import TooManyFailures

from .outcomes import Outcome, OutcomeStatus


# By default a batch ends when so many records at its beginning fail for one reason:
# that is a mistake in the job, not in the records.
_SAME_REASON = 1_000
# A share of failures is judged over so many records at least.
_LEAST_JUDGED = 1_000
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
    """

    object_type: str
    number: int | None = None
    share: float | None = None
    total: int | None = None
    _settled: int = field(default=0, init=False)
    _failed: int = field(default=0, init=False)
    _reason: object = field(default=None, init=False)
    _mixed: bool = field(default=False, init=False)

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
        reason = (error.category, error.code, error.property_name)
        if self._failed == 1:
            self._reason = reason
        self._mixed = self._mixed or reason != self._reason
        if not self._too_many():
            return None
        if self.number is None and self.share is None:
            told = f"All of the first {self._failed:,} records failed for one reason: "
        else:
            told = f"{self._failed:,} of {self._settled:,} records failed, the last: "
        return TooManyFailures(
            f"{told}{error.message} ({self.object_type}). Nothing further was sent."
        )

    def _too_many(self) -> bool:
        if self.number is not None:
            return self._failed > self.number
        if self.share is not None:
            judged = self.total or max(self._settled, _LEAST_JUDGED)
            return self._failed > self.share * judged
        return self._failed == _SAME_REASON and not self._mixed
