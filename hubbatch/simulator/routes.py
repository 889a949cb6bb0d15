"""The paths that the simulator supports, and the calls behind them."""

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


# The values of `When(verb=...)`: verbs of record batches, `family/verb` otherwise.
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
    """The call behind a path.

    Attributes:
        version: The date of a dated association path; None for v3 and v4, and for
            families with the same answers in all versions.
    """

    family: Family
    method: str
    verb: str = "read"
    object_type: str = ""
    name: str | None = None
    to_type: str = ""
    version: str | None = None


# Fields of the route that the path does not contain.
_IMPLIED: Final[Mapping[str, Mapping[str, str]]] = {
    "list": {"verb": "list"},
    "splits": {"object_type": "deals"},
}


def since_2026_09(path: str) -> bool:
    """Return whether the version in a path is 2026-09 or later.

    These versions have all verbs for every type and enforce the portal's rules.
    """
    # Versions compare as strings: "2026-09-beta" counts as 2026-09.
    dated = re.search(f"/({_VERSION})/", path)
    return dated is not None and dated[1] >= "2026-09"


def _groups(match: re.Match[str]) -> dict[str, str]:
    groups = match.groupdict()
    return {name: group for name, group in groups.items() if group is not None}


def find(path: str) -> Route | None:
    """Return the route of a path for any method; None for unknown paths."""
    for family, method, pattern in _ROUTES:
        match = pattern.fullmatch(path)
        if match is not None:
            fields = {**_IMPLIED.get(family, {}), **_groups(match)}
            return Route(family, method, **fields)
    return None
