"""The types of the endpoint table, and one call as a batch makes it.

The rows are in `endpoints`; how each kind of JSON is written and read is in
`codecs`.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from hubbatch.models import BatchResponse, StandardError

from .object_types import standard_type


Verb = Literal[
    "create",
    "read",
    "update",
    "upsert",
    "archive",
    "archive_labels",
    "create_default",
    "details",
    "list",
    "purge",
    "token",
]

ApiName = Literal[
    "objects",
    "object_pages",
    "associations",
    "association_kinds",
    "association_limits",
    "v3_associations",
    "properties",
    "property_lists",
    "schemas",
    "memberships",
    "deal_splits",
    "legacy",
    "account",
    "oauth",
]

# One encoded input: its key (unique within a request; None if it has none), its JSON,
# and the objectWriteTraceId that the caller chose, if any. A bare tuple, because every
# record makes one.
Encoded: TypeAlias = tuple[str | None, bytes, str | None]
# (index in the batch, input) -> Encoded; raises InvalidInput.
Encoder: TypeAlias = Callable[[int, object], Encoded]
# The keys and the bodies of a block of inputs without trace ids of their own.
Columns: TypeAlias = tuple[list[str | None], list[bytes]]
# (index of the first input, block) -> Columns; None if the block needs the Encoder.
ColumnEncoder: TypeAlias = Callable[[int, Sequence[Any]], Columns | None]
Query: TypeAlias = Mapping[str, str | Sequence[str]]


class Repeats(Enum):
    """What happens to an input whose key equals that of an earlier input."""

    INDEPENDENT = "independent"  # no key: two creates make two records
    WAITS = "waits"  # writes to one record keep their order
    SHARES = "shares"  # one request serves all inputs that are waiting for it


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


def _no_names(_: Any) -> Sequence[str]:
    return ()


@frozen
class ResultShape:
    """How the results of a call are read, and how they identify their inputs.

    Attributes:
        structure: Read a list of results.
        key_of: Return the key of the input that a result belongs to; None if the
            result does not say.
        names_of: Return other keys that the same input may have.
        values_of: Return the properties that the result of a write shows; None where
            results do not show what was written.
        complete: An input without a result does not exist in HubSpot.
        answers: Return the results that an error object stands for. HubSpot reports a
            record without associations as an error; it is a result.
        paging: How to read further pages; None where a result is always whole.
        warnings_of: Return what a result holds in the place of HubSpot's warnings; None
            where results have no such place.
        source_of: Return the near end of a result that is a pair; None where results
            have no direction.
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
    traced: bool = field(default=False, kw_only=True)


@frozen
class Codec:
    """How one kind of JSON is written and read.

    Attributes:
        encoder: Return the encoder of an operation's inputs.
        body: Return the body of a request from encoded inputs joined by commas.
        parts: Read a whole answer, its results with the function passed.
        results: How results are read; None where an answer holds only errors.
        columns: Return the block encoder of an operation, which must produce the same
            keys and bodies as `encoder`; None if there is none.
    """

    encoder: Callable[["Operation"], Encoder]
    body: Callable[["Operation", bytes], bytes]
    parts: Callable[[Any, Callable[[Any], Any]], BatchResponse[Any]]
    results: ResultShape | None = None
    columns: Callable[["Operation"], ColumnEncoder] | None = None


# A template names these of an endpoint's object types, in this order.
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
        label: What logs and messages call the object type of its operations.
        v3: The root path in v3.
        dated: The root path in dated versions; None if they have none of their own,
            and v3's is used.
        first_dated: The first dated version with a path of its own. Earlier versions
            and betas use v3's path. Empty if all dated versions have one.
        family: The rate limit that its calls count against.
        check: Raise ValueError if HubSpot publishes no such verb for an object type.
    """

    name: ApiName
    label: str = field(eq=False)
    v3: str = field(eq=False)
    dated: str | None = field(default=None, eq=False)
    first_dated: str = field(default="", eq=False, kw_only=True)
    family: str = field(default="objects", eq=False, kw_only=True)
    check: Callable[[str, str, str], None] = field(
        default=_accept, eq=False, kw_only=True
    )

    def root(self, api_version: str, segments: Mapping[str, str]) -> str:
        """Return the root path, with the segments that name the object types."""
        template = self.v3
        if self.dated is not None and self._has_own_path(api_version):
            template = self.dated
        return template.format(version=api_version, **segments)

    def _has_own_path(self, api_version: str) -> bool:
        if api_version == "v3" or api_version < self.first_dated:
            return False
        return not (self.first_dated and api_version.endswith("beta"))

    def named(self, object_types: Sequence[str]) -> Mapping[str, str]:
        """Return object types by the fields that the templates have for them.

        Raises:
            TypeError: If there are too many or too few of them.
        """
        fields = [name for name in _TYPE_FIELDS if f"{{{name}}}" in self.label]
        if len(fields) != len(object_types):
            raise TypeError(f"{self.name} takes {fields}, not {object_types}")
        return dict(zip(fields, object_types, strict=True))


@frozen
class Call:
    """A row of the endpoint table.

    Attributes:
        tail: What follows the root in the path.
        retry_safe: The request may be sent again after a lost answer. A create that
            is sent again may make a second record.
        writes: The call changes data; a lost read has changed nothing.
        has_inputs: A refusal may be about one of the inputs. Calls without inputs ask
            one question.
        may_be_empty: A 204 or an empty body is a whole answer.
        not_found_is_record: A 404 is about the inputs, not about the path.
        max_inputs_with_history: The limit of a read that asks for property histories,
            where it is lower than `max_inputs`.
        content_type: Of the request's body.
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
        """The rate limit that the call counts against."""
        return self.api.family

    @property
    def creates(self) -> bool:
        """Whether the call may make new records."""
        return self.verb in ("create", "upsert")

    @property
    def results(self) -> ResultShape | None:
        """How its results are read; None if it has none."""
        return self.codec.results


@frozen(cache_hash=True)
class Operation:
    """The call of one batch: a row of the table, its object type and its options.

    Attributes:
        into: The caller's own class, which the records of a read become.
        read_back: The read that looks for a create whose answer was lost, by its unique
            property.
        parameters: Of the URL.
        options: The members of a request's body beside its inputs.
        trace_prefix: Begins the trace id of every input without one of its own; the
            input's index follows. It must differ between batches and processes, or
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
    trace_prefix: str = ""
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
        """The properties that a read asks for, with those that identify its results.

        Asking for any property turns HubSpot's defaults off. So a read that would ask
        for its key only asks for the defaults too.
        """
        if self.id_property is None:
            return self.properties
        known = standard_type(self.object_type)
        asked = self.properties or (known.defaults if known else ())
        keys = [self.id_property]
        if known and known.name == "contacts" and self.id_property == "email":
            # A secondary address finds a contact whose `email` is another one.
            keys.append("hs_additional_emails")
        return (*asked, *(key for key in keys if key not in asked))
