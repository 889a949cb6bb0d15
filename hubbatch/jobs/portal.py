"""Checks that a job runs in the right portal."""

from pathlib import Path

from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError, JournalError, PermissionDeniedError

from .journal.journal import History


async def find_portal(
    hub: HubBatch, history: History, wanted: int | None, journal: Path | None
) -> int | None:
    """Return the id of the portal that the token belongs to.

    Return None if the token lacks permission to read it. For a finished job, no request
    is sent: its journal has the id.

    Args:
        hub: The client.
        history: The state that earlier runs recorded.
        wanted: The portal id that the caller requires, if any.
        journal: The journal's path, for messages.

    Raises:
        ConfigurationError: If the token does not belong to the wanted portal.
        JournalError: If the journal belongs to a different portal from the token.
        APIError: If HubSpot does not accept the token.
    """
    portal = history.portal_id if history.finished else await _ask_portal(hub)
    _check(portal, wanted)
    if history.portal_id not in (None, portal):
        other = f"belongs to portal {portal}" if portal else "cannot read its portal"
        raise JournalError(
            f"{journal} is the journal of a job in portal {history.portal_id}; the "
            f"access token {other}. Use a token of that portal"
        )
    return portal


async def check_portal(hub: HubBatch, wanted: int | None) -> int | None:
    """Return the id of the portal as `find_portal` does, where there is no journal.

    Raises:
        ConfigurationError: If the token does not belong to the wanted portal.
        APIError: If HubSpot does not accept the token.
    """
    portal = await _ask_portal(hub)
    _check(portal, wanted)
    return portal


async def _ask_portal(hub: HubBatch) -> int | None:
    try:
        return (await hub.account()).portal_id
    except PermissionDeniedError:  # the token may write, but not read this
        return None


def _check(portal: int | None, wanted: int | None) -> None:
    if wanted is not None and portal != wanted:
        other = f"belongs to account {portal}, not {wanted}"
        unsure = f"lacks permission to confirm that it belongs to account {wanted}"
        raise ConfigurationError(f"the access token {other if portal else unsure}")
