"""What a journal says of a row, and what that means when its job goes on."""

from enum import IntEnum

from hubbatch.core.outcomes import OutcomeStatus


class State(IntEnum):
    """The state of one row. The figures are the journal's: never change one.

    OPEN and SENT are all that another run takes up again.
    """

    OPEN = 0  # read, and nothing of it can have reached HubSpot
    SENT = 1  # it has left, and what became of it is not known
    SUCCEEDED = 2
    FAILED = 3
    UNKNOWN = 4  # as SENT, for good: the job is over
    NOT_SENT = 5  # as OPEN, for good


FINAL: dict[OutcomeStatus, State] = {
    OutcomeStatus.SUCCEEDED: State.SUCCEEDED,
    OutcomeStatus.FAILED: State.FAILED,
    OutcomeStatus.UNKNOWN: State.UNKNOWN,
    OutcomeStatus.NOT_SENT: State.NOT_SENT,
}
