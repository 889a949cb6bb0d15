"""The owners of records: the users and former users of an account."""

from collections.abc import Callable, Collection
from typing import Final

import attrs


# Ids of owners and of users are unrelated numbers in HubSpot's recordings.
_FIRST_OWNER: Final = 31_871_817
_FIRST_USER: Final = 2_506_672
_STEP: Final = 83


@attrs.define
class Owner:
    """A user who can own records.

    Attributes:
        user_id: The id of the user; a deactivated owner shows it in another key.
        created: When the owner was added, in milliseconds since 1970.
        archived: Whether the user was deactivated.
        teams: The names of the teams; the first one is the primary team.
    """

    id: str
    email: str
    first_name: str
    last_name: str
    user_id: int
    created: int
    updated: int
    archived: bool = False
    teams: tuple[str, ...] = ()


@attrs.define
class Owners:
    """The owners of an account by id; `add` adds some, since no call creates them."""

    now: Callable[[], int]
    by_id: dict[str, Owner] = attrs.field(factory=dict)

    def add(
        self,
        email: str,
        *,
        first_name: str = "",
        last_name: str = "",
        archived: bool = False,
        teams: Collection[str] = (),
        owner_id: str | None = None,
    ) -> Owner:
        """Add an owner, whose id `hubspot_owner_id` refers to; a new id by default."""
        step = _STEP * len(self.by_id)
        now = self.now()
        owner = Owner(
            owner_id or str(_FIRST_OWNER + step),
            email,
            first_name,
            last_name,
            _FIRST_USER + step,
            now,
            now,
            archived,
            tuple(teams),
        )
        self.by_id[owner.id] = owner
        return owner
