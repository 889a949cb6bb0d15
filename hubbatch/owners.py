"""The owners of records."""

from __future__ import annotations

from functools import partial

from ._validators import check_flag
from ._verbs import Face
from ._wire.calls import Operation
from ._wire.codecs.settings import owners_query
from ._wire.endpoints import operation_for
from .account_models import Owner


class Owners(Face):
    """The users and queues that records can be assigned to."""

    async def list(
        self, email: str | None = None, *, archived: bool = False
    ) -> tuple[Owner, ...]:
        """Return all owners, or those with an e-mail address.

        Example::

            owners = await hub.owners.list()
            ids = {owner.email: owner.id for owner in owners}

        Needs the scope `crm.objects.owners.read`.

        Args:
            email: The address of the owner. Returns an empty tuple if no owner has it.
            archived: Whether to return owners that were deactivated instead of active
                ones.

        Raises:
            TypeError: If `email` is not a string.
            ValueError: If `email` is blank.
            APIError: If HubSpot refuses the request or is unavailable.
            RuntimeError: If the client is closed.
        """
        if not isinstance(email, str | None):
            raise TypeError(f"email must be an e-mail address, not {email!r}.")
        if email is not None and not email.strip():
            raise ValueError("email is empty. Leave it out to list all owners.")
        check_flag("archived", archived)
        self._state.check_open()
        page_at = partial(self._page, email, archived=archived)
        return tuple([owner async for owner in self._walk(page_at)])

    def _page(
        self, email: str | None, after: str | None, *, archived: bool
    ) -> Operation:
        return operation_for(
            "owners",
            "list",
            api_version=self._api_version,
            archived=archived,
            parameters=owners_query(email, after),
        )
