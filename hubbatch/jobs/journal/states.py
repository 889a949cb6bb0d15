"""The states of a row in a journal, and their meaning when the job resumes."""

from enum import IntEnum

from hubbatch._outcomes.outcome import OutcomeStatus


class RowState(IntEnum):
    """The state of one row in the journal.

    The numbers are stored in journals, so never change them. The next run resumes only
    OPEN and SENT rows. The transitions:

        OPEN -> SENT                a request with the row is about to leave
        SENT -> OPEN                HubSpot has certainly not written it
        SENT -> SUCCEEDED, FAILED   HubSpot answered
        OPEN -> FAILED              hubbatch refused to send it
        OPEN -> SUCCEEDED           an export read it
        SENT -> UNKNOWN             no other run will take it up: the job is over, a
        OPEN -> NOT_SENT            later row of its record was sent, or too many
                                    outcomes were held back
    """

    OPEN = 0  # read, and certain not to have reached HubSpot
    SENT = 1  # on disk before the request leaves; its outcome is not known yet
    SUCCEEDED = 2
    FAILED = 3
    UNKNOWN = 4  # final: it was SENT when the job ended
    NOT_SENT = 5  # final: it was OPEN when the job ended


FINAL: dict[OutcomeStatus, RowState] = {
    OutcomeStatus.SUCCEEDED: RowState.SUCCEEDED,
    OutcomeStatus.FAILED: RowState.FAILED,
    OutcomeStatus.UNKNOWN: RowState.UNKNOWN,
    OutcomeStatus.NOT_SENT: RowState.NOT_SENT,
}
