"""Which path means what."""

import re

from collections.abc import Mapping
from typing import Final, Literal

import attrs


Family = Literal[
    "batch",
    "list",
    "associations",
    "associations v3",
    "limits",
    "schemas",
    "properties",
    "memberships",
    "splits",
    "legacy",
    "account",
    "oauth",
]

_VERSION: Final = r"20\d\d-(?:0[1-9]|1[0-2])(?:-beta)?"
_VERB: Final = "(?P<verb>create|read|update|upsert|archive)"
_TYPE: Final = "(?P<object_type>[^/]+)"

_ROUTES: Final[tuple[tuple[Family, str, re.Pattern[str]], ...]] = (
    (
        "batch",
        "POST",
        re.compile(f"/crm/(?:v3/objects|objects/{_VERSION})/{_TYPE}/batch/{_VERB}/?"),
    ),
    (
        "list",
        "GET",
        re.compile(f"/crm/(?:v3/objects|objects/{_VERSION})/{_TYPE}/?"),
    ),
    (
        "splits",
        "POST",
        re.compile(
            f"/(?:crm/objects/v3/(?P<object_type>deals)/splits|deal-splits/{_VERSION})"
            "/batch/(?P<verb>read|upsert)/?"
        ),
    ),
    (
        "memberships",
        "POST",
        re.compile(
            f"/crm/(?:v3/lists|lists/{_VERSION})/records/memberships/batch/read/?"
        ),
    ),
    (
        "associations v3",
        "POST",
        re.compile(
            f"/crm/v3/associations/{_TYPE}/(?P<to_type>[^/]+)"
            "/batch/(?P<verb>create|read|archive)/?"
        ),
    ),
    (
        "associations",
        "POST",
        re.compile(
            f"/crm/(?:v4/associations|associations/(?P<version>{_VERSION}))"
            f"/{_TYPE}/(?P<to_type>[^/]+)/batch/"
            "(?P<verb>create|read|archive|associate/default|labels/archive)/?"
        ),
    ),
    (
        "limits",
        "POST",
        re.compile(
            f"/crm/associations/(?:v4|(?P<version>{_VERSION}))"
            f"/definitions/configurations/{_TYPE}/(?P<to_type>[^/]+)"
            "/batch/(?P<verb>create|update|purge)/?"
        ),
    ),
    (
        "schemas",
        "POST",
        re.compile(f"/crm-object-schemas/(?:v3|{_VERSION})/schemas/batch/read/?"),
    ),
    (
        "associations",
        "GET",
        re.compile(
            f"/crm/(?:v4/associations|associations/(?P<version>{_VERSION}))"
            f"/{_TYPE}/(?P<to_type>[^/]+)/(?P<verb>labels)/?"
        ),
    ),
    (
        "properties",
        "POST",
        re.compile(
            f"/crm/(?:v3/properties|properties/{_VERSION})/{_TYPE}"
            "/batch/(?P<verb>create|read|archive)/?"
        ),
    ),
    (
        "properties",
        "GET",
        re.compile(
            f"/crm/(?:v3/properties|properties/{_VERSION})/{_TYPE}"
            "(?:/(?!batch/|groups)(?P<name>[^/]+))?/?"
        ),
    ),
    (
        "legacy",
        "POST",
        re.compile(
            "/crm-objects/v1/objects/(?P<object_type>tickets|products|line_items)"
            "/batch-(?P<verb>create|read|update|delete)/?"
        ),
    ),
    ("oauth", "POST", re.compile(f"/oauth/(?:v1|v3|{_VERSION})/(?P<verb>token)/?")),
    (
        "account",
        "GET",
        re.compile(
            f"/account-info/(?:v3|{_VERSION})/"
            "(?P<verb>details|api-usage/daily/private-apps)/?"
        ),
    ),
)


# What a fault may be for: batches by their verb, other calls by family and verb.
VERBS: Final = (
    *("create", "read", "update", "upsert", "archive"),
    *(f"associations/{verb}" for verb in ("create", "read", "archive")),
    *("associations/associate/default", "associations/labels/archive"),
    "associations/labels",
    *("list", "delete", "memberships/read", "splits/read", "splits/upsert"),
    *("limits/create", "limits/update", "limits/purge", "schemas/read"),
    *(f"properties/{verb}" for verb in ("create", "read", "archive")),
    *("token", "details", "api-usage/daily/private-apps"),
)


@attrs.frozen
class Route:
    """What a path asks for."""

    family: Family
    method: str
    verb: str = "read"
    object_type: str = ""
    name: str | None = None
    to_type: str = ""
    version: str | None = None


# What a path means without saying it.
_IMPLIED: Final[Mapping[str, Mapping[str, str]]] = {
    "list": {"verb": "list"},
    "splits": {"object_type": "deals"},
}


def since_2026_09(path: str) -> bool:
    """Return whether a path is of version 2026-09 or a later one.

    They have all verbs for every type, and hold callers to what a portal requires.
    """
    dated = re.search(f"/({_VERSION})/", path)
    return dated is not None and dated[1] >= "2026-09"


def _said(match: re.Match[str]) -> dict[str, str]:
    return {name: text for name, text in match.groupdict().items() if text is not None}


def find(path: str) -> Route | None:
    """Return the route of a path, if there is one, whatever the method."""
    for family, method, pattern in _ROUTES:
        match = pattern.fullmatch(path)
        if match is not None:
            return Route(family, method, **{**_IMPLIED.get(family, {}), **_said(match)})
    return None
