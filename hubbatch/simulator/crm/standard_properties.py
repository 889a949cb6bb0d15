"""HubSpot's own properties, read from the files in `data`.

A file lists the properties of one object type, one a line, with the keys of HubSpot's
properties API. Left out are keys with the value that most properties have: `_Line` has
those of all types, `defaults` those of one file. Descriptions are left out, and options
are pairs of value and label (one string if both are equal).

`recordedIn` names where the properties of a type, or one property, were seen. What no
recording states is named in `inferred`: it is HubSpot's default for the type, or that
of the property of the same name of contacts or companies, or a label made of the name.
Two more things are inferred. An enumeration without known options whose name says that
its values are ids has `externalOptions`. Currencies and languages of tickets list the
codes that HubSpot's user interface shows.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, get_args

import msgspec

from hubbatch.simulator.crm.property_types import Property, PropertyType


# Of types without a file, and of custom objects.
EVERY_OBJECT: Final = "every_object"

FIELD_TYPES: Final[Mapping[PropertyType, str]] = {
    **dict.fromkeys(get_args(PropertyType), "text"),
    "number": "number",
    "datetime": "date",
    "date": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
    "phone_number": "phonenumber",
}
_SHOWN: Final[tuple[str, ...]] = (
    *("label", "groupName", "referencedObjectType", "showCurrencySymbol"),
    *("hidden", "displayOrder", "formField", "hasUniqueValue", "readOnlyOptions"),
)


def parse_options(options: list[Any]) -> list[dict[str, Any]]:
    """Return the options of a file as the properties API shows them."""
    return [
        option
        if isinstance(option, dict)
        else {"value": option[0], "label": option[-1]}
        for option in options
    ]


def parse_line(line: Mapping[str, Any], defaults: Mapping[str, Any]) -> Property:
    """Return the property that a line of a file describes."""
    keys = {**defaults, **line}
    kind: PropertyType = keys.get("type", "string")
    field_type = keys.get("fieldType", FIELD_TYPES[kind])
    options = parse_options(keys.get("options", []))
    descriptive = {key: keys[key] for key in _SHOWN if key in keys}
    return Property(
        keys["name"],
        kind,
        tuple(option["value"] for option in options),
        unique=keys.get("hasUniqueValue", False),
        read_only=keys.get("readOnlyValue", False),
        multiple=field_type == "checkbox",
        calculated=keys.get("calculated", False),
        external=keys.get("externalOptions", False),
        descriptive={**descriptive, "fieldType": field_type, "options": options},
    )


@cache
def standard_properties(name: str) -> Mapping[str, Property]:
    """Return the properties of an object type, by its plural name.

    They are immutable and shared by all simulators of the process.
    """
    folder = files(__package__).joinpath("data")
    path = folder.joinpath(f"{name}.json")
    if not path.is_file():
        return standard_properties(EVERY_OBJECT)
    file = msgspec.json.decode(path.read_bytes())
    lines = [parse_line(line, file["defaults"]) for line in file["properties"]]
    return {schema.name: schema for schema in lines}
