"""The client for code without asyncio: what `HubBatch.sync()` returns.

    with HubBatch.sync() as hub:
        response = hub.tickets.update(records)

Import the names from here to annotate your own functions.
"""

from hubbatch._public import publish as _publish

from ._client import SyncHubBatch
from ._faces.associations import (
    SyncAssociationLimits,
    SyncAssociations,
    SyncAssociationsV3,
)
from ._faces.associations_streams import (
    StreamAssociationLimits,
    StreamAssociations,
    StreamAssociationsV3,
)
from ._faces.calling import SyncConnectionStatuses
from ._faces.calling_streams import StreamConnectionStatuses
from ._faces.contacts import SyncContacts
from ._faces.contacts_streams import StreamContacts
from ._faces.custom_events import SyncCustomEvents
from ._faces.custom_events_streams import StreamCustomEvents
from ._faces.legacy import SyncLegacy, SyncLegacyObjects
from ._faces.legacy_streams import StreamLegacyObjects
from ._faces.lists import SyncListMemberships, SyncListRecords, SyncLists
from ._faces.lists_streams import StreamListMemberships, StreamListRecords
from ._faces.merges import SyncMerges
from ._faces.merges_streams import StreamMerges
from ._faces.objects import SyncObjects
from ._faces.objects_streams import StreamObjects
from ._faces.owners import SyncOwners
from ._faces.pipelines import SyncPipelines
from ._faces.properties import SyncProperties
from ._faces.properties_streams import StreamProperties
from ._faces.schemas import SyncSchemas
from ._faces.schemas_streams import StreamSchemas
from ._faces.search import SyncSearches
from ._faces.single import SyncSingle, SyncSingleObjects
from ._faces.splits import SyncDealSplits
from ._faces.splits_streams import StreamDealSplits
from ._stream import SyncStream


__all__ = [
    "StreamAssociationLimits",
    "StreamAssociations",
    "StreamAssociationsV3",
    "StreamConnectionStatuses",
    "StreamContacts",
    "StreamCustomEvents",
    "StreamDealSplits",
    "StreamLegacyObjects",
    "StreamListMemberships",
    "StreamListRecords",
    "StreamMerges",
    "StreamObjects",
    "StreamProperties",
    "StreamSchemas",
    "SyncAssociationLimits",
    "SyncAssociations",
    "SyncAssociationsV3",
    "SyncConnectionStatuses",
    "SyncContacts",
    "SyncCustomEvents",
    "SyncDealSplits",
    "SyncHubBatch",
    "SyncLegacy",
    "SyncLegacyObjects",
    "SyncListMemberships",
    "SyncListRecords",
    "SyncLists",
    "SyncMerges",
    "SyncObjects",
    "SyncOwners",
    "SyncPipelines",
    "SyncProperties",
    "SyncSchemas",
    "SyncSearches",
    "SyncSingle",
    "SyncSingleObjects",
    "SyncStream",
]

_publish(__name__)
