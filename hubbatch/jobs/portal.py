"""Which portal a job is of: the one that was asked for, and that it began on."""

from pathlib import Path

from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, JournalError, PermissionDeniedError

from .journal import History


async def find_portal(
    hub: HubBatch, history: History, wanted: int | None, journal: Path | None
) -> int | None:
    """Ask whose the token is; None if it may not ask. A finished job asks nothing.

    Raises:
        ConfigurationError: if it is not of the portal that is wanted.
        JournalError: if it is not of the portal that the journal is of.
        APIError: if HubSpot does not accept the token.
    """
    if history.finished:
        portal = history.portal_id
    else:
        try:
            portal = (await hub.account()).portal_id
        except PermissionDeniedError:  # the token may write, and not ask this
            portal = None
    if wanted is not None and portal != wanted:
        other = f"is of account {portal}, not of {wanted}"
        unsure = f"may not ask whether it is of account {wanted}"
        raise ConfigurationError(f"the access token {other if portal else unsure}")
    if history.portal_id not in (None, portal):
        other = f"is of portal {portal}" if portal else "may not ask which it is of"
        raise JournalError(
            f"{journal} is the journal of a job in portal {history.portal_id}; the "
            f"access token {other}"
        )
    return portal
