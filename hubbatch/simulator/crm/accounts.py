"""Accounts, access tokens, and the checks of tokens and scopes."""

from collections.abc import Collection, Mapping
from random import Random
from typing import Any, Final
from uuid import UUID

import attrs

from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.limits import (
    EVENTS_PER_SECOND,
    SEARCHES_PER_SECOND,
    TIERS,
    Day,
    RollingWindow,
    SecondWindow,
)
from hubbatch.simulator.wire import Refusal, iso


DAY_MS: Final = 86_400_000

# The user who installed every app and changes what its calls change.
USER_ID: Final = 2_506_672

_AUTH_FAILURE: Final = {"X-HubSpot-Auth-Failure": "401 Unauthorized"}
_SCOPES_PAGE = "https://developers.hubspot.com/scopes"


@attrs.define
class Account:
    """A portal: its records, its daily calls, and each app's rolling windows.

    Attributes:
        windows: The windows by app id and family of calls, shared by an app's tokens.
        searches: The window of searches, which all apps share.
        events: The window of custom events, which all apps share.
    """

    portal_id: int
    store: Store
    day: Day
    windows: dict[tuple[int, str], RollingWindow] = attrs.field(
        factory=dict, repr=False
    )
    searches: SecondWindow = attrs.field(
        factory=lambda: SecondWindow(SEARCHES_PER_SECOND), repr=False
    )
    events: SecondWindow = attrs.field(
        factory=lambda: SecondWindow(EVENTS_PER_SECOND, counts_daily=False), repr=False
    )

    def window(self, app_id: int, family: str, limit: int) -> RollingWindow:
        """Return the app's window for a family of calls, created on first use."""
        return self.windows.setdefault((app_id, family), RollingWindow(limit))

    def granted(self, scopes: Collection[str] | None) -> list[str]:
        """Return scopes in order; None stands for all those of records."""
        return sorted({"oauth", *self.store.scopes()} if scopes is None else scopes)

    def details(self) -> dict[str, object]:
        """Return the body of `account-info/details`; the time zone is UTC."""
        return {
            "portalId": self.portal_id,
            "accountType": "STANDARD",
            "timeZone": "UTC",
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }

    def usage(self, now: int) -> dict[str, object]:
        """Return the body of `account-info/api-usage/daily/private-apps`."""
        self.day.roll_over(now // DAY_MS)
        return {
            "results": [
                {
                    "name": "private-apps-api-calls-daily",
                    "usageLimit": self.day.limit or TIERS["starter"][1],
                    "currentUsage": self.day.used,
                    "collectedAt": iso(now),
                    "fetchStatus": "SUCCESS",
                    "resetsAt": iso((now // DAY_MS + 1) * DAY_MS),
                }
            ]
        }


@attrs.frozen
class Token:
    """An access token: its account and app, its scopes, and its expiry.

    `scopes=None` grants every scope; `expires=None` never expires.
    """

    value: str = attrs.field(repr=False)
    account: Account
    app_id: int
    windows: Mapping[str, RollingWindow | SecondWindow]
    oauth: bool = False
    scopes: frozenset[str] | None = None
    expires: int | None = None
    edits_associations: bool = True

    def headers(self, at: float, family: str) -> dict[str, str]:
        """Return the rate-limit headers; OAuth apps get no daily ones."""
        window = self.windows[family]
        counts = window.counts_daily and not self.oauth
        daily = self.account.day.headers() if counts else {}
        return {**daily, **window.headers(at)}

    def throttled(self, at: float, now: int, family: str) -> str | None:
        """Count a request, or return the name of the policy that it exceeds.

        A throttled request is not counted.
        """
        day, window = self.account.day, self.windows[family]
        day.roll_over(now // DAY_MS)
        counts = window.counts_daily and not self.oauth
        if counts and day.is_used_up():
            return "DAILY"
        if not window.take(at):
            return window.policy
        if counts:
            day.used += 1
        return None

    def granted(self) -> list[str]:
        """Return the scopes of the token; one without limits has all of records."""
        return self.account.granted(self.scopes)

    def group(self) -> str:
        """Return the name of the counter, as a 429 shows it in `groupName`."""
        kind = "oauth" if self.oauth else "private_app"
        app = f"{self.app_id}:{self.account.portal_id}"
        return f"publicapi:{kind}-api-calls-ten-secondly:{app}"


def random_token(rng: Random, *, oauth: bool) -> str:
    """Return a random token in HubSpot's format."""
    if oauth:
        return "C" + "".join(f"{rng.getrandbits(64):016x}" for _ in range(8))
    return f"pat-na1-{UUID(int=rng.getrandbits(128), version=4)}"


def authenticate(tokens: Mapping[str, Token], value: str | None, now: int) -> Token:
    """Return the token with this value.

    Raises:
        Refusal: If the token is unknown or expired.
    """
    token = tokens.get(value or "")
    if token is None:
        raise invalid_token()
    if token.expires is not None and now >= token.expires:
        ago = _ago((now - token.expires) // 1000)
        # The space in the key is HubSpot's, as recorded.
        context = {"context": {"expire time": [iso(token.expires)]}}
        message = f"The OAuth token used to make this call expired {ago} ago."
        raise Refusal(401, message, "EXPIRED_AUTHENTICATION", context, _AUTH_FAILURE)
    return token


def invalid_token() -> Refusal:
    """Return the refusal of an unknown token."""
    return Refusal(
        401,
        "Authentication credentials not found. This API supports OAuth 2.0 "
        "authentication and you can find more details at "
        "https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        "INVALID_AUTHENTICATION",
        headers=_AUTH_FAILURE,
    )


def _ago(seconds: int) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}(s)"
    return f"{seconds} second(s)"


def check_scopes(
    token: Token,
    required: Collection[str],
    *,
    in_context: bool = False,
    named: Collection[str] = (),
) -> None:
    """Refuse a token that has none of the scopes that a call accepts.

    The refusal names these, or those in `named`.
    """
    if token.scopes is None or not token.scopes.isdisjoint(required):
        return
    raise missing_scopes(named or required, in_context=in_context)


def missing_scopes(required: Collection[str], *, in_context: bool = False) -> Refusal:
    """Return the 403 for missing scopes, in one of the two recorded shapes."""
    short = "One or more of the following scopes are required."
    granular = list(required)
    if in_context:
        context = {"requiredGranularScopes": granular, "links": [_SCOPES_PAGE]}
        return Refusal(403, short, "MISSING_SCOPES", {"context": context})
    detail: dict[str, Any] = {
        "message": short,
        "context": {"requiredGranularScopes": granular},
    }
    return Refusal(
        403,
        "This app hasn't been granted all required scopes to make this call. Read "
        f"more about required scopes here: {_SCOPES_PAGE}.",
        "MISSING_SCOPES",
        {"errors": [detail], "links": {"scopes": _SCOPES_PAGE}},
    )
