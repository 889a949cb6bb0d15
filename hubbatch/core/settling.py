"""Which input each result and each error of an answer is about.

HubSpot shuffles its results and leaves some out, so nothing is ever paired by
position. What cannot be told apart stays open.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter, countOf
from typing import Any

import orjson

from attrs import Factory, define

from hubbatch.errors import RecordError, RecordInvalid, RecordNotFound
from hubbatch.models import (
    BatchResponse,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
)

from .blaming import record_error_from_207
from .calls import Operation, ResultShape
from .chunk_state import Certainty
from .chunks import Chunk
from .codec import listed_warnings
from .encoding import make_key
from .naming import Claim, InputIndex, Kind, kind_of
from .paging import turn_pages
from .typed import class_mapping


_trace_of = attrgetter("object_write_trace_id")


@define
class Settlement:
    """What an answer says about the inputs of a chunk, by their positions in it.

    Attributes:
        part: the answer itself.
        results: the result of each input; None where there is none.
        failed: the inputs that HubSpot refused.
        open: the inputs that the answer does not account for.
        loose: results that belong to some input, but not to which for certain, or that
            repeat what another result said.
        unfinished: the inputs whose answer goes on, and the cursor at which.
        warnings: what HubSpot warns of in what it has written.
        survivor: the id of the only result where it is not that of the only input,
             whose record may have been merged into it.
        strangers: results that name none of the inputs. They are no result of this
             batch: a record that was merged, or of an answer to another request.
    """

    part: BatchResponse[Any]
    results: list[Any]
    failed: dict[int, RecordError]
    open: list[int]
    loose: list[Any]
    unfinished: dict[int, str] = Factory(dict)
    warnings: Sequence[Mapping[str, Any]] = ()
    survivor: str | None = None
    strangers: list[Any] = Factory(list)

    @property
    def strange(self) -> bool:
        """Whether the answer, or a part of it, may be to another request."""
        return bool(self.strangers)

    @property
    def trustworthy(self) -> bool:
        """Whether the answer accounts for at least one input, or may do so."""
        return self.survivor is not None or len(self.open) < len(self.results)


def settle_without_results(chunk: Chunk, part: BatchResponse[Any]) -> Settlement:
    """Settle an answer that has no results by nature: what it names has failed."""
    names = InputIndex(chunk)
    settlement = _settle_errors(names, part, part.errors)
    unnamed = [error for error in part.errors if not names.of_error(error)]
    before = len(settlement.open)
    _settle_ends(names, settlement, unnamed)
    explained = before - len(settlement.open) == len(unnamed)
    settlement.strangers = [one for one in part.results if not names.is_of(one)]
    if settlement.strange:
        settlement.open = [*range(len(chunk))]
        settlement.failed = {}
    elif (
        explained and part.num_errors <= len(part.errors) and part.status == "COMPLETE"
    ):
        settlement.open = []
    return settlement


def settle(operation: Operation, chunk: Chunk, part: BatchResponse[Any]) -> Settlement:
    """Match the results and the errors of an answer with the inputs of the chunk.

    A result that is None could not be read: it says nothing of any input.
    """
    shape = operation.call.results
    if shape is None:
        return settle_without_results(chunk, part)
    if not operation.call.has_inputs:
        return Settlement(part, part.results, {}, [], [])
    whole = all(part.results)  # no result is ever false
    if not whole:
        part.results = [result for result in part.results if result is not None]
    ordered = None if part.errors else _in_order(shape, chunk, part.results)
    if ordered is not None:
        settled = Settlement(part, ordered, {}, [], [])
    else:
        settled = _match(operation, shape, chunk, part, whole=whole)
    if shape.paging is not None:
        settled.unfinished = turn_pages(
            shape.paging, chunk, settled.results, settled.failed
        )
    if shape.warnings_of is not None:
        places = filter(None, map(shape.warnings_of, part.results))
        settled.warnings = [one for place in places for one in listed_warnings(place)]
    if (
        chunk.state.certainty is Certainty.MAYBE_WRITTEN
        and operation.call.verb == "upsert"
    ):
        _forget_new([*settled.results, *settled.loose])
    return settled


def _in_order(shape: ResultShape, chunk: Chunk, results: list[Any]) -> list[Any] | None:
    """Order the results of an answer that accounts for everything in the usual way."""
    if len(results) != len(chunk) or chunk.traces:
        return None
    names: Iterable[str | None] = chunk.keys
    traced = shape.traced and countOf(map(_trace_of, results), None) < len(results)
    if traced:
        by_name = dict(zip(map(_trace_of, results), results, strict=True))
        prefix = chunk.prefix
        names = [f"{prefix}{index}" for index in chunk.indices]
    else:
        by_name = dict(zip(map(shape.key_of, results), results, strict=True))
    ordered = [*map(by_name.get, names)]
    # No result is ever false; `None in ordered` would compare each by its fields.
    return ordered if len(by_name) == len(chunk) and all(ordered) else None


def make_into(cls: type, settlement: Settlement) -> None:
    """Make the records of a read the caller's own; what cannot be one has failed."""
    shape = class_mapping(cls)
    failed = {**settlement.failed}
    for position, record in enumerate(settlement.results):
        if record is not None:
            try:
                settlement.results[position] = shape.from_record(record)
            except RecordInvalid as error:
                settlement.results[position] = None
                failed[position] = error
    settlement.failed = failed
    loose, settlement.loose = settlement.loose, []
    for record in loose:
        with suppress(RecordInvalid):  # it is no input's, so there is nothing to fail
            settlement.loose.append(shape.from_record(record))


def _match(
    operation: Operation,
    shape: ResultShape,
    chunk: Chunk,
    part: BatchResponse[Any],
    *,
    whole: bool,
) -> Settlement:
    errors, results = _without_answers(shape, part)
    names = InputIndex(chunk)
    settlement = _settle_errors(names, part, errors)
    matcher = _Matcher(shape, chunk, names, settlement)
    unnamed = [result for result in results if not matcher.by_name(result)]
    if len(chunk) == len(unnamed) == len(settlement.open) == 1:
        unnamed = matcher.alone(unnamed)
    elif operation.call.writes:
        unnamed = matcher.by_properties(unnamed)
        accepted = whole and not errors and part.num_errors <= len(part.errors)
        if accepted and matcher.fit_the_rest(unnamed):
            # All were written; which result is whose cannot be said.
            settlement.open = []
    for result in unnamed:
        known = (
            settlement.loose if matcher.may_be_ours(result) else settlement.strangers
        )
        known.append(result)
    _settle_ends(names, settlement, errors)
    settlement.open += matcher.contradicted
    unsure = settlement.loose or settlement.strangers or part.errors
    if shape.complete and whole and not unsure:
        _settle_absent(settlement)
    return settlement


def _without_answers(
    shape: ResultShape, part: BatchResponse[Any]
) -> tuple[list[StandardError], list[Any]]:
    """Take the errors that are answers for the results that they stand for."""
    if shape.answers is None or not part.errors:
        return part.errors, part.results
    errors, results = [], [*part.results]
    for error in part.errors:
        told = shape.answers(error)
        results += told
        if not told:
            errors.append(error)
    return errors, results


def _settle_absent(settlement: Settlement) -> None:
    for position in settlement.open:
        settlement.failed[position] = RecordNotFound(
            "HubSpot's answer leaves it out: there is no such record",
            category="OBJECT_NOT_FOUND",
            origin="hubbatch",
        )
    settlement.open = []


def _settle_ends(
    names: InputIndex, settlement: Settlement, errors: Iterable[StandardError]
) -> None:
    """Settle pairs by the errors that speak of one of their ends only.

    An end may be in several pairs. They are settled where there are as many errors as
    such pairs; what stays open is asked for once more alone, and then it is certain.
    """
    still_open = {*settlement.open}
    about: dict[frozenset[int], list[StandardError]] = defaultdict(list)
    for error in errors:
        about[names.of_ends(error) & still_open].append(error)
    for positions, told in about.items():
        if len(told) >= len(positions) and positions <= {*settlement.open}:
            for position, error in zip(sorted(positions), told, strict=False):
                settlement.failed[position] = record_error_from_207(error)
                settlement.open.remove(position)


def _settle_errors(
    names: InputIndex, part: BatchResponse[Any], errors: Iterable[StandardError]
) -> Settlement:
    failed: dict[int, RecordError] = {}
    for error in errors:
        for position in names.of_error(error):
            failed.setdefault(position, record_error_from_207(error))
    still_open = [position for position in range(names.count) if position not in failed]
    return Settlement(part, [None] * names.count, failed, still_open, [])


class _Matcher:
    """Gives results to the inputs of a chunk, each at most once."""

    def __init__(
        self,
        shape: ResultShape,
        chunk: Chunk,
        names: InputIndex,
        settlement: Settlement,
    ) -> None:
        self.shape = shape
        self.chunk = chunk
        self.settlement = settlement
        self.names = names
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
        """Match a result by trace id, id, another name or the id property's value.

        One that names an input which is settled already, a repetition say, is loose: it
        must not be taken for the result of another input. Of both directions of a pair
        the input's own is its result, and the other one is loose.
        """
        named = self.names.claimed(self._claim(result))
        others = map(self.names.by_key.get, self.shape.names_of(result))
        positions = {p for p in (named, *others) if p is not None}
        for position in positions:
            if position in self.settlement.open:
                self.assign(position, result)
            else:
                if position in self.settlement.failed:
                    self.contradict(position)
                elif self._is_reversed(position, self.settlement.results[position]):
                    results = self.settlement.results
                    results[position], result = result, results[position]
                self.settlement.loose.append(result)
        return bool(positions)

    def _is_reversed(self, position: int, result: Any) -> bool:
        """Whether the result of an input is its pair in the other direction."""
        source_of = self.shape.source_of
        if source_of is None or result is None:
            return False
        given = orjson.loads(self.chunk.bodies[position])["from"]["id"]
        return make_key(str(source_of(result))) != make_key(given)

    def alone(self, results: list[Any]) -> list[Any]:
        """Match the one result with the one input, unless it names another.

        A record that was merged answers with the id of the one that it became, and so
        does an answer to another request. It is believed when it says the same twice.
        """
        [result] = results
        claim, key = self._claim(result), self.names.keys[0]
        if claim.contradicts(key):
            if claim.trace is not None or kind_of(key) is not Kind.ID:
                return results
            self.settlement.survivor = self.shape.key_of(result)
            if self.settlement.survivor != self.chunk.state.survivor:
                return results
        self.assign(0, result)
        return []

    def by_properties(self, results: list[Any]) -> list[Any]:
        """Match results by what was written, where one open input fits and no other.

        Return the results that still belong to no input.
        """
        values_of = self.shape.values_of
        if values_of is None:
            return results
        fits = [
            [
                position
                for position in self.settlement.open
                if not claim.contradicts(self.names.keys[position])
                and holds(shown, self.chunk.bodies[position])
            ]
            for claim, shown in zip(
                map(self._claim, results), map(values_of, results), strict=True
            )
        ]
        wanted = [position for positions in fits for position in positions]
        rest = []
        for result, positions in zip(results, fits, strict=True):
            if len(positions) == 1 and wanted.count(positions[0]) == 1:
                self.assign(positions[0], result)
            else:
                rest.append(result)
        return rest

    def fit_the_rest(self, results: list[Any]) -> bool:
        """Whether there is one nameless record for each input that is open.

        A record that is listed twice, or is another input's, stands for none.
        """
        if self.settlement.loose or len(results) != len(self.settlement.open):
            return False
        if any(map(self.has_a_name, results)):
            return False
        key_of = self.shape.key_of
        taken = {key_of(result) for result in self.settlement.results if result}
        return len({*map(key_of, results)} - taken) == len(results)

    def has_a_name(self, result: Any) -> bool:
        """Whether a result has a name by which one of the open inputs is known."""
        claim = self._claim(result)
        keys = [self.names.keys[position] for position in self.settlement.open]
        return claim.trace is not None or any(map(claim.says_of, keys))

    def may_be_ours(self, result: Any) -> bool:
        """Whether there is an input that a result does not contradict."""
        return not all(map(self._claim(result).contradicts, self.names.keys))

    def _claim(self, result: Any) -> Claim:
        return self.names.of_result(result, self.shape)


def _same(shown: object, written: str, *, loosely: bool) -> bool:
    text = str(shown or "")
    if loosely or "@" in written:
        return text.lower() == written.lower()
    return text == written


def written_in(body: bytes) -> Mapping[str, str]:
    """Read the properties out of an input that was encoded."""
    given = orjson.loads(body)
    properties = given.get("properties", {}) if isinstance(given, dict) else given
    if isinstance(properties, str | int):  # an id, or a name
        return {}
    if isinstance(properties, list):  # crm-objects/v1
        return {item["name"]: item["value"] for item in properties}
    texts: Mapping[str, str] = properties
    return texts


def shows(result: SimplePublicObject, body: bytes, *, unique: str = "") -> bool:
    """Whether a result has all that an input wrote."""
    return holds(result.properties, body, unique=unique)


def holds(shown: Mapping[str, str | None], body: bytes, *, unique: str = "") -> bool:
    """Whether what a record shows has all that an input wrote.

    HubSpot lowers e-mail addresses, and compares unique values in any case.
    """
    written = written_in(body)
    return bool(written) and all(
        _same(shown.get(name), value, loosely=name == unique)
        for name, value in written.items()
    )


def _forget_new(results: Iterable[SimplePublicUpsertObject | None]) -> None:
    """An earlier attempt may have created what this one found."""
    for result in results:
        if result is not None and result.new is False:
            result.new = None
