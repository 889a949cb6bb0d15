"""A kind of call to HubSpot as a row of data, and one call of it made concrete.

The rows are in `operations`, what is particular to a family of them in `dialects`.
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

# One input, ready to leave: its key, which must not stand twice in one request (None
# if it has no such thing), its JSON, and the objectWriteTraceId that the caller gave
# it, if any. A bare tuple: there is one per record.
Encoded: TypeAlias = tuple[str | None, bytes, str | None]
Encoder: TypeAlias = Callable[[int, object], Encoded]
# The keys and the bodies of a block of inputs, none of which has a trace id of its own.
Columns: TypeAlias = tuple[list[str | None], list[bytes]]
# Takes the index of the first input, and the block; None if it cannot be done at once.
ColumnEncoder: TypeAlias = Callable[[int, Sequence[Any]], Columns | None]
Query: TypeAlias = Mapping[str, str | Sequence[str]]


class Repeats(Enum):
    """What happens to an input whose key another input has already."""

    INDEPENDENT = "independent"  # no key: two creates are two records
    WAITS = "waits"  # writes to one record keep their order
    SHARES = "shares"  # one request answers all who ask before it leaves


@frozen
class Paging:
    """How the answer for one input goes on.

    Attributes:
        after: gives the cursor of a result's next page; None if it is the last.
        ask: writes an input's JSON so that it asks for the page at a cursor.
        join: makes one result of all pages.
    """

    after: Callable[[Any], str | None]
    ask: Callable[[bytes, str], bytes]
    join: Callable[[Sequence[Any]], Any]


def _no_names(_: Any) -> Sequence[str]:
    return ()


@frozen
class Shape:
    """What the results of a call are, and how they name the inputs they are about.

    Attributes:
        structure: reads the results.
        key_of: gives the key of the input that a result is about, if it names one.
        names_of: gives other keys that inputs may have which the result is about.
        values_of: gives the properties that the result of a write shows; None where
            results do not show what was written.
        complete: whether an input that has no result is thereby said not to be there.
        answers: gives the results that an error object stands for: that a record has
            no associations is an error to HubSpot, and an answer.
        paging: how a result goes on that did not fit; None if all of them fit.
        warnings_of: returns what a result has in the place of HubSpot's warnings;
            None where results have no such place.
        source_of: returns the near end of a result that is a pair; None where results
            have no direction.
        traced: whether inputs are sent with trace ids, which results may repeat.
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
class Dialect:
    """How inputs and answers are written.

    Attributes:
        encoder: makes what encodes the inputs of an operation; it raises InvalidInput
            for one that must not be sent.
        body: makes the body of a request from encoded inputs, joined by commas.
        parts: reads an answer whole, and its results with the function given.
        results: what the results are; None where only errors are told.
        columns: makes what encodes inputs a block at a time, as `encoder` would; None
            where there is no such thing.
    """

    encoder: Callable[["Operation"], Encoder]
    body: Callable[["Operation", bytes], bytes]
    parts: Callable[[Any, Callable[[Any], Any]], BatchResponse[Any]]
    results: Shape | None = None
    columns: Callable[["Operation"], ColumnEncoder] | None = None


@frozen
class Call:
    """A row of the table.

    Attributes:
        tail: what the path ends in, after the object types.
        repeatable: whether it may be sent again after a lost answer. A create that is
            may make a second record.
        writes: whether it changes anything; a read that was lost has not.
        has_inputs: whether there are records that could be to blame for a refusal.
        silent: whether a 204 without a word is a whole answer.
        missing: whether a 404 is about its inputs, not about its path.
        family: which rate limit it counts in.
        content_type: of its body.
    """

    verb: Verb
    tail: str
    repeats: Repeats
    dialect: Dialect
    repeatable: bool = field(default=True, kw_only=True)
    writes: bool = field(default=True, kw_only=True)
    max_inputs: int = field(default=100, kw_only=True)
    method: str = field(default="POST", kw_only=True)
    family: str = field(default="objects", kw_only=True)
    has_inputs: bool = field(default=True, kw_only=True)
    silent: bool = field(default=False, kw_only=True)
    missing: bool = field(default=False, kw_only=True)
    content_type: str = field(default="application/json", kw_only=True)

    @property
    def creates(self) -> bool:
        """Whether it may make a record that was not there."""
        return self.verb in ("create", "upsert")

    @property
    def results(self) -> Shape | None:
        """What its results are; None if it has none."""
        return self.dialect.results


@frozen(cache_hash=True)
class Operation:
    """One batch's call: which row, on which object type, with which options.

    Attributes:
        into: the caller's own class, which the records of a read become.
        read_back: the read by which a create is looked for whose answer was lost, by
            its unique property.
        parameters: of the URL.
        options: what the body of a request says beside its inputs.
        trace_prefix: begins the trace id of every input that has none of its own; the
            input's index follows. It differs between batches and processes.
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

    @property
    def name(self) -> str:
        """The call in one word, as logs and messages show it: `tickets.update`."""
        return f"{self.object_type}.{self.call.verb}"

    @property
    def query(self) -> Query:
        """The parameters of the URL."""
        return {**({"archived": "true"} if self.archived else {}), **self.parameters}

    @property
    def asked_properties(self) -> tuple[str, ...]:
        """The properties a read asks for, with those that bring its key back.

        Asking for any property turns HubSpot's defaults off, so they are named when
        only the key would be asked for.
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
