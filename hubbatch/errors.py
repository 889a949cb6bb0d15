"""Every error that hubbatch raises to its callers.

The tree::

    HubBatchError
    ├── ConfigurationError (ValueError) a bad option or environment; nothing was sent
    │   └── WhereError                  a condition cannot be used; says where in it
    ├── APIError                        HubSpot refused a call or is unavailable
    │   ├── AuthenticationError         401, or a refused refresh
    │   │   └── ReconnectRequired       the account must install the app again
    │   ├── PermissionDeniedError       403; names the missing scopes
    │   ├── InvalidRequestError         the call is wrong, not its records
    │   ├── DailyLimitReached           no more calls today; `.resets_at`
    │   ├── ProxyError                  the answer is not HubSpot's
    │   └── HubSpotUnavailable          no answers, or several chunks in a row used
    │                                   up their retries; `.maybe_written`
    ├── CertificateError                the certificate is not trusted; never retried
    ├── ListError                       a list or search cannot continue
    ├── TooManyFailures                 `max_failures` was exceeded
    ├── RecordError                     one record
    │   ├── RecordInvalid               a value is not allowed
    │   ├── RecordNotFound              the record does not exist
    │   ├── RecordConflict              `.existing_id` has the unique value
    │   └── OutcomeUnknown              the write may have reached HubSpot
    ├── BatchFailed (ExceptionGroup)    RecordErrors, from `raise_for_failures()`
    ├── OverloadedError                 too many single calls are waiting
    ├── JournalError                    locked, damaged, or of another job
    ├── SourceError                     a file cannot be read as rows
    ├── CheckFailed                     a preflight found errors
    ├── LimiterUnavailable              a shared rate limit cannot be reached
    └── LoadFailed                      a dlt load job cannot finish now

All of them can be pickled, and none contains an access token.
"""

import re

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

from .models import Context, ErrorDetail


Origin: TypeAlias = Literal["hubspot", "hubbatch"]
"""Which of the two found the error."""

_ENDS = (".", "!", "?", "…")
# The first word of a message, unless it is a name in code: `base_url ...`,
# `limit must be ...`.
_FIRST_WORD = re.compile(r"[a-z]+(?=[ ,'])(?! must | returned )")


def sentence(words: str) -> str:
    """Return words with a full stop, and with a capital unless a name begins them."""
    words = words.strip()
    if _FIRST_WORD.match(words):
        words = words[:1].upper() + words[1:]
    return words if words.endswith(_ENDS) else f"{words}."


def without_stop(words: str) -> str:
    """Return words to continue with: without the full stop at their end."""
    return words.strip().removesuffix(".")


class HubBatchError(Exception):
    """Base of all errors that hubbatch raises.

    Attributes:
        response: The `CombinedResponse` of the awaited batch that this error ended;
            None for any other error.
        summary: The `Summary` of the batch that this error ended, else None.
        account: The account of the call or batch that this error ended, if the client
            knows it: the portal id, or the account's name in `Accounts`.
    """

    response: Any = None
    summary: Any = None
    account: str | None = None

    def __str__(self) -> str:
        return sentence(super().__str__())


class HubSpotDeprecation(FutureWarning):
    """A call uses an API version that HubSpot soon stops supporting, or has stopped.

    It is a warning, not an error: the call is made. Python shows it once per process
    for each call, from 90 days before the end. It is a `FutureWarning` because Python
    hides every `DeprecationWarning` that is not raised by the main script, and so those
    of services, which need it most.
    """


class ConfigurationError(HubBatchError, ValueError):
    """An option or the environment is wrong; nothing was sent."""


class WhereError(ConfigurationError):
    """A condition, such as `createdate >= 2026-01-01`, cannot be used.

    Attributes:
        text: The condition.
        start: The index of the first character that is wrong.
        end: The index after the last one.
        reason: What is wrong there, and what was expected.
    """

    def __init__(
        self, reason: str, text: str = "", start: int = 0, end: int = 0
    ) -> None:
        at = "the end" if start >= len(text) else f"character {start + 1}"
        super().__init__(f"{reason} (at {at} of: {text})" if text else reason)
        self.text = text
        self.start = start
        self.end = end
        self.reason = reason


class APIError(HubBatchError):
    """HubSpot refused a call or is unavailable.

    `str(error)` is the advice, what HubSpot said, and the correlation id.

    Attributes:
        status: The HTTP status; None if no answer came.
        category: HubSpot's category, e.g. `MISSING_SCOPES`.
        message: HubSpot's message. It may quote property values.
        correlation_id: HubSpot's id of the call; quote it to HubSpot's support.
        errors: The causes that HubSpot listed (possibly none).
        context: The names and values that HubSpot attached, if any.
        advice: What hubbatch knows about the cause, and what to do; may be empty.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        category: str | None = None,
        correlation_id: str | None = None,
        errors: Sequence[ErrorDetail] = (),
        context: Context | None = None,
        advice: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.status = status
        self.category = category
        self.correlation_id = correlation_id
        self.errors = errors
        self.context = context

    def __str__(self) -> str:
        head = " ".join(str(part) for part in (self.status, self.category) if part)
        said = sentence(_with_id(self.message, self.correlation_id, head))
        return f"{self.advice} {said}" if self.advice else said


def _with_id(message: str, correlation_id: str | None, head: str | None) -> str:
    if head:
        message = f"{head}: {message}"
    identified = f"(correlation id {correlation_id})"
    if correlation_id and identified not in message:  # it may quote another error
        message = f"{without_stop(message)} {identified}"
    return message


class AuthenticationError(APIError):
    """HubSpot does not accept the access token (401) or refuses to refresh it."""


class ReconnectRequired(AuthenticationError):
    """The refresh token is no longer valid: the account must install the app again."""


class PermissionDeniedError(APIError):
    """The token lacks a scope, or its user a permission, that the call needs (403).

    Attributes:
        scopes: The missing scopes that HubSpot named; one of them may be enough.
    """

    scopes: Sequence[str] = ()


class InvalidRequestError(APIError):
    """HubSpot refuses the call, regardless of its records.

    The object type or path is unknown, or `id_property` is not unique, for example.
    """


class DailyLimitReached(APIError):
    """The account's daily calls are used up, or `daily_reserve` is reached.

    Attributes:
        resets_at: When the account's next day begins (aware), if known.
    """

    resets_at: datetime | None = None


class ProxyError(APIError):
    """A proxy or firewall answered instead of HubSpot.

    Attributes:
        title: The title of the page, or else the start of the body; None if it is
            empty.
    """

    title: str | None = None


class HubSpotUnavailable(APIError):
    """HubSpot answered no request, or several chunks in a row used up their retries.

    Attributes:
        maybe_written: Whether any record may have been written. If so, check HubSpot
            for the records before you send them again.
    """

    maybe_written: bool = False


class CertificateError(HubBatchError):
    """The server's certificate is not trusted, so nothing was sent; never retried.

    Behind a company proxy that inspects TLS, set SSL_CERT_FILE to a PEM file that
    contains the company's CA certificate.
    """


class ListError(HubBatchError):
    """A list or search cannot continue.

    A page names itself as the next page, or a search with a `sort` has more records
    than the 10,000 that HubSpot returns.
    """


class TooManyFailures(HubBatchError):
    """More records failed than `max_failures` allows, so the batch ended."""


class RecordError(HubBatchError):
    """One record did not succeed.

    Attributes:
        category: HubSpot's category, or hubbatch's: `INVALID_INPUT`,
            `UNEXPECTED_VALUE` (reading `into` a class), `OUTCOME_UNKNOWN`, `NOT_SENT`,
            `UNAVAILABLE` (a read without an answer) or `PAGING` (a record's pages of
            associations never end).
        message: The reason. HubSpot's messages may quote property values.
        code: HubSpot's code of the first cause, e.g. `PROPERTY_DOESNT_EXIST`.
        property_name: The property that is wrong, if the error names one.
        correlation_id: HubSpot's id of the call; quote it to HubSpot's support.
        context: The names and values that HubSpot attached, if any.
        origin: `"hubspot"` if HubSpot refused the record, `"hubbatch"` if hubbatch did.
    """

    def __init__(
        self,
        message: str,
        *,
        category: str | None = None,
        code: str | None = None,
        property_name: str | None = None,
        correlation_id: str | None = None,
        context: Context | None = None,
        origin: Origin = "hubspot",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        self.code = code
        self.property_name = property_name
        self.correlation_id = correlation_id
        self.context = context
        self.origin = origin

    def __str__(self) -> str:
        return sentence(_with_id(self.message, self.correlation_id, self.category))


class RecordInvalid(RecordError):
    """A value was rejected: by HubSpot, a check before sending, or the `into` class."""


class RecordNotFound(RecordError):
    """The record does not exist: it never did, is archived, or was merged."""


class RecordConflict(RecordError):
    """Another record already has the unique value.

    Attributes:
        existing_id: The id of that record, if HubSpot named it.
    """

    existing_id: str | None = None


class OutcomeUnknown(RecordError):
    """The record was sent but got no trustworthy answer: it may have been written."""


class BatchFailed(HubBatchError, ExceptionGroup[RecordError]):
    """Some records of a batch did not succeed.

    Each error has a note with the index and the id of its input.

    Attributes:
        total: The number of records that did not succeed. The group holds the errors
            of the first 1,000.
    """

    total: int = 0

    def derive(self, excs: Sequence[RecordError]) -> "BatchFailed":  # type: ignore[override] # narrower on purpose: only RecordErrors are in it
        """Return a group with some of these errors, for `except*` and `split`."""
        part = BatchFailed(self.message, excs)
        part.total = self.total
        return part


class OverloadedError(HubBatchError):
    """Too many single calls are waiting, so this one was not sent."""


class JournalError(HubBatchError):
    """A journal cannot be used: it is locked, damaged, or of another job.

    The message says what differs. Nothing was sent that the journal could not record.
    """


class SourceError(HubBatchError):
    """A file cannot be read as rows; the message names the file and the row or line.

    Attributes:
        option: The option that solves the problem, and its value, e.g. `("id_column",
            "Record ID")`. The message names it as Python does; the command line names
            its own option instead.
    """

    def __init__(self, message: str, *, option: tuple[str, Any] | None = None) -> None:
        super().__init__(message)
        self.option = option

    def __str__(self) -> str:
        problem = self.problem
        if self.option is None:
            return problem
        name, value = self.option
        return f"{problem} Use {name}={value!r}."

    @property
    def problem(self) -> str:
        """The message without the option."""
        return super().__str__()


class CheckFailed(HubBatchError):
    """A preflight found rows that HubSpot would refuse; nothing was sent.

    Attributes:
        report: The `CheckReport` with the findings.
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class LimiterUnavailable(HubBatchError):
    """A rate limit shared between processes cannot be reached; sending stopped."""


class LoadFailed(HubBatchError):
    """A dlt load job cannot finish for now.

    Attributes:
        passing: Whether the cause is temporary, so that running the load again may
            help.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
