"""The table of HubSpot's batch calls, and one call of it made concrete.

A new endpoint is a row. Figures: HubSpot's guides "Using object APIs" (100 inputs a
call) and the answer of batch read to more than 50 inputs with property histories.
"""

import re

from collections.abc import Mapping
from enum import Enum
from typing import Literal

from attrs import evolve, field, frozen


Verb = Literal["create", "read", "update", "upsert", "archive", "details", "token"]


class Repeats(Enum):
    """What happens to an input whose key another input has already."""

    INDEPENDENT = "independent"  # no key: two creates are two records
    WAITS = "waits"  # writes to one record keep their order
    SHARES = "shares"  # one request answers all who ask before it leaves


class Dialect(Enum):
    """How inputs and answers are written."""

    ENVELOPE = "envelope"  # {"inputs": [...]}, {"status": ..., "results": [...]}
    LEGACY = "legacy"  # crm-objects/v1: bare lists
    DOCUMENT = "document"  # one call and no records: one JSON object comes back


@frozen
class Call:
    """A row of the table."""

    verb: Verb
    tail: str
    repeats: Repeats
    # A create that is sent again after a lost answer may make a second record.
    repeatable: bool = True
    dialect: Dialect = Dialect.ENVELOPE
    # A read that was lost has changed nothing.
    writes: bool = True
    max_inputs: int = 100
    method: str = "POST"
    family: str = "objects"
    content_type: str = "application/json"

    @property
    def creates(self) -> bool:
        """Whether it may make a record that was not there."""
        return self.verb in ("create", "upsert")


OBJECT_CALLS: Mapping[Verb, Call] = {
    "create": Call("create", "batch/create", Repeats.INDEPENDENT, repeatable=False),
    "read": Call("read", "batch/read", Repeats.SHARES, writes=False),
    "update": Call("update", "batch/update", Repeats.WAITS),
    "upsert": Call("upsert", "batch/upsert", Repeats.WAITS),
    "archive": Call("archive", "batch/archive", Repeats.SHARES),
}
LEGACY_CALLS: Mapping[Verb, Call] = {
    "update": Call("update", "batch-update", Repeats.WAITS, dialect=Dialect.LEGACY),
}
ACCOUNT_DETAILS = Call(
    "details",
    "details",
    Repeats.INDEPENDENT,
    writes=False,
    dialect=Dialect.DOCUMENT,
    max_inputs=1,
    method="GET",
)
LEGACY_TYPES = frozenset({"tickets", "products", "line_items"})

# The 400 of batch read: "supported in a batch request for property histories is 50".
MAX_INPUTS_WITH_HISTORY = 50

# What batch read answers when no property is asked for ("Using object APIs"); every
# other type answers with its dates and hs_object_id alone.
DEFAULT_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "companies": ("name", "domain"),
    "contacts": ("firstname", "lastname", "email"),
    "deals": ("dealname", "amount", "closedate", "pipeline", "dealstage"),
    "products": ("name", "description", "price"),
    "tickets": (
        "content",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "subject",
    ),
}

# Other names that HubSpot takes for these types.
_ALIASES: Mapping[str, str] = {
    "0-1": "contacts",
    "0-2": "companies",
    "0-3": "deals",
    "0-5": "tickets",
    "0-7": "products",
    "company": "companies",
    "contact": "contacts",
    "deal": "deals",
    "product": "products",
    "ticket": "tickets",
}

_DATED = re.compile(r"[0-9]{4}-[0-9]{2}(-beta)?")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


def check_api_version(version: object) -> str:
    """Give the version back if it is `v3` or a dated one.

    Raises:
        ValueError: if it is neither.
    """
    if not isinstance(version, str) or not (
        version == "v3" or _DATED.fullmatch(version)
    ):
        raise ValueError(
            f"api_version must be 'v3' or a date like '2026-03', not {version!r}"
        )
    return version


def check_object_type(object_type: str) -> str:
    """Give the object type back if it is one segment of a path.

    Raises:
        TypeError: if it is no text.
        ValueError: if it would leave its place in the path.
    """
    if not isinstance(object_type, str):
        raise TypeError(
            f"an object type is a str, e.g. 'tickets' or '2-3456', not {object_type!r}"
        )
    if not _SEGMENT.fullmatch(object_type):
        raise ValueError(
            f"{object_type!r} is not an object type; expected e.g. 'tickets', "
            "'2-3456' or 'p62515_car'"
        )
    return object_type


@frozen
class Operation:
    """One batch's call: which row, on which object type, with which options."""

    call: Call
    object_type: str
    path: str
    id_property: str | None = None
    properties: tuple[str, ...] = ()
    properties_with_history: tuple[str, ...] = ()
    archived: bool = False
    # The caller's own class, which the records of a read become.
    into: type | None = None
    # A create's unique property, by which a record whose answer was lost is read back.
    read_back: "Operation | None" = None
    max_inputs: int = field(kw_only=True)

    @property
    def name(self) -> str:
        """The call in one word, as logs and messages show it: `tickets.update`."""
        return f"{self.object_type}.{self.call.verb}"

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the URL."""
        return {"archived": "true"} if self.archived else {}

    @property
    def asked_properties(self) -> tuple[str, ...]:
        """The properties a read asks for, with those that bring its key back.

        Asking for any property turns HubSpot's defaults off, so they are named when
        only the key would be asked for.
        """
        if self.id_property is None:
            return self.properties
        object_type = _ALIASES.get(self.object_type.lower(), self.object_type)
        asked = self.properties or DEFAULT_PROPERTIES.get(object_type, ())
        keys = [self.id_property]
        if object_type == "contacts" and self.id_property == "email":
            # A secondary address finds a contact whose `email` is another one.
            keys.append("hs_additional_emails")
        return (*asked, *(key for key in keys if key not in asked))


def object_operation(
    verb: Verb, object_type: str, *, api_version: str, id_property: str | None = None
) -> Operation:
    """Look up a verb of the object APIs in the version's own path."""
    call = OBJECT_CALLS[verb]
    root = "crm/v3/objects" if api_version == "v3" else f"crm/objects/{api_version}"
    path = f"/{root}/{check_object_type(object_type)}/{call.tail}"
    return Operation(
        call, object_type, path, id_property=id_property, max_inputs=call.max_inputs
    )


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


def legacy_operation(verb: Verb, object_type: str) -> Operation:
    """Look up a verb of `crm-objects/v1`.

    Raises:
        ValueError: for a type that these APIs do not have.
    """
    if object_type not in LEGACY_TYPES:
        raise ValueError(
            f"crm-objects/v1 has no {object_type!r}; it has {sorted(LEGACY_TYPES)}"
        )
    call = LEGACY_CALLS[verb]
    path = f"/crm-objects/v1/objects/{object_type}/{call.tail}"
    return Operation(call, object_type, path, max_inputs=call.max_inputs)


def account_operation(*, api_version: str) -> Operation:
    """Look up the question whose account the token is of."""
    call = ACCOUNT_DETAILS
    path = f"/account-info/{api_version}/{call.tail}"
    return Operation(call, "account", path, max_inputs=call.max_inputs)
