"""The accounts and the apps in them: access tokens, refresh tokens, windows."""

from collections.abc import Collection
from random import Random
from typing import Final

import attrs

from hubbatch.simulator.clocks import Clock
from hubbatch.simulator.crm.accounts import DAY_MS, Account, Token, random_token
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.limits import (
    ASSOCIATION_LIMITS,
    TIERS,
    Day,
    check_limit,
    check_tier,
)


# "expires_in" of the OAuth guide: half an hour, in seconds.
LIFETIME: Final = 1800


@attrs.frozen
class Installation:
    """A public app installed in an account; each has one refresh token."""

    account: Account
    client_id: str
    client_secret: str = attrs.field(repr=False)
    app_id: int
    lifetime: float = LIFETIME
    scopes: frozenset[str] | None = None


@attrs.define
class Apps:
    """The accounts, and what gives access to them.

    Attributes:
        accounts: The accounts by portal id.
        tokens: The access tokens by value.
        installations: The installed public apps by refresh token.
    """

    clock: Clock
    rng: Random
    accounts: dict[int, Account] = attrs.field(factory=dict)
    tokens: dict[str, Token] = attrs.field(factory=dict, repr=False)
    installations: dict[str, Installation] = attrs.field(factory=dict, repr=False)

    def account(self, portal_id: int, tier: str) -> Account:
        """Return the account with this portal id, created on first use."""
        check_tier(tier)
        if portal_id not in self.accounts:
            store = Store(portal_id, self.clock.ms, self.rng)
            day = Day(TIERS[tier][1], number=self.clock.ms() // DAY_MS)
            self.accounts[portal_id] = Account(portal_id, store, day)
        return self.accounts[portal_id]

    def install(
        self,
        account: Account,
        tier: str,
        *,
        limit: int | None = None,
        scopes: Collection[str] | None = None,
        expires: int | None = None,
        app_id: int | None = None,
        edits_associations: bool = True,
        value: str | None = None,
    ) -> Token:
        """Issue a token to an app; the tokens of one app share its windows.

        `expires` is in milliseconds since 1970.

        Raises:
            ValueError: If the tier is unknown or the limit negative.
        """
        check_tier(tier)
        check_limit(limit)
        oauth = tier == "oauth"
        if account.day.limit is None:
            # Opened for public apps, which have no daily limit; private apps do.
            account.day.limit = TIERS[tier][1]
        app_id = app_id or 1_024_738 + 11 * len(self.tokens)
        limits = {"others": TIERS[tier][0], "associations": ASSOCIATION_LIMITS[tier]}
        windows = {
            family: account.window(app_id, family, default if limit is None else limit)
            for family, default in limits.items()
        }
        token = Token(
            value or random_token(self.rng, oauth=oauth),
            account,
            app_id,
            {**windows, "search": account.searches, "events": account.events},
            oauth,
            None if scopes is None else frozenset(scopes),
            expires,
            edits_associations,
        )
        self.tokens[token.value] = token
        return token

    def renew(self, installation: Installation) -> Token:
        """Issue a new access token to a public app."""
        lifetime = round(installation.lifetime * 1000)
        return self.install(
            installation.account,
            "oauth",
            scopes=installation.scopes,
            expires=self.clock.ms() + lifetime,
            app_id=installation.app_id,
        )
