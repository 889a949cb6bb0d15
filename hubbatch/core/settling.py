"""Which input each result and each error of an answer is about.

HubSpot shuffles its results and leaves some out, so nothing is ever paired by
position. What cannot be told apart stays open.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from attrs import define

from hubbatch.errors import RecordError, RecordInvalid
from hubbatch.models import (
    BatchResponse,
    LegacyObject,
    SimplePublicObject,
    SimplePublicUpsertObject,
)

from .blaming import from_standard_error
from .naming import Names
from .operations import Dialect, Operation
from .planning import Chunk
from .typed import shape_of


@define
class Settlement:
    """What an answer says about the inputs of a chunk, by their positions in it.

    Attributes:
        part: the answer itself.
        results: the result of each input; None where there is none.
        failed: the inputs that HubSpot refused.
        open: the inputs that the answer does not account for.
        loose: results that belong to no input for certain.
    """

    part: BatchResponse[Any]
    results: list[Any]
    failed: dict[int, RecordError]
    open: list[int]
    loose: list[Any]

    @property
    def trustworthy(self) -> bool:
        """Whether the answer accounts for at least one input."""
        return len(self.open) < len(self.results)


def settle_without_results(chunk: Chunk, part: BatchResponse[Any]) -> Settlement:
    """Settle an answer that has no results by nature: what it names has failed."""
    settlement = _settle_errors(chunk, part)
    names = Names(chunk)
    explained = all(names.of_error(error) for error in part.errors)
    if explained and part.num_errors <= len(part.errors) and part.status == "COMPLETE":
        settlement.open = []
    return settlement


def settle(operation: Operation, chunk: Chunk, part: BatchResponse[Any]) -> Settlement:
    """Match the results and the errors of an answer with the inputs of the chunk."""
    if operation.call.dialect is Dialect.DOCUMENT:
        settled = Settlement(part, part.results, {}, [], [])
    elif not part.errors and (ordered := _in_order(chunk, part.results)) is not None:
        settled = Settlement(part, ordered, {}, [], [])
    else:
        settled = _match(operation, chunk, part)
    if chunk.doubtful and operation.call.verb == "upsert":
        _forget_new([*settled.results, *settled.loose])
    return settled


def _in_order(chunk: Chunk, results: list[Any]) -> list[Any] | None:
    """Order the results of an answer that accounts for everything in the usual way."""
    if len(results) != len(chunk) or chunk.traces:
        return None
    first = results[0]
    if isinstance(first, LegacyObject):
        by_key: dict[Any, Any] = {str(result.object_id): result for result in results}
        ordered = [by_key.get(key) for key in chunk.keys]
    elif first.object_write_trace_id is not None:
        by_key = {result.object_write_trace_id: result for result in results}
        ordered = [by_key.get(str(index)) for index in chunk.indices]
    else:
        by_key = {result.id: result for result in results}
        ordered = [by_key.get(key) for key in chunk.keys]
    return ordered if len(by_key) == len(chunk) and None not in ordered else None


def make_into(cls: type, settlement: Settlement) -> None:
    """Make the records of a read the caller's own; what cannot be one has failed."""
    shape = shape_of(cls)
    failed = {**settlement.failed}
    for position, record in enumerate(settlement.results):
        if record is not None:
            try:
                settlement.results[position] = shape.read(record)
            except RecordInvalid as error:
                settlement.results[position] = None
                failed[position] = error
    settlement.failed = failed
    loose, settlement.loose = settlement.loose, []
    for record in loose:
        with suppress(RecordInvalid):  # it is no input's, so there is nothing to fail
            settlement.loose.append(shape.read(record))


def _match(operation: Operation, chunk: Chunk, part: BatchResponse[Any]) -> Settlement:
    settlement = _settle_errors(chunk, part)
    matcher = _Matcher(chunk, settlement)
    unnamed = [result for result in part.results if not matcher.by_name(result)]
    if len(chunk) == len(unnamed) == len(settlement.open) == 1:
        # Alone, an input gets even a record with another id: it was merged.
        matcher.assign(0, unnamed.pop())
    elif operation.call.verb != "read":
        unnamed = matcher.by_properties(unnamed)
        refused = part.errors or part.num_errors
        # A record that is listed twice, or is another input's, stands for nobody.
        taken = {_identity(result) for result in settlement.results}
        fresh = {_identity(result) for result in unnamed} - taken
        if not refused and len(fresh) == len(unnamed) == len(settlement.open):
            # All were written; which result is whose cannot be said.
            settlement.open = []
    settlement.loose += unnamed
    settlement.open += matcher.contradicted
    return settlement


def _settle_errors(chunk: Chunk, part: BatchResponse[Any]) -> Settlement:
    names = Names(chunk)
    failed: dict[int, RecordError] = {}
    for error in part.errors:
        for position in names.of_error(error):
            failed.setdefault(position, from_standard_error(error))
    still_open = [position for position in range(len(chunk)) if position not in failed]
    return Settlement(part, [None] * len(chunk), failed, still_open, [])


class _Matcher:
    """Gives results to the inputs of a chunk, each at most once."""

    def __init__(self, chunk: Chunk, settlement: Settlement) -> None:
        self.chunk = chunk
        self.settlement = settlement
        self.names = Names(chunk)
        self.contradicted: list[int] = []  # inputs with a result and an error

    def contradict(self, position: int) -> None:
        """Believe neither the error nor the result of an input that has both."""
        del self.settlement.failed[position]
        self.contradicted.append(position)

    def assign(self, position: int, result: Any) -> None:
        """Settle an open input with its result."""
        self.settlement.results[position] = result
        self.settlement.open.remove(position)

    def by_name(self, result: Any) -> bool:
        """Match a result by trace id, id or the value of the id property.

        One that names an input which is settled already, a repetition say, is loose:
        it must not be taken for the result of another input.
        """
        position = self.names.of_result(result)
        if position is None:
            return False
        if position in self.settlement.open:
            self.assign(position, result)
            return True
        if position in self.settlement.failed:
            self.contradict(position)
        self.settlement.loose.append(result)
        return True

    def by_properties(self, results: list[Any]) -> list[Any]:
        """Match results by what was written, where one open input fits and no other.

        Gives back the results that still belong to nobody.
        """
        if not results or isinstance(results[0], LegacyObject):
            return results
        fits = [
            [p for p in self.settlement.open if shows(result, self.chunk.bodies[p])]
            for result in results
        ]
        wanted = [position for positions in fits for position in positions]
        rest = []
        for result, positions in zip(results, fits, strict=True):
            if len(positions) == 1 and wanted.count(positions[0]) == 1:
                self.assign(positions[0], result)
            else:
                rest.append(result)
        return rest


def _same(shown: object, written: str, *, loosely: bool) -> bool:
    text = str(shown or "")
    if loosely or "@" in written:
        return text.lower() == written.lower()
    return text == written


def _identity(result: Any) -> Any:
    return getattr(result, "id", None) or getattr(result, "object_id", None)


def shows(result: SimplePublicObject, body: bytes, *, unique: str = "") -> bool:
    """Whether a result has all that an input wrote.

    HubSpot lowers e-mail addresses, and compares unique values in any case.
    """
    written: Mapping[str, str] = orjson.loads(body)["properties"]
    return bool(written) and all(
        _same(result.properties.get(name), value, loosely=name == unique)
        for name, value in written.items()
    )


def _forget_new(results: Iterable[SimplePublicUpsertObject | None]) -> None:
    """An earlier attempt may have created what this one found."""
    for result in results:
        if result is not None and result.new is False:
            result.new = None
