"""Match the results and errors of an answer with the inputs of a chunk.

HubSpot shuffles its results and omits some, so nothing is ever matched by position. An
input stays open if no result or error certainly belongs to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import repeat
from operator import attrgetter
from typing import Any

from attrs import Factory
from msgspec.json import decode

from hubbatch._classes import define
from hubbatch._wire.calls import Operation, ResultShape, Unmentioned
from hubbatch._wire.inputs import make_key
from hubbatch._wire.records import listed_warnings
from hubbatch._wire.user_classes import class_mapping
from hubbatch.errors import RecordError, RecordInvalid, RecordNotFound
from hubbatch.models import (
    BatchResponse,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
)

from .chunk import Chunk
from .chunk_state import Certainty
from .input_index import Claim, InputIndex, Kind, kind_of
from .paging import turn_pages
from .record_errors import record_error_from_207


_trace_of = attrgetter("object_write_trace_id")
_UNTRACED = {None}  # the trace ids of results that have none


@define
class MatchedAnswer:
    """The results and errors of an answer, by the position of their input in the chunk.

    Attributes:
        part: the answer.
        results: by position, the result of an input, or None.
        failed: by position, the error of an input that HubSpot refused.
        open: the positions of inputs that the answer does not account for.
        loose: results that belong to one of the inputs, but it is unknown which, or
            that repeat another result.
        unfinished: by position, the cursor of the next page of an input's answer.
        warnings: HubSpot's warnings about what it wrote.
        survivor: the id of the only result, if it differs from the id of the only
            input. The input's record may have been merged into that record.
        strangers: results that name none of the inputs: the survivor of a merge of an
            input's record, or an answer to another request.
    """

    # Invariant: every position is in exactly one of `failed`, `open`, `unfinished` and
    # the inputs that succeeded (all others). In `results`, an open input has None, an
    # unfinished one its current page, and a failed one is ignored. An input that
    # succeeded has its result there, unless the call returns no results, or HubSpot
    # wrote all inputs and it is unknown which loose result belongs to which.

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
        """Whether any part of the answer may belong to another request."""
        return bool(self.strangers)

    @property
    def trustworthy(self) -> bool:
        """Whether the answer accounts, or may account, for at least one input."""
        return self.survivor is not None or len(self.open) < len(self.results)


def match_without_results(chunk: Chunk, part: BatchResponse[Any]) -> MatchedAnswer:
    """Match the errors of an answer to a call that returns no results."""
    names = InputIndex(chunk)
    matched = _settle_errors(names, part, part.errors)
    unnamed = [error for error in part.errors if not names.of_error(error)]
    before = len(matched.open)
    _settle_ends(names, matched, unnamed)
    explained = before - len(matched.open) == len(unnamed)
    matched.strangers = [item for item in part.results if not names.is_of(item)]
    if matched.strange:
        matched.open = [*range(len(chunk))]
        matched.failed = {}
    elif (
        explained and part.num_errors <= len(part.errors) and part.status == "COMPLETE"
    ):
        matched.open = []
    return matched


def match_answer(
    operation: Operation, chunk: Chunk, part: BatchResponse[Any]
) -> MatchedAnswer:
    """Match the results and errors of an answer with the inputs of a chunk.

    A result of None could not be parsed, so it accounts for no input.
    """
    shape = operation.call.results
    if shape is None:
        return match_without_results(chunk, part)
    if not operation.call.has_inputs:
        return MatchedAnswer(part, part.results, {}, [], [])
    whole = all(part.results)  # no result is falsy, except None
    if not whole:
        part.results = [result for result in part.results if result is not None]
    ordered = None if part.errors else _order(shape, chunk, part.results)
    if ordered is not None:
        settled = MatchedAnswer(part, ordered, {}, [], [])
    else:
        settled = _match(operation, shape, chunk, part, whole=whole)
    if shape.paging is not None:
        settled.unfinished = turn_pages(
            shape.paging, chunk, settled.results, settled.failed
        )
    if shape.warnings_of is not None:
        places = filter(None, map(shape.warnings_of, part.results))
        settled.warnings = [item for place in places for item in listed_warnings(place)]
    if (
        chunk.state.certainty is Certainty.MAYBE_WRITTEN
        and operation.call.verb == "upsert"
    ):
        _clear_new([*settled.results, *settled.loose])
    return settled


def _order(shape: ResultShape, chunk: Chunk, results: list[Any]) -> list[Any] | None:
    """Return the results in the order of the inputs, in the usual case.

    Return None if an input has no result, or if a result does not name its input in the
    call's usual way: by the trace id, or else by the id or pair.
    """
    if len(results) != len(chunk) or chunk.traces:
        return None
    names: Sequence[str | None] = chunk.keys
    traces = map(_trace_of, results) if shape.traced else repeat(None, len(results))
    by_name = dict(zip(traces, results, strict=True))
    if by_name.keys() == _UNTRACED:
        by_name = dict(zip(map(shape.key_of, results), results, strict=True))
    else:
        prefix = chunk.prefix
        names = chunk.trace_ids or [f"{prefix}{index}" for index in chunk.indices]
    ordered = [*map(by_name.get, names)]
    # No result is falsy, except None. `None in ordered` would compare all fields.
    return ordered if len(by_name) == len(chunk) and all(ordered) else None


def make_into(cls: type, matched: MatchedAnswer) -> None:
    """Replace the records of a read with instances of the caller's class.

    An input fails if its record does not fit the class.
    """
    shape = class_mapping(cls)
    failed = {**matched.failed}
    for position, record in enumerate(matched.results):
        if record is not None:
            try:
                matched.results[position] = shape.from_record(record)
            except RecordInvalid as error:
                matched.results[position] = None
                failed[position] = error
    matched.failed = failed
    loose, matched.loose = matched.loose, []
    for record in loose:
        with suppress(RecordInvalid):  # it belongs to no input that could fail
            matched.loose.append(shape.from_record(record))


def _match(
    operation: Operation,
    shape: ResultShape,
    chunk: Chunk,
    part: BatchResponse[Any],
    *,
    whole: bool,
) -> MatchedAnswer:
    errors, results = _separate_answers(shape, part)
    names = InputIndex(chunk)
    matched = _settle_errors(names, part, errors)
    matcher = _Matcher(shape, chunk, names, matched)
    unnamed = [result for result in results if not matcher.by_name(result)]
    if len(chunk) == len(unnamed) == len(matched.open) == 1:
        unnamed = matcher.alone(unnamed)
    elif operation.call.writes:
        unnamed = matcher.by_properties(unnamed)
        accepted = whole and not errors and part.num_errors <= len(part.errors)
        if accepted and matcher.fit_the_rest(unnamed):
            # All were written; it is unknown which result belongs to which input.
            matched.open = []
    for result in unnamed:
        target = matched.loose if matcher.may_be_ours(result) else matched.strangers
        target.append(result)
    _settle_ends(names, matched, errors)
    matched.open += matcher.contradicted
    if shape.unmentioned is not None and whole:
        _settle_unmentioned(shape.unmentioned, names, chunk, matched)
    unsure = matched.loose or matched.strangers or part.errors
    if shape.complete and whole and not unsure:
        _settle_absent(matched)
    return matched


def _separate_answers(
    shape: ResultShape, part: BatchResponse[Any]
) -> tuple[list[StandardError], list[Any]]:
    """Return the errors and the results, turning errors that are answers into results.

    For example, HubSpot reports "no associations" as an error.
    """
    if shape.answers is None or not part.errors:
        return part.errors, part.results
    errors, results = [], [*part.results]
    for error in part.errors:
        answers = shape.answers(error)
        results += answers
        if not answers:
            errors.append(error)
    return errors, results


def _settle_absent(matched: MatchedAnswer) -> None:
    for position in matched.open:
        matched.failed[position] = RecordNotFound(
            "no such record: HubSpot's answer does not include it",
            category="OBJECT_NOT_FOUND",
            origin="hubbatch",
        )
    matched.open = []


def _settle_unmentioned(
    unmentioned: Unmentioned, names: InputIndex, chunk: Chunk, matched: MatchedAnswer
) -> None:
    """Settle the inputs that an answer leaves out, if all it contains is about others.

    An answer that also names a record of another request may be that request's.
    """
    foreign = not all(map(names.of_error, matched.part.errors))
    if foreign or matched.loose or matched.strangers:
        return
    maybe_written = chunk.state.maybe_written
    bodies = [*chunk.bodies]
    for position in matched.open:
        matched.results[position] = unmentioned(
            bodies[position], maybe_written=maybe_written
        )
    matched.open = []


def _settle_ends(
    names: InputIndex, matched: MatchedAnswer, errors: Iterable[StandardError]
) -> None:
    """Settle pairs by errors that name only one of their ends.

    An end may occur in several pairs. They all fail if at least as many errors name it.
    Otherwise they stay open, and each is sent again alone to find out.
    """
    still_open = {*matched.open}
    errors_of: dict[frozenset[int], list[StandardError]] = defaultdict(list)
    for error in errors:
        errors_of[names.of_ends(error) & still_open].append(error)
    for positions, reported in errors_of.items():
        if len(reported) >= len(positions) and positions <= {*matched.open}:
            for position, error in zip(sorted(positions), reported, strict=False):
                matched.failed[position] = record_error_from_207(error)
                matched.open.remove(position)


def _settle_errors(
    names: InputIndex, part: BatchResponse[Any], errors: Iterable[StandardError]
) -> MatchedAnswer:
    failed: dict[int, RecordError] = {}
    for error in errors:
        for position in names.of_error(error):
            failed.setdefault(position, record_error_from_207(error))
    still_open = [position for position in range(names.count) if position not in failed]
    return MatchedAnswer(part, [None] * names.count, failed, still_open, [])


class _Matcher:
    """Assigns results to the open inputs of a chunk, at most one each."""

    def __init__(
        self,
        shape: ResultShape,
        chunk: Chunk,
        names: InputIndex,
        matched: MatchedAnswer,
    ) -> None:
        self.shape = shape
        self.chunk = chunk
        self.matched = matched
        self.names = names
        # Inputs with a result and an error. They are in neither `failed` nor `open`
        # until all results are matched: no other result may be assigned to them.
        self.contradicted: list[int] = []

    def contradict(self, position: int) -> None:
        """Discard the error of an input that also has a result: neither is reliable."""
        del self.matched.failed[position]
        self.contradicted.append(position)

    def assign(self, position: int, result: Any) -> None:
        """Assign a result to an open input."""
        self.matched.results[position] = result
        self.matched.open.remove(position)

    def by_name(self, result: Any) -> bool:
        """Assign a result by its trace id, id, other name or id property.

        Return whether the result names an input. A result that names a settled input (a
        repetition) is loose, so that it is not assigned to another input. If HubSpot
        returns both directions of a pair, the input gets its own, and the other is
        loose.
        """
        named = self.names.claimed(self._claim(result))
        others = map(self.names.by_key.get, self.shape.names_of(result))
        positions = {p for p in (named, *others) if p is not None}
        for position in positions:
            if position in self.matched.open:
                self.assign(position, result)
            else:
                if position in self.matched.failed:
                    self.contradict(position)
                elif self._is_reversed(position, self.matched.results[position]):
                    results = self.matched.results
                    results[position], result = result, results[position]
                self.matched.loose.append(result)
        return bool(positions)

    def _is_reversed(self, position: int, result: Any) -> bool:
        """Return whether an input's result is the same pair in the other direction."""
        source_of = self.shape.source_of
        if source_of is None or result is None:
            return False
        source = decode(self.chunk.bodies[position])["from"]["id"]
        return make_key(str(source_of(result))) != make_key(source)

    def alone(self, results: list[Any]) -> list[Any]:
        """Assign the only result to the only input, unless it names a different one.

        Return the unassigned results. A result with a different id is either the record
        that the input's record was merged into, or the answer to another request. It is
        accepted once HubSpot has returned the same id twice.
        """
        [result] = results
        claim, key = self._claim(result), self.names.keys[0]
        if claim.contradicts(key):
            if claim.trace is not None or kind_of(key) is not Kind.ID:
                return results
            self.matched.survivor = self.shape.key_of(result)
            if self.matched.survivor != self.chunk.state.survivor:
                return results
        self.assign(0, result)
        return []

    def by_properties(self, results: list[Any]) -> list[Any]:
        """Assign results by the written properties, if exactly one open input fits.

        Return the unassigned results.
        """
        values_of = self.shape.values_of
        if values_of is None:
            return results
        fits = [
            [
                position
                for position in self.matched.open
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
        """Return whether there is one anonymous record for each open input.

        Records that occur twice, or that another input has, do not count.
        """
        if self.matched.loose or len(results) != len(self.matched.open):
            return False
        if any(map(self.has_a_name, results)):
            return False
        key_of = self.shape.key_of
        taken = {key_of(result) for result in self.matched.results if result}
        return len({*map(key_of, results)} - taken) == len(results)

    def has_a_name(self, result: Any) -> bool:
        """Return whether a result has the same kind of name as an open input."""
        claim = self._claim(result)
        keys = [self.names.keys[position] for position in self.matched.open]
        return claim.trace is not None or any(map(claim.says_of, keys))

    def may_be_ours(self, result: Any) -> bool:
        """Return whether no name of a result rules out that it belongs to an input."""
        return not all(map(self._claim(result).contradicts, self.names.keys))

    def _claim(self, result: Any) -> Claim:
        return self.names.of_result(result, self.shape)


def _is_same(shown: object, written: str, *, ignore_case: bool) -> bool:
    value = str(shown or "")
    if ignore_case or "@" in written:
        return value.lower() == written.lower()
    return value == written


def written_in(body: bytes) -> Mapping[str, str]:
    """Return an encoded input's properties; empty if it is only an id or a name."""
    document = decode(body)
    properties = (
        document.get("properties", {}) if isinstance(document, dict) else document
    )
    if isinstance(properties, str | int):  # an id, or a name
        return {}
    if isinstance(properties, list):  # crm-objects/v1
        return {item["name"]: item["value"] for item in properties}
    values: Mapping[str, str] = properties
    return values


def shows(result: SimplePublicObject, body: bytes, *, unique: str = "") -> bool:
    """Return whether a record has all of the values that an input wrote."""
    return holds(result.properties, body, unique=unique)


def holds(shown: Mapping[str, str | None], body: bytes, *, unique: str = "") -> bool:
    """Return whether a record's values include all of those that an input wrote.

    Case is ignored for e-mail addresses, which HubSpot lowercases, and for the property
    `unique`, because HubSpot compares unique values case-insensitively.
    """
    written = written_in(body)
    return bool(written) and all(
        _is_same(shown.get(name), value, ignore_case=name == unique)
        for name, value in written.items()
    )


def _clear_new(results: Iterable[SimplePublicUpsertObject | None]) -> None:
    for result in results:
        # `new` is false, but an earlier attempt of the batch may have created it.
        if result is not None and result.new is False:
            result.new = None
