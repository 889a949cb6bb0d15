"""The accounts and the apps in them: access tokens, refresh tokens, windows."""

from collections.abc import Collection, Mapping
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
from hubbatch.simulator.masking import Secrets


# "expires_in" of the OAuth guide: half an hour, in seconds.
LIFETIME: Final = 1800


# HubSpot does not say how long a code works; RFC 6749 recommends at most ten minutes.
CODE_LIFETIME_MS: Final = 600_000


@attrs.frozen
class App:
    """A public app, which can be installed in several accounts.

    Attributes:
        redirect_uris: Where a user may be sent back to, with a code.
        scopes: The scopes that it may ask for; None for all.
    """

    client_id: str
    client_secret: str = attrs.field(repr=False)
    app_id: int
    redirect_uris: tuple[str, ...] = ()
    scopes: frozenset[str] | None = None

    def is_client(self, form: Mapping[str, str]) -> bool:
        """Return whether a form has the app's client id and client secret."""
        client = (form.get("client_id"), form.get("client_secret"))
        return client == (self.client_id, self.client_secret)


@attrs.frozen
class Installation:
    """A public app installed in an account; each has one refresh token."""

    account: Account
    app: App
    lifetime: float = LIFETIME
    scopes: frozenset[str] | None = None


@attrs.frozen
class Code:
    """What a user consented to; an app exchanges its code for a refresh token.

    Attributes:
        expires: In milliseconds since 1970.
        challenge: The SHA-256 that the app's verifier must have; None for any.
    """

    app: App
    account: Account
    redirect_uri: str
    scopes: frozenset[str] | None
    expires: int
    challenge: str | None = None


@attrs.define
class Apps:
    """The accounts, and what gives access to them.

    Attributes:
        accounts: The accounts by portal id.
        tokens: The access tokens by value.
        registered: The public apps by client id.
        installations: The installed public apps by refresh token.
        codes: What users consented to, by code.
        secrets: All tokens, client secrets and codes there ever were, to mask them.
    """

    clock: Clock
    rng: Random
    accounts: dict[int, Account] = attrs.field(factory=dict)
    tokens: dict[str, Token] = attrs.field(factory=dict, repr=False)
    registered: dict[str, App] = attrs.field(factory=dict, repr=False)
    installations: dict[str, Installation] = attrs.field(factory=dict, repr=False)
    codes: dict[str, Code] = attrs.field(factory=dict, repr=False)
    secrets: Secrets = attrs.field(factory=Secrets, init=False, repr=False)
    _made_up: int = attrs.field(default=0, init=False, repr=False)

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
        self.secrets.add(token.value)
        return token

    def register(
        self,
        client_id: str,
        client_secret: str,
        redirect_uris: Collection[str] = (),
        scopes: Collection[str] | None = None,
    ) -> App:
        """Add a public app, or change the one with this client id."""
        former = self.registered.get(client_id)
        app = App(
            client_id,
            client_secret,
            former.app_id if former else 2_000_000 + len(self.registered),
            tuple(redirect_uris),
            None if scopes is None else frozenset(scopes),
        )
        self.registered[client_id] = app
        self.secrets.add(client_secret)
        return app

    def add_installation(
        self,
        app: App,
        account: Account,
        scopes: frozenset[str] | None,
        *,
        lifetime: float = LIFETIME,
        refresh_token: str | None = None,
    ) -> str:
        """Install an app in an account and return its refresh token.

        HubSpot grants at most the scopes of the app: these are the default, and others
        are left out.
        """
        if app.scopes is not None:
            scopes = app.scopes if scopes is None else scopes & app.scopes
        if refresh_token is None:
            # Not the number of installations, which falls when a token is revoked.
            refresh_token = f"na1-{self._made_up:04d}-{app.client_id}"
            self._made_up += 1
        installation = Installation(account, app, lifetime, scopes)
        self.installations[refresh_token] = installation
        self.secrets.add(refresh_token)
        return refresh_token

    def refresh_token(self, app: App, account: Account) -> str | None:
        """Return the refresh token of an app that is installed in an account."""
        for value, known in self.installations.items():
            ours = known.app.client_id == app.client_id
            if ours and known.account.portal_id == account.portal_id:
                return value
        return None

    def issue_code(
        self,
        app: App,
        account: Account,
        redirect_uri: str,
        *,
        scopes: frozenset[str] | None,
        challenge: str | None = None,
        value: str | None = None,
    ) -> str:
        """Return a code, as HubSpot adds it to the redirect URI of an app."""
        expires = self.clock.ms() + CODE_LIFETIME_MS
        value = value or f"na1-{self.rng.getrandbits(128):032x}"
        self.codes[value] = Code(app, account, redirect_uri, scopes, expires, challenge)
        self.secrets.add(value)
        return value

    def renew(self, installation: Installation) -> Token:
        """Issue a new access token to a public app."""
        lifetime = round(installation.lifetime * 1000)
        return self.install(
            installation.account,
            "oauth",
            scopes=installation.scopes,
            expires=self.clock.ms() + lifetime,
            app_id=installation.app.app_id,
        )
