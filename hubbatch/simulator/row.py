"""What a row of the table of calls consists of."""

import re

from collections.abc import Mapping
from typing import Final, Literal

import attrs


Family = Literal[
    "batch",
    "list",
    "search",
    "record",
    "merge",
    "gdpr-delete",
    "record associations",
    "default association",
    "associated records",
    "association",
    "associations",
    "associations v3",
    "labels",
    "own labels",
    "limits",
    "limits list",
    "schemas",
    "all schemas",
    "schema",
    "schema associations",
    "schema association",
    "properties",
    "properties batch",
    "property",
    "property group",
    "property groups",
    "memberships",
    "splits",
    "connection statuses",
    "legacy",
    "owners",
    "owner",
    "pipelines",
    "pipeline",
    "stages",
    "stage",
    "lists",
    "list search",
    "list by name",
    "one list",
    "change list",
    "members",
    "join order",
    "change members",
    "add members from",
    "lists of record",
    "event",
    "events",
    "account",
    "access token",
    "private app token",
    "oauth",
    "authorize",
    "refresh token",
    "introspect",
    "revoke",
    # Paths that HubSpot does not have, next to ones that it has.
    "no such path",
    # Requests without a row.
    "unknown path",
    "wrong method",
]
# Calls with windows of their own: see `limits`.
LimitFamily = Literal["associations", "search", "events", "others"]
# The scopes to read and to write, any one of which is enough.
Scopes = tuple[tuple[str, ...], tuple[str, ...]]

# The dated versions that HubSpot has; of 2027-03 only the beta was published in 2026.
VERSION: Final = "(?:2025-09|2026-03|2026-09|2027-03)(?:-beta)?"
# What stands for {name} in the paths of the rows. Named groups become fields of the
# route; {verb} is one of the row's verbs.
_PARTS: Final = {
    "date": VERSION,
    "version": f"(?P<version>{VERSION})",
    "objects": f"/crm/(?:v3/objects|objects/{VERSION})",
    # Generated code in HubSpot's clients has both spellings of v4: for limits and for
    # labels (Node 14.0.1, LabelsApi.js and DefinitionsApi.js).
    "schema": f"/crm/(?:v4/associations|associations/(?:v4|(?P<version>{VERSION})))",
    "v4_objects": f"/crm/(?:v4/objects|objects/(?P<version>{VERSION}))",
    "properties": (
        "/crm/(?:v3/properties|properties/(?:2025-09|2026-03|2026-09)(?:-beta)?)"
    ),
    "schema_properties": (
        "/crm/schemas/2027-03(?:-beta)?/objects/(?P<object_type>[^/]+)/properties"
    ),
    "pipelines": f"/crm/(?:v3/pipelines|pipelines/{VERSION})",
    "schemas": f"/(?:crm/v3/schemas|crm-object-schemas/(?:v3|{VERSION})/schemas)",
    "lists": f"/crm/(?:v3/lists|lists/{VERSION})",
    "list": "(?P<name>(?!(?:folders|idmapping|object-type-id|records)(?:/|$))[^/]+)",
    "type": "(?P<object_type>[^/]+)",
    "to_type": "(?P<to_type>[^/]+)",
    "to_id": "(?P<to_id>[^/]+)",
    "name": "(?P<name>[^/]+)",
    "record_id": "(?P<record_id>(?!(?:batch|search|merge|gdpr-delete)(?:/|$))[^/]+)",
}


@attrs.frozen
class Row:
    """A path, and the verb of each of its methods.

    Attributes:
        family: The name of the function in `api.table`.
        path: A regular expression for the whole path, with `_PARTS`.
        methods: The verbs by method. A method has several, separated by spaces, if the
            path contains {verb}.
        prefix: What precedes the verb in `When(verb=...)`, such as "properties/".
        limit: The windows that a call counts in.
        scopes: The scopes of the row; None for those of the object types in the path.
        implied: Fields of the route that the path does not contain.
        lacks: Methods that HubSpot has on this path, and the simulator does not.
        refused: The scopes that the refusal names instead, in its third form.
        permission: Whether the call itself refuses to read without the scopes.
    """

    family: Family
    path: str = ""
    methods: Mapping[str, str] = attrs.field(factory=dict)
    prefix: str = attrs.field(default="", kw_only=True)
    limit: LimitFamily = attrs.field(default="others", kw_only=True)
    scopes: Scopes | None = attrs.field(default=None, kw_only=True)
    implied: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    lacks: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    refused: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    permission: bool = attrs.field(default=False, kw_only=True)
    pattern: re.Pattern[str] = attrs.field(init=False, repr=False)

    @pattern.default
    def _compiled(self) -> re.Pattern[str]:
        verbs = "|".join(verb for _, verb in self.verbs())
        return re.compile(self.path.format(verb=f"(?P<verb>{verbs})", **_PARTS) + "/?")

    def verbs(self) -> list[tuple[str, str]]:
        """Return the methods with each of their verbs."""
        return [
            (method, verb)
            for method, verbs in self.methods.items()
            for verb in verbs.split()
        ]
