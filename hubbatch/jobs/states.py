"""What a journal says of a row, and what that means when its job goes on."""

from enum import IntEnum

from hubbatch.core.outcomes import OutcomeStatus


class RowState(IntEnum):
    """The state of one row. The figures are the journal's: never change one.

    OPEN and SENT are all that another run takes up again.
    """

    OPEN = 0  # read, and nothing of it can have reached HubSpot
    SENT = 1  # it has left, and what became of it is not known
    SUCCEEDED = 2
    FAILED = 3
    UNKNOWN = 4  # as SENT, for good: the job is over
    NOT_SENT = 5  # as OPEN, for good


FINAL: dict[OutcomeStatus, RowState] = {
    OutcomeStatus.SUCCEEDED: RowState.SUCCEEDED,
    OutcomeStatus.FAILED: RowState.FAILED,
    OutcomeStatus.UNKNOWN: RowState.UNKNOWN,
    OutcomeStatus.NOT_SENT: RowState.NOT_SENT,
}
