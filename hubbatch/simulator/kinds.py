"""Properties by the handful."""

from typing import Final

from hubbatch.simulator.schemas import Property


# What a write by a private app was seen to leave behind, 2024 and later.
SOURCE: Final = {
    "hs_object_source": "INTEGRATION",
    "hs_object_source_id": "1024738",
    "hs_object_source_label": "INTEGRATION",
}


def texts(*names: str) -> list[Property]:
    """Return properties of plain text."""
    return [Property(name) for name in names]


def numbers(*names: str) -> list[Property]:
    """Return properties that are numbers."""
    return [Property(name, "number") for name in names]


def instants(*names: str) -> list[Property]:
    """Return properties that are dates with a time."""
    return [Property(name, "datetime") for name in names]


def read_only(*names: str) -> list[Property]:
    """Return properties that HubSpot alone sets."""
    return [Property(name, read_only=True) for name in names]


def system(created: str, modified: str) -> list[Property]:
    """Return the properties that every record has."""
    return [
        *read_only(created, modified, "hs_object_id", "hs_all_owner_ids"),
        *read_only(*SOURCE, "hs_updated_by_user_id", "hs_unique_creation_key"),
        *numbers("hubspot_owner_id"),
        *texts("hs_all_assigned_business_unit_ids"),
    ]


def by_name(*groups: list[Property]) -> dict[str, Property]:
    """Return properties by their names."""
    return {one.name: one for group in groups for one in group}
