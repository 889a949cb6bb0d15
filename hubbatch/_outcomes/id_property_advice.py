"""The advice for an id property whose values HubSpot does not accept as ids."""

import re

from hubbatch._wire.calls import Operation
from hubbatch._wire.object_types import standard_type


# HubSpot's refusal names the property, which an input may have chosen for itself.
_NAME = re.compile(r" by non-unique \S+ property (\w+)")


def id_property_advice(operation: Operation, message: str) -> str:
    """Return how to write or read the records all the same."""
    found = _NAME.search(message)
    name = found[1] if found else operation.id_property
    if name == "hs_object_id":
        return "Leave id_property out: hs_object_id is the record's id itself."
    if name is None:
        return "id_property must name a property whose values are unique."
    known = standard_type(operation.object_type)
    verbs = f"hub.{known.name}" if known else f'hub.objects("{operation.object_type}")'
    if known and known.name == "contacts" and name == "email":
        return (
            "HubSpot does not update contacts by email. Upsert them instead (which "
            f"creates those that are missing): `{verbs}.upsert(records, id_property="
            '"email")`. Or read their ids first, and write by id: '
            f'`{verbs}.read(emails, id_property="email")`.'
        )
    return (
        f"id_property must name a property whose values are unique, and {name} is not "
        "one. Search for the records, and use their ids: "
        f'`ids = [found.id async for found in {verbs}.search({{"{name}": value}})]`.'
    )
