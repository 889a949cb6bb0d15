"""How to reproduce the recorded answers about object types."""

from collections.abc import Mapping
from typing import Any, Final

from tests.simulator.conftest import World

from .tape import Case, Recording


_SENT: Final = (
    *("name", "labels", "requiredProperties", "searchableProperties"),
    *("primaryDisplayProperty", "secondaryDisplayProperties", "description"),
)


def own_types(world: World, recording: Recording) -> None:
    """Create the object types that the answer shows."""
    for shown in recording.shown:
        own = [each for each in shown["properties"] if not each.get("hubspotDefined")]
        made: dict[str, Any] = {key: shown[key] for key in _SENT if key in shown}
        made |= {"properties": own, "associatedObjects": ["CONTACT", "COMPANY"]}
        assert world.post(recording.path, made).status == 201


_OF_2026: Final = "the simulator has the definitions of 2026"
_CUT: Final = "whoever published the answer shortened it"
SCHEMAS: Final[Mapping[str, Case]] = {
    "200-crm-v3-schemas": Case(
        own_types,
        differs={
            "+ results[].properties[]": _OF_2026,
            "~ results[].properties[].description": "the simulator has none",
            "~ results[].properties[].externalOptions": _OF_2026,
            "~ results[].properties[].hidden": _OF_2026,
            "~ results[].properties[].label": _OF_2026,
            "~ results[].associations[].name": "named by the portal",
        },
    ),
    "200-schema-contact-2022-excerpt": Case(
        differs={
            "+ associations[]": _CUT,
            "+ properties[]": _CUT,
            "+ properties[].options[].description": _CUT,
            "- properties[].createdAt": "in 2026 the id of companies has no dates",
            "- properties[].updatedAt": "in 2026 the id of companies has no dates",
            "- searchableProperties[]": _OF_2026,
            "~ searchableProperties[]": _OF_2026,
            "~ associations[].name": "an object type of the portal",
            "~ properties[].calculated": _OF_2026,
            "~ properties[].externalOptions": _OF_2026,
            "~ properties[].hasUniqueValue": _OF_2026,
            "~ properties[].label": _OF_2026,
            "~ properties[].modificationMetadata.*": _OF_2026,
        }
    ),
    "200-schemas-none-2026": Case(equal=True),
}
