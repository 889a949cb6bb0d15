"""The error of a batch that got no usable answer from HubSpot, with advice."""

from hubbatch.errors import APIError, HubSpotUnavailable


NO_ANSWER = "No request got a usable answer from HubSpot"
_TRY_LATER = " Try again later."
# It does not advise trying again: that could write the records twice.
_CHECK_FIRST = (
    " Some records may have been written: look in HubSpot for those whose outcome is "
    "`unknown` before you send anything else."
)


def unavailable(summary: str, last: APIError) -> HubSpotUnavailable:
    """Return the error of several failed requests, with the details of the last."""
    return HubSpotUnavailable(
        f"{summary}: {last.message}",
        status=last.status,
        category=last.category,
        correlation_id=last.correlation_id,
        errors=last.errors,
        context=last.context,
    )


def advise(error: HubSpotUnavailable, *, maybe_written: bool) -> None:
    """Add advice to an error: try again, or check first what was written.

    An error that has advice already comes from a token refresh or from another batch.
    "Try again" is replaced if this batch may have written something.
    """
    error.maybe_written = error.maybe_written or maybe_written
    if not error.message.endswith(_CHECK_FIRST):
        bare = error.message.removesuffix(_TRY_LATER).removesuffix(".")
        error.message = f"{bare}.{_CHECK_FIRST if error.maybe_written else _TRY_LATER}"
