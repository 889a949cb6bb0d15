"""Everything that hubbatch raises.

The tree::

    HubBatchError
    ├── ConfigurationError (ValueError)   the client cannot work as it was set up
    ├── APIError                          HubSpot refused a call, or cannot answer
    │   ├── AuthenticationError           401, or a refused refresh
    │   │   └── ReconnectRequired         the app is not installed any more
    │   ├── PermissionDeniedError         403; names the missing scopes
    │   ├── InvalidRequestError           the call, not a record, is wrong
    │   ├── DailyLimitReached             the account's day is used up
    │   ├── ProxyError                    a page that is not HubSpot's
    │   └── HubSpotUnavailable            nothing was answered, or retries used up for
    │                                     several chunks in a row; `.maybe_written`
    ├── CertificateError                  the certificate is not trusted; never retried
    ├── ListError                         a list or search that does not move on
    ├── TooManyFailures                   `max_failures` was reached
    ├── RecordError                       one record
    │   ├── RecordInvalid
    │   ├── RecordNotFound
    │   ├── RecordConflict                `.existing_id` has the value already
    │   └── OutcomeUnknown                it may or may not have been written
    ├── BatchFailed (ExceptionGroup)      of RecordErrors, by `raise_for_failures()`
    ├── OverloadedError                   too many single calls wait
    ├── JournalError                      locked; of another job, source or portal
    ├── SourceError                       a file cannot be read as rows
    ├── CheckFailed                       a preflight found errors
    ├── LimiterUnavailable                a shared rate limit cannot be reached
    └── LoadFailed                        a load job of dlt cannot finish now

Each can be pickled, and none ever holds an access token.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from .models import Context, ErrorDetail


Origin = Literal["hubspot", "hubbatch"]


class HubBatchError(Exception):
    """The base of all errors of hubbatch.

    Attributes:
        response: what a collected batch had done when this error ended it.
        summary: the counts of the batch that this error ended.
    """

    response: Any = None
    summary: Any = None


class ConfigurationError(HubBatchError, ValueError):
    """The client cannot work as it was set up; nothing was sent."""


class APIError(HubBatchError):
    """HubSpot refused a call, or cannot answer.

    Attributes:
        status: the HTTP status; None where no answer came.
        category: HubSpot's word for the kind of error.
        message: HubSpot's sentence. It may quote property values.
        correlation_id: what HubSpot's support asks for.
        errors: the causes, if HubSpot listed any.
        context: what the error is about, if HubSpot said so.
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
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.category = category
        self.correlation_id = correlation_id
        self.errors = errors
        self.context = context

    def __str__(self) -> str:
        head = " ".join(str(part) for part in (self.status, self.category) if part)
        tail = f" (correlation id {self.correlation_id})" if self.correlation_id else ""
        return f"{head}: {self.message}{tail}" if head else f"{self.message}{tail}"


class AuthenticationError(APIError):
    """HubSpot does not accept the access token (401), or refuses to refresh it."""


class ReconnectRequired(AuthenticationError):
    """The refresh token is not valid any more: only a new installation helps."""


class PermissionDeniedError(APIError):
    """The token lacks a scope (403), or its user a permission, that the call needs.

    Attributes:
        scopes: the scopes HubSpot named; one of them may be enough.
    """

    scopes: Sequence[str] = ()


class InvalidRequestError(APIError):
    """HubSpot refuses the call whatever records are in it.

    An unknown object type or path, or an `id_property` that is not unique.
    """


class DailyLimitReached(APIError):
    """The account may make no more calls today.

    Attributes:
        resets_at: when the next day of the account begins, where that is known.
    """

    resets_at: datetime | None = None


class ProxyError(APIError):
    """An answer that is not HubSpot's: a proxy or a firewall on the way sent it.

    Attributes:
        title: the title of its page, or the beginning of its text; None if it has none.
    """

    title: str | None = None


class HubSpotUnavailable(APIError):
    """HubSpot answered no request of the batch, or several chunks in a row failed.

    Attributes:
        maybe_written: whether any record may have been written. If so, sending the
            same again may write it twice: look at what HubSpot has first.
    """

    maybe_written: bool = False


class CertificateError(HubBatchError):
    """The server's certificate is not trusted, so nothing was sent to it.

    It is never retried. Where a company's proxy inspects TLS, set SSL_CERT_FILE to a
    PEM file that contains the company's CA certificate.
    """


class ListError(HubBatchError):
    """A list or a search does not move on: a page names itself as the next one."""


class TooManyFailures(HubBatchError):
    """So many records failed that the batch was ended; see `max_failures`."""


class RecordError(HubBatchError):
    """What is wrong with one record.

    Attributes:
        category: HubSpot's word, or `INVALID_INPUT`, `UNEXPECTED_VALUE` (reading
            `into` a class), `OUTCOME_UNKNOWN`, `NOT_SENT`, `UNAVAILABLE` (a read that
            got no answer), `PAGING` (associations that do not come to an end).
        message: the sentence that says why. HubSpot's may quote property values.
        code: HubSpot's code of the first cause, e.g. `PROPERTY_DOESNT_EXIST`.
        property_name: the property that is wrong, where one is named.
        correlation_id: what HubSpot's support asks for.
        context: what the error is about, if HubSpot said so.
        origin: who found it: `"hubspot"` or `"hubbatch"`.
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
        return f"{self.category}: {self.message}" if self.category else self.message


class RecordInvalid(RecordError):
    """A value is not allowed: by HubSpot, before sending, or by the class read into."""


class RecordNotFound(RecordError):
    """No such record: never there, archived, or merged into another."""


class RecordConflict(RecordError):
    """Another record has the unique value already.

    Attributes:
        existing_id: the record that has it, where HubSpot named it.
    """

    existing_id: str | None = None


class OutcomeUnknown(RecordError):
    """The record was sent and no trustworthy answer came: it may have been written."""


class BatchFailed(HubBatchError, ExceptionGroup[RecordError]):
    """Some records of a batch did not succeed.

    Each error has a note with the index and the id of its input.

    Attributes:
        total: how many records did not succeed. The group holds the first 1,000.
    """

    total: int = 0

    def derive(self, excs: Sequence[RecordError]) -> "BatchFailed":  # type: ignore[override] # narrower on purpose: only RecordErrors are in it
        """Make the part of this group that `except*` and `split` ask for."""
        part = BatchFailed(self.message, excs)
        part.total = self.total
        return part


class OverloadedError(HubBatchError):
    """Too many single calls wait; this one was refused and nothing of it was sent."""


class JournalError(HubBatchError):
    """A journal cannot be used: locked, damaged, or of another job.

    The message names what differs. Nothing is sent that it cannot account for.
    """


class SourceError(HubBatchError):
    """A file cannot be read as rows; the message names it, and the row or line."""


class CheckFailed(HubBatchError):
    """A preflight found rows that HubSpot would refuse; nothing was sent.

    Attributes:
        report: the `CheckReport` of what was found.
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class LimiterUnavailable(HubBatchError):
    """A rate limit that processes share cannot be reached; nothing was sent."""


class LoadFailed(HubBatchError):
    """A load job of dlt cannot finish now.

    Attributes:
        passing: whether running the same load again may finish it.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
