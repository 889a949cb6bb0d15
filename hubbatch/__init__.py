"""Write to and read from HubSpot's CRM in batches of any length, from asyncio."""

from .accounts import Accounts
from .client import HubBatch
from .core.collecting import CombinedResponse
from .core.events import (
    BatchBegun,
    BatchEnded,
    ChunkAnswered,
    ChunkCut,
    ChunkEvent,
    ChunkIsolated,
    ChunkRetried,
    ChunkSent,
    ChunkSettled,
    ChunkThrottled,
    Event,
    InputFailed,
)
from .core.merging import merge
from .core.outcomes import Outcome, OutcomeStatus, Summary
from .core.pacing import RateLimit
from .core.retrying import RetryPolicy
from .core.typed import PropertyName
from .errors import (
    APIError,
    AuthenticationError,
    BatchFailed,
    ConfigurationError,
    DailyLimitReached,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    OutcomeUnknown,
    OverloadedError,
    PermissionDeniedError,
    ReconnectRequired,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
    TooManyFailures,
)
from .models import (
    Account,
    AssociationSpec,
    AssociationTo,
    BatchResponse,
    CreateInput,
    ErrorDetail,
    LegacyObject,
    LegacyProperty,
    LegacyUpdateInput,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
    UpdateInput,
    UpsertInput,
    ValueWithTimestamp,
)
from .net.batch import Batch, Stream
from .net.oauth import OAuth, OAuthTokens
from .net.pacing import Limits


__version__ = "0.1.0"

__all__ = [
    "APIError",
    "Account",
    "Accounts",
    "AssociationSpec",
    "AssociationTo",
    "AuthenticationError",
    "Batch",
    "BatchBegun",
    "BatchEnded",
    "BatchFailed",
    "BatchResponse",
    "ChunkAnswered",
    "ChunkCut",
    "ChunkEvent",
    "ChunkIsolated",
    "ChunkRetried",
    "ChunkSent",
    "ChunkSettled",
    "ChunkThrottled",
    "CombinedResponse",
    "ConfigurationError",
    "CreateInput",
    "DailyLimitReached",
    "ErrorDetail",
    "Event",
    "HubBatch",
    "HubBatchError",
    "HubSpotUnavailable",
    "InputFailed",
    "InvalidRequestError",
    "LegacyObject",
    "LegacyProperty",
    "LegacyUpdateInput",
    "Limits",
    "OAuth",
    "OAuthTokens",
    "Outcome",
    "OutcomeStatus",
    "OutcomeUnknown",
    "OverloadedError",
    "PermissionDeniedError",
    "PropertyName",
    "RateLimit",
    "ReconnectRequired",
    "RecordConflict",
    "RecordError",
    "RecordInvalid",
    "RecordNotFound",
    "RetryPolicy",
    "SimplePublicObject",
    "SimplePublicUpsertObject",
    "StandardError",
    "Stream",
    "Summary",
    "TooManyFailures",
    "UpdateInput",
    "UpsertInput",
    "ValueWithTimestamp",
    "merge",
]
