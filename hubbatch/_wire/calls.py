"""The types of the endpoint table, and the call that a batch makes.

The rows are in `endpoints`; the code that writes and reads each kind of JSON is in
`codecs`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias

from attrs import field

from hubbatch._classes import frozen
from hubbatch.models import BatchResponse, StandardError

from .object_types import standard_type


Verb = Literal[
    "add",
    "create",
    "read",
    "update",
    "upsert",
    "archive",
    "archive_labels",
    "create_default",
    "details",
    "find",
    "gdpr_delete",
    "list",
    "merge",
    "purge",
    "remove",
    "search",
    "send",
    "token",
]

ApiName = Literal[
    "objects",
    "object_pages",
    "searches",
    "associations",
    "association_kinds",
    "association_limits",
    "v3_associations",
    "properties",
    "property_lists",
    "schemas",
    "memberships",
    "lists",
    "list_search",
    "owners",
    "pipelines",
    "deal_splits",
    "connection_statuses",
    "legacy",
    "account",
    "oauth",
    "events",
    "merges",
    "gdpr_deletes",
]

# One encoded input: its key (unique within a request; None if it has none), its JSON,
# and the objectWriteTraceId that the caller chose, if any. A bare tuple, because every
# record makes one.
Encoded: TypeAlias = tuple[str | None, bytes, str | None]
# (index in the batch, input) -> Encoded; raises InvalidInput.
Encoder: TypeAlias = Callable[[int, object], Encoded]
# The keys of a block of inputs, their JSON joined by commas, and their generated trace
# ids (an empty list for calls without).
Block: TypeAlias = tuple[list[str | None], bytes, list[str]]
# (index of the first input, inputs) -> Block; None if they need the Encoder.
BlockEncoder: TypeAlias = Callable[[int, Sequence[Any]], Block | None]
Query: TypeAlias = Mapping[str, str | Sequence[str]]


class Repeats(Enum):
    """How to treat an input whose key equals that of an earlier input."""

    INDEPENDENT = "independent"  # no key: two creates make two records
    WAITS = "waits"  # writes to one record keep their order
    SHARES = "shares"  # one request serves all inputs that are waiting for it
    CONNECTED = "connected"  # inputs that join records wait for each other


@frozen
class Paging:
    """How to read the further pages of one input's result.

    Attributes:
        after: Return the cursor of the page after a result; None for the last page.
        ask: Return an input's JSON with a cursor added.
        join: Combine the pages into one result.
    """

    after: Callable[[Any], str | None]
    ask: Callable[[bytes, str], bytes]
    join: Callable[[Sequence[Any]], Any]


class Unmentioned(Protocol):
    """Returns the result of an input that an answer does not mention."""

    def __call__(self, body: bytes, *, maybe_written: bool) -> Any:
        """Return the result; see `ResultShape.unmentioned`."""
        ...


def _no_names(_: Any) -> Sequence[str]:
    return ()


@frozen
class ResultShape:
    """How to read the results of a call, and how they identify their inputs.

    Attributes:
        structure: Read a list of results.
        key_of: Return the key of the input that a result belongs to; None if the
            result does not say.
        names_of: Return other keys that the same input may have.
        values_of: Return the properties in the result of a write; None where results do
            not contain the written properties.
        complete: An input without a result does not exist in HubSpot.
        answers: Return the results that an error object represents. HubSpot reports a
            record without associations as an error; it is a result.
        paging: How to read further pages; None where a result is always complete.
        warnings_of: Return a result's warnings as HubSpot sent them; None where results
            cannot have warnings.
        source_of: Return the near end of a result that is a pair; None where results
            have no direction.
        unmentioned: Return the result of an input from its JSON, where HubSpot's
            answer leaves out the inputs that it had nothing to do for; None where such
            an input is in doubt. `maybe_written` says whether an earlier request may
            have written it.
        traced: Inputs carry trace ids, which results may repeat.
    """

    structure: Callable[[list[Any]], list[Any]]
    key_of: Callable[[Any], str | None]
    names_of: Callable[[Any], Sequence[str]] = field(default=_no_names, kw_only=True)
    values_of: Callable[[Any], Mapping[str, str | None]] | None = None
    complete: bool = False
    answers: Callable[[StandardError], Sequence[Any]] | None = None
    paging: Paging | None = None
    warnings_of: Callable[[Any], Any] | None = None
    source_of: Callable[[Any], str | None] | None = field(default=None, kw_only=True)
    unmentioned: Unmentioned | None = field(default=None, kw_only=True)
    traced: bool = field(default=False, kw_only=True)


@frozen
class Codec:
    """How to write and read one kind of JSON.

    Attributes:
        encoder: Return the encoder of an operation's inputs.
        body: Return the body of a request from encoded inputs joined by commas.
        parts: Read a whole answer from its JSON; reads its results with the function
            passed to it.
        results: How to read the results; None where an answer has only errors.
        blocks: Return the block encoder of an operation, which must produce the same
            keys and bodies as `encoder`; None if the kind has no block encoder.
        decode: Read a whole answer of the usual form; return None for any other form,
            which `parts` reads. None if the kind has only `parts`.
        rows: Return a function that converts flat rows to the inputs that `encoder`
            and `blocks` take, and returns anything else unchanged; None if the kind
            takes no rows.
    """

    encoder: Callable[["Operation"], Encoder]
    body: Callable[["Operation", bytes], bytes]
    parts: Callable[[Any, Callable[[Any], Any]], BatchResponse[Any]]
    results: ResultShape | None = None
    blocks: Callable[["Operation"], BlockEncoder] | None = None
    decode: Callable[[bytes], BatchResponse[Any] | None] | None = None
    rows: Callable[["Operation"], Callable[[Any], Any]] | None = None


# The fields that a template can have for object types, in this order.
_TYPE_FIELDS = ("type", "source", "target")


def _accept(_verb: str, _object_type: str, _api_version: str) -> None:
    pass


@frozen(cache_hash=True)
class Api:
    """The endpoints that share a root path.

    `label`, `v3` and `dated` are templates. Their fields are the object types (`type`,
    or `source` and `target`); `dated` also has `version`.

    Attributes:
        name: Identifies the API in the table; the only field that is compared.
        label: The name of the object type in logs and messages.
        v3: The root path in v3.
        dated: The root path in dated versions; None if they have none of their own,
            and v3's is used.
        first_dated: The first dated version with a path of its own. Earlier versions
            and betas use v3's path. Empty if all dated versions have one.
        moved: The first dated version with another root path, and that path.
        v3_version: The version that the path of v3 names: that of `version` in it, and
            the one whose retirement concerns the call.
        successor: What to use once a version is retired.
        family: The rate limit that its calls count towards.
        check: Raise ValueError if HubSpot publishes no such verb for an object type.
    """

    name: ApiName
    label: str = field(eq=False)
    v3: str = field(eq=False)
    dated: str | None = field(default=None, eq=False)
    first_dated: str = field(default="", eq=False, kw_only=True)
    moved: tuple[str, str] | None = field(default=None, eq=False, kw_only=True)
    v3_version: str = field(default="v3", eq=False, kw_only=True)
    successor: str = field(
        default='Pass a newer one: `HubBatch(api_version="2026-09")`.',
        eq=False,
        kw_only=True,
    )
    family: str = field(default="objects", eq=False, kw_only=True)
    check: Callable[[str, str, str], None] = field(
        default=_accept, eq=False, kw_only=True
    )

    def root(self, api_version: str, segments: Mapping[str, str]) -> str:
        """Return the root path, with the segments that name the object types."""
        template = self._dated(api_version) or self.v3
        return template.format(version=self.version(api_version), **segments)

    def version(self, api_version: str) -> str:
        """Return the version that the path names for a client of a version."""
        return api_version if self._dated(api_version) else self.v3_version

    def _dated(self, api_version: str) -> str | None:
        """Return the root path of a dated version; None if v3's is used."""
        if api_version == "v3" or api_version < self.first_dated:
            return None
        if self.first_dated and api_version.endswith("beta"):
            return None
        if self.moved is not None and api_version >= self.moved[0]:
            return self.moved[1]
        return self.dated

    def named(self, object_types: Sequence[str]) -> Mapping[str, str]:
        """Return object types by the names of their fields in the templates.

        Raises:
            TypeError: If there are too many or too few.
        """
        fields = [name for name in _TYPE_FIELDS if f"{{{name}}}" in self.label]
        if len(fields) != len(object_types):
            raise TypeError(f"{self.name} takes {fields}, not {object_types}")
        return dict(zip(fields, object_types, strict=True))


@frozen
class Call:
    """A row of the endpoint table.

    Attributes:
        tail: The part of the path after the root.
        retry_safe: The request may be sent again after a lost answer. A create that
            is sent again may make a second record.
        writes: The call changes data; a lost read has changed nothing.
        has_inputs: A refusal may be about one of the inputs. Calls without inputs
            request a single document.
        may_be_empty: A 204 or an empty body is a complete answer.
        not_found_is_record: A 404 is about the inputs, not about the path.
        max_inputs_with_history: The limit of a read that requests property histories,
            where it is lower than `max_inputs`.
        content_type: The content type of the request body.
    """

    api: Api
    verb: Verb
    tail: str
    codec: Codec
    repeats: Repeats = field(kw_only=True)
    retry_safe: bool = field(default=True, kw_only=True)
    writes: bool = field(default=True, kw_only=True)
    max_inputs: int = field(default=100, kw_only=True)
    max_inputs_with_history: int | None = field(default=None, kw_only=True)
    method: str = field(default="POST", kw_only=True)
    has_inputs: bool = field(default=True, kw_only=True)
    may_be_empty: bool = field(default=False, kw_only=True)
    not_found_is_record: bool = field(default=False, kw_only=True)
    content_type: str = field(default="application/json", kw_only=True)

    @property
    def family(self) -> str:
        """The rate limit that the call counts towards."""
        return self.api.family

    @property
    def creates(self) -> bool:
        """Whether the call may create records."""
        return self.verb in ("create", "upsert")

    @property
    def results(self) -> ResultShape | None:
        """How to read its results; None if it has none."""
        return self.codec.results


@frozen(cache_hash=True)
class Operation:
    """One batch's call: a row of the endpoint table, an object type and the options.

    Attributes:
        into: The caller's own class to convert the records of a read to.
        read_back: The read that looks up a create whose answer was lost, by the
            create's unique property.
        parameters: The query parameters of the URL.
        options: The members of the request body other than the inputs.
        version: The API version that the path names.
        trace_prefix: Prefix of the trace id of every input that has none of its own;
            the input's index follows. It must differ between batches and processes, or
            results could be matched with the inputs of another batch.
    """

    call: Call
    object_type: str
    path: str
    id_property: str | None = None
    properties: tuple[str, ...] = ()
    properties_with_history: tuple[str, ...] = ()
    archived: bool = False
    into: type | None = None
    read_back: "Operation | None" = None
    parameters: Query = field(factory=dict, hash=False)
    options: Mapping[str, object] = field(factory=dict, hash=False)
    version: str = ""
    trace_prefix: str = ""
    zone: tzinfo | None = None
    max_inputs: int = field(kw_only=True)

    @max_inputs.default
    def _limit(self) -> int:
        limit = self.call.max_inputs
        if self.properties_with_history:
            return self.call.max_inputs_with_history or limit
        return limit

    @property
    def name(self) -> str:
        """The call as logs and messages name it: `tickets.update`."""
        return f"{self.object_type}.{self.call.verb}"

    @property
    def query(self) -> Query:
        """The parameters of the URL."""
        return {**({"archived": "true"} if self.archived else {}), **self.parameters}

    @property
    def asked_properties(self) -> tuple[str, ...]:
        """The properties to request, including those that identify the results.

        HubSpot returns its default properties only if none are requested. So a read
        that would request only its key requests the defaults too.
        """
        if self.id_property is None:
            return self.properties
        known = standard_type(self.object_type)
        asked = self.properties or (known.defaults if known else ())
        keys = [self.id_property]
        if known and known.name == "contacts" and self.id_property == "email":
            # A secondary address finds a contact whose `email` is different.
            keys.append("hs_additional_emails")
        return (*asked, *(key for key in keys if key not in asked))
