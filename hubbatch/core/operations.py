"""The table of HubSpot's batch calls: a new endpoint is a row.

Figures: HubSpot's guides "Using object APIs" (100 inputs a call) and "Associations"
(2,000 to create, 1,000 to read, 100 to archive), and the answer of batch read to more
than 50 inputs with property histories. Of all others HubSpot does not say how many; 100
is assumed.
"""

from collections.abc import Mapping
from functools import partial

from attrs import evolve

from .arguments import check_object_type
from .calls import Call, Operation, Query, Repeats, Verb
from .dialects import (
    associations,
    definitions,
    documents,
    grants,
    legacy,
    limits,
    memberships,
    records,
    schemas,
    splits,
)
from .object_types import standard_type


__all__ = ["Call", "Operation", "Query", "Repeats", "Verb"]

_INDEPENDENT, _WAITS, _SHARES = Repeats.INDEPENDENT, Repeats.WAITS, Repeats.SHARES
_read = partial(Call, "read", "batch/read", _SHARES, writes=False, missing=True)
_question = partial(
    Call,
    repeats=_INDEPENDENT,
    max_inputs=1,
    method="GET",
    writes=False,
    has_inputs=False,
)
_pairs = partial(Call, family="associations", missing=True)
_v1 = partial(Call, missing=True)

OBJECT_CALLS: Mapping[Verb, Call] = {
    "create": Call(
        "create", "batch/create", _INDEPENDENT, records.CREATES, repeatable=False
    ),
    "read": _read(records.READS),
    "update": Call("update", "batch/update", _WAITS, records.UPDATES, missing=True),
    "upsert": Call("upsert", "batch/upsert", _WAITS, records.UPSERTS),
    "archive": Call("archive", "batch/archive", _SHARES, records.ARCHIVES, silent=True),
}
LIST = _question("list", "", dialect=documents.PAGE)
ASSOCIATION_KINDS = _question(
    "read", "labels", dialect=associations.KINDS, family="associations"
)
SCHEMA = _question("read", "", dialect=definitions.LISTS)
ACCOUNT_DETAILS = _question("details", "details", dialect=documents.ACCOUNT)

TOKEN = Call(
    "token",
    "token",
    _INDEPENDENT,
    grants.GRANTS,
    max_inputs=1,
    writes=False,
    has_inputs=False,
    family="oauth",
    content_type="application/x-www-form-urlencoded",
)
# The first dated version that OAuth has.
_FIRST_DATED_OAUTH = "2026-03"

# Of one pair of records at a time: results do not say which types they are about.
ASSOCIATION_CALLS: Mapping[Verb, Call] = {
    "create": _pairs(
        "create", "batch/create", _WAITS, associations.CREATES, max_inputs=2000
    ),
    "create_default": _pairs(
        "create_default",
        "batch/associate/default",
        _WAITS,
        associations.DEFAULTS,
        max_inputs=2000,
    ),
    "read": _read(associations.READS, max_inputs=1000, family="associations"),
    "archive": _pairs(
        "archive", "batch/archive", _SHARES, associations.ARCHIVES, silent=True
    ),
    "archive_labels": _pairs(
        "archive_labels",
        "batch/labels/archive",
        _WAITS,
        associations.LABELS,
        silent=True,
    ),
}
V3_ASSOCIATION_CALLS: Mapping[Verb, Call] = {
    "create": _pairs(
        "create", "batch/create", _WAITS, associations.V3_CREATES, max_inputs=2000
    ),
    "read": _read(associations.V3_READS, max_inputs=1000, family="associations"),
    "archive": _pairs(
        "archive", "batch/archive", _WAITS, associations.V3_ARCHIVES, silent=True
    ),
}
# To set a limit once more does no harm.
ASSOCIATION_LIMIT_CALLS: Mapping[Verb, Call] = {
    "create": Call("create", "batch/create", _WAITS, limits.WRITES, missing=True),
    "update": Call("update", "batch/update", _WAITS, limits.WRITES, missing=True),
    "purge": Call(
        "purge", "batch/purge", _WAITS, limits.PURGES, silent=True, missing=True
    ),
}
PROPERTY_CALLS: Mapping[Verb, Call] = {
    # Sent again it would find its own property, and look refused.
    "create": Call(
        "create", "batch/create", _WAITS, definitions.CREATES, repeatable=False
    ),
    "read": _read(definitions.READS),
    "archive": Call(
        "archive", "batch/archive", _SHARES, definitions.ARCHIVES, silent=True
    ),
}
SCHEMAS = _read(schemas.READS)
MEMBERSHIPS = _read(memberships.READS)
DEAL_SPLIT_CALLS: Mapping[Verb, Call] = {
    "read": _read(splits.READS),
    "upsert": Call("upsert", "batch/upsert", _WAITS, splits.UPSERTS, missing=True),
}
LEGACY_CALLS: Mapping[Verb, Call] = {
    "create": _v1(
        "create", "batch-create", _INDEPENDENT, legacy.CREATES, repeatable=False
    ),
    "read": _v1("read", "batch-read", _SHARES, legacy.READS, writes=False),
    "update": _v1("update", "batch-update", _WAITS, legacy.UPDATES, silent=True),
    "archive": _v1("archive", "batch-delete", _SHARES, legacy.DELETES, silent=True),
}
LEGACY_TYPES = frozenset({"tickets", "products", "line_items"})

# The 400 of batch read: "supported in a batch request for property histories is 50".
MAX_INPUTS_WITH_HISTORY = 50
# "limit" of the list endpoints: 10 if nothing is said (specification); more than 100
# are refused, as integrations have found.
PAGE_SIZE = 100


def _segment(object_type: str) -> str:
    """Give what a path calls an object type."""
    known = standard_type(check_object_type(object_type))
    # Another name than its own is left as it was given.
    return known.path if known and known.name == object_type else object_type


def _objects_root(object_type: str, api_version: str) -> str:
    root = "crm/v3/objects" if api_version == "v3" else f"crm/objects/{api_version}"
    return f"/{root}/{_segment(object_type)}"


def _operation(call: Call, object_type: str, root: str) -> Operation:
    path = f"{root}/{call.tail}" if call.tail else root
    return Operation(call, object_type, path, max_inputs=call.max_inputs)


def object_operation(
    verb: Verb, object_type: str, *, api_version: str, id_property: str | None = None
) -> Operation:
    """Look up a verb of the object APIs in the version's own path.

    Raises:
        ValueError: for a verb that HubSpot does not have for the type.
    """
    root = _objects_root(object_type, api_version)
    known = standard_type(object_type)
    if known is not None:
        known.check_verb(verb, api_version)
    plain = _operation(OBJECT_CALLS[verb], object_type, root)
    return evolve(plain, id_property=id_property)


def read_operation(
    object_type: str,
    *,
    api_version: str,
    id_property: str | None = None,
    properties: tuple[str, ...] = (),
    properties_with_history: tuple[str, ...] = (),
    archived: bool = False,
    into: type | None = None,
) -> Operation:
    """Look up `read` with its options."""
    plain = object_operation(
        "read", object_type, api_version=api_version, id_property=id_property
    )
    return evolve(
        plain,
        properties=properties,
        properties_with_history=properties_with_history,
        archived=archived,
        into=into,
        max_inputs=MAX_INPUTS_WITH_HISTORY
        if properties_with_history
        else plain.max_inputs,
    )


def create_operation(
    object_type: str, *, api_version: str, reconcile_by: str | None = None
) -> Operation:
    """Look up `create`; with `reconcile_by` its unique property is its key."""
    plain = object_operation("create", object_type, api_version=api_version)
    if reconcile_by is None:
        return plain
    return evolve(
        plain,
        # Two records with one unique value: the later waits, and is refused.
        call=evolve(plain.call, repeats=Repeats.WAITS),
        id_property=reconcile_by,
        read_back=read_operation(
            object_type, api_version=api_version, id_property=reconcile_by
        ),
    )


def token_operation(*, api_version: str) -> Operation:
    """Look up the token endpoint of an API version.

    Versions that OAuth does not have, the first dated ones and betas, use v3's.
    """
    has_own = api_version[:1].isdigit() and api_version >= _FIRST_DATED_OAUTH
    version = api_version if has_own and "beta" not in api_version else "v3"
    return _operation(TOKEN, "oauth", f"/oauth/{version}")


def list_operation(
    object_type: str,
    *,
    api_version: str,
    properties: tuple[str, ...] = (),
    archived: bool = False,
    after: str | None = None,
) -> Operation:
    """Look up one page of all the records of a type."""
    plain = _operation(LIST, object_type, _objects_root(object_type, api_version))
    parameters: dict[str, str] = {"limit": str(PAGE_SIZE)}
    if properties:
        parameters["properties"] = ",".join(properties)
    if after is not None:
        parameters["after"] = after
    return evolve(plain, archived=archived, parameters=parameters)


def association_operation(
    verb: Verb, source: str, target: str, *, api_version: str
) -> Operation:
    """Look up a verb of the associations: of v4, where the version is v3."""
    root = _associations_root(api_version)
    return _of_pair(ASSOCIATION_CALLS[verb], root, source, target)


def association_limit_operation(
    verb: Verb, source: str, target: str, *, api_version: str
) -> Operation:
    """Look up a verb of the limits of associations: of v4, where the version is v3."""
    version = "v4" if api_version == "v3" else api_version
    root = f"/crm/associations/{version}/definitions/configurations"
    path = f"{root}/{_segment(source)}/{_segment(target)}"
    call = ASSOCIATION_LIMIT_CALLS[verb]
    return _operation(call, f"association_limits.{source}.{target}", path)


def association_kinds_operation(
    source: str, target: str, *, api_version: str
) -> Operation:
    """Look up the question as what two types can be associated."""
    root = _associations_root(api_version)
    return _of_pair(ASSOCIATION_KINDS, root, source, target)


def _associations_root(api_version: str) -> str:
    if api_version == "v3":
        return "crm/v4/associations"
    return f"crm/associations/{api_version}"


def v3_association_operation(verb: Verb, source: str, target: str) -> Operation:
    """Look up a verb of the associations of v3, whose types have names."""
    return _of_pair(V3_ASSOCIATION_CALLS[verb], "crm/v3/associations", source, target)


def _of_pair(call: Call, root: str, source: str, target: str) -> Operation:
    path = f"/{root}/{_segment(source)}/{_segment(target)}"
    return _operation(call, f"associations.{source}.{target}", path)


def property_operation(
    verb: Verb,
    object_type: str,
    *,
    api_version: str,
    options: Mapping[str, object] | None = None,
) -> Operation:
    """Look up a verb of the definitions of properties."""
    root = _properties_root(object_type, api_version)
    plain = _operation(PROPERTY_CALLS[verb], f"properties.{object_type}", root)
    return evolve(plain, options=options or {})


def schema_operation(object_type: str, *, api_version: str) -> Operation:
    """Look up the question which properties a type has."""
    root = _properties_root(object_type, api_version)
    return _operation(SCHEMA, f"properties.{object_type}", root)


def _properties_root(object_type: str, api_version: str) -> str:
    root = (
        "crm/v3/properties" if api_version == "v3" else f"crm/properties/{api_version}"
    )
    return f"/{root}/{_segment(object_type)}"


def object_schema_operation(
    *, api_version: str, options: Mapping[str, object] | None = None
) -> Operation:
    """Look up the read of the schemas of object types."""
    root = f"/crm-object-schemas/{api_version}/schemas"
    return evolve(_operation(SCHEMAS, "schemas", root), options=options or {})


def membership_operation(object_type: str, *, api_version: str) -> Operation:
    """Look up the read of the lists that records of a type are on.

    Raises:
        ValueError: for a type whose id is not known.
    """
    known = standard_type(check_object_type(object_type))
    type_id = known.id if known else object_type
    if type_id is None or "-" not in type_id:
        raise ValueError(
            f"lists know object types by their ids, e.g. '2-3456', not {object_type!r}"
        )
    root = "crm/v3/lists" if api_version == "v3" else f"crm/lists/{api_version}"
    return _operation(MEMBERSHIPS, type_id, f"/{root}/records/memberships")


def deal_split_operation(verb: Verb, *, api_version: str) -> Operation:
    """Look up a verb of the deal splits."""
    root = (
        "crm/objects/v3/deals/splits"
        if api_version == "v3"
        else f"deal-splits/{api_version}"
    )
    return _operation(DEAL_SPLIT_CALLS[verb], "deal_splits", f"/{root}")


def legacy_operation(
    verb: Verb, object_type: str, *, parameters: Query | None = None
) -> Operation:
    """Look up a verb of `crm-objects/v1`.

    Raises:
        ValueError: for a type that these APIs do not have.
    """
    if object_type not in LEGACY_TYPES:
        raise ValueError(
            f"crm-objects/v1 has no {object_type!r}; it has {sorted(LEGACY_TYPES)}"
        )
    root = f"/crm-objects/v1/objects/{object_type}"
    plain = _operation(LEGACY_CALLS[verb], object_type, root)
    parameters = parameters or {}
    asked = tuple(parameters.get("properties", ()))
    return evolve(plain, parameters=parameters, properties=asked)


def account_operation(*, api_version: str) -> Operation:
    """Look up the question whose account the token is of."""
    return _operation(ACCOUNT_DETAILS, "account", f"/account-info/{api_version}")
