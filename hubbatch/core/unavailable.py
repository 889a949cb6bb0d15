"""The error of calls that HubSpot did not answer, and what it advises to do."""

from hubbatch.errors import APIError, HubSpotUnavailable


NO_ANSWER = "No request got a usable answer from HubSpot"
_TRY_AGAIN = " Try again later."
# Nothing here invites to send it all once more: that could write it twice.
_LOOK_FIRST = (
    " Some of it may have been written: look at what HubSpot has, and at the "
    "outcomes that are `unknown`, before you send anything else."
)


def unavailable(told: str, last: APIError) -> HubSpotUnavailable:
    """Return the error of calls of which the last one failed like this."""
    return HubSpotUnavailable(
        f"{told}: {last.message}",
        status=last.status,
        category=last.category,
        correlation_id=last.correlation_id,
        errors=last.errors,
        context=last.context,
    )


def advise(error: HubSpotUnavailable, *, maybe_written: bool) -> None:
    """Add to an error what to do about it.

    An error that advises to try again is that of a refresh of the token, or of another
    batch: its advice is replaced if anything may have been written here.
    """
    error.maybe_written = error.maybe_written or maybe_written
    if not error.message.endswith(_LOOK_FIRST):
        bare = error.message.removesuffix(_TRY_AGAIN).removesuffix(".")
        error.message = f"{bare}.{_LOOK_FIRST if error.maybe_written else _TRY_AGAIN}"
