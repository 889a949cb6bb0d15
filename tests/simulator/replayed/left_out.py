"""The recordings that are not reproduced, each with its reason."""

from collections.abc import Mapping
from typing import Final


_OTHER_API: Final = "the simulator answers 501: it does not have contacts v1"
_CAMPAIGNS: Final = "the simulator answers 501: it does not have campaigns"
_IMPORTS: Final = "the simulator answers 501: it does not have imports"

LEFT_OUT: Final[Mapping[str, str]] = {
    "200-batch-read-campaigns-2026": _CAMPAIGNS,
    "200-lists-v1-add-discarded": "lists v1 ended on 30 April 2026",
    "202-companies-v1-batch-async-update": "the simulator answers 501: it does not "
    "have companies v1",
    "204-crm-associations-v1-put": "the simulator answers 501: it does not have "
    "associations v1",
    "207-batch-read-campaigns-invalid-guid": _CAMPAIGNS,
    "400-contacts-v1-batch-invalid-email": _OTHER_API,
    "400-contacts-v1-invalid-email": _OTHER_API,
    "400-contacts-v1-invalid-long": _OTHER_API,
    "400-import-id-not-positive-2026": _IMPORTS,
    "400-import-required-properties-missing": _IMPORTS,
    "400-list-object-type-not-valid-2026": "every object type of the simulator is on",
    "400-search-generic-2020": "HubSpot accepts ISO dates since, as integrations show",
    "400-unique-value-conflict-create": "of two creates at the same moment; the "
    "simulator runs one call after the other",
    "400-unique-value-conflict-error-tokens": "the simulator answers 501: it does not "
    "have marketing events",
    "404-contacts-v1-json": _OTHER_API,
    "409-contacts-v1-create-exists": _OTHER_API,
    "429-secondly-2018": "HubSpot answers otherwise since: 69 recordings",
    "pipeline-ids-of-other-types": "ids, not an answer",
}
