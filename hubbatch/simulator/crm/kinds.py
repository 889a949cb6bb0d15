"""Shorthands that build properties for the catalogue."""

from typing import Final

from hubbatch.simulator.crm.property_types import Property


# The source that records show after a write by a private app, recorded since 2024.
SOURCE: Final = {
    "hs_object_source": "INTEGRATION",
    "hs_object_source_id": "1024738",
    "hs_object_source_label": "INTEGRATION",
}


def strings(*names: str) -> list[Property]:
    """Return string properties."""
    return [Property(name) for name in names]


def numbers(*names: str) -> list[Property]:
    """Return number properties."""
    return [Property(name, "number") for name in names]


def datetimes(*names: str) -> list[Property]:
    """Return datetime properties."""
    return [Property(name, "datetime") for name in names]


def read_only(*names: str) -> list[Property]:
    """Return string properties that only HubSpot sets."""
    return [Property(name, read_only=True) for name in names]


def system(created: str, modified: str) -> list[Property]:
    """Return the properties that records of all types have.

    Args:
        created: The name of the type's creation date.
        modified: The name of its modification date.
    """
    return [
        *read_only(created, modified, "hs_object_id", "hs_all_owner_ids"),
        *read_only(*SOURCE, "hs_updated_by_user_id", "hs_unique_creation_key"),
        *read_only("hs_merged_object_ids"),
        *numbers("hubspot_owner_id"),
        *strings("hs_all_assigned_business_unit_ids"),
    ]


def by_name(*groups: list[Property]) -> dict[str, Property]:
    """Return the properties of all groups, keyed by name."""
    return {schema.name: schema for group in groups for schema in group}
