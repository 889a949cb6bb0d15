"""The search index of one object type: sorted columns that follow the writes."""

import re

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Final, NamedTuple

import attrs

from hubbatch.simulator.crm.property_types import ObjectType
from hubbatch.simulator.crm.records import Record


# A comparable value of a property. The keys of one column have one type.
Key = int | float | str
# A key, and the creation date and the id of its record: the order of equal keys.
Entry = tuple[Key, int, int]
# The start of an entry; Python compares tuples of different lengths.
Bound = tuple[Key, ...]
Keys = Callable[[Mapping[str, str]], tuple[Key, ...]]

# With this after a key, a bound follows all entries of that key.
AFTER: Final = float("inf")

# Above this share of changed records, sorting a column again is faster.
_REBUILD: Final = 32
# Looking up an id costs about as much as collecting this many entries.
_LOOKUP: Final = 16
_MEMO_SIZE: Final = 8


class Span(NamedTuple):
    """The entries of a column from `low` to before `high` (None: to the end)."""

    column: str
    low: Bound = ()
    high: Bound | None = None


@attrs.frozen
class Pattern:
    """The entries of a column whose keys, which are strings, match a pattern."""

    column: str
    regex: re.Pattern[str]


@attrs.frozen
class Condition:
    """Records with an entry in one of the spans, or with one of the ids; or not so."""

    spans: tuple[Span | Pattern, ...] = ()
    ids: frozenset[int] = frozenset()
    negated: bool = False


# The conditions that a record must meet.
Group = tuple[Condition, ...]


@attrs.frozen
class Query:
    """What to find, and in which order.

    Attributes:
        groups: The groups, one of which a record must meet. Every record meets the
            empty group; there is at least one group.
        order: The column to sort by; records without a key come last.
        descending: Whether the greatest key comes first.
    """

    groups: tuple[Group, ...]
    order: str
    descending: bool = False


@attrs.define
class Column:
    """The keys of all records, sorted, and by record.

    Invariant: `entries` is sorted and has one entry for each key in `by_id`; records
    without a key are in neither.
    """

    keys: Keys
    entries: list[Entry] = attrs.field(factory=list)
    by_id: dict[int, list[Entry]] = attrs.field(factory=dict)

    def build(self, records: Mapping[int, Record]) -> None:
        """Index all records."""
        self.by_id = {}
        for number, record in records.items():
            entries = self._entries(number, record)
            if entries:
                self.by_id[number] = entries
        self.entries = sorted(each for some in self.by_id.values() for each in some)

    def update(self, number: int, record: Record | None) -> None:
        """Replace the entries of a record; None removes them."""
        before = self.by_id.pop(number, [])
        after = [] if record is None else self._entries(number, record)
        if after:
            self.by_id[number] = after
        if before == after:
            return
        for entry in before:
            del self.entries[bisect_left(self.entries, entry)]
        for entry in after:
            self.entries.insert(bisect_left(self.entries, entry), entry)

    def slice(self, low: Bound, high: Bound | None) -> tuple[int, int]:
        """Return the positions of the entries between two bounds."""
        return cut(self.entries, low, high)

    def _entries(self, number: int, record: Record) -> list[Entry]:
        keys = self.keys(record.properties)
        return [(key, record.created, number) for key in keys]


def cut(entries: Sequence[Entry], low: Bound, high: Bound | None) -> tuple[int, int]:
    """Return the positions between two bounds in sorted entries."""
    first: int = bisect_left(entries, low)
    last: int = len(entries) if high is None else bisect_left(entries, high)
    return first, max(first, last)


@attrs.define
class SearchIndex:
    """The records of an object type as search sees them.

    Attributes:
        schema: The object type that `columns` reads.
        columns: How to read the keys of a column, by the column's name.
        records: The visible records by id, as they were when they became visible.
    """

    schema: ObjectType
    columns: Callable[[str], Keys]
    records: dict[int, Record] = attrs.field(factory=dict, repr=False)
    _built: dict[str, Column] = attrs.field(factory=dict, repr=False)
    # The last results in order, and what they depend on. A walk through the pages of a
    # query finds its results once.
    _memo: dict[object, tuple[list[Entry], list[int]]] = attrs.field(
        factory=dict, repr=False
    )

    def refresh(self, changed: Mapping[int, Record | None]) -> None:
        """Index the new state of records; None removes a record."""
        if not changed:
            return
        for number, record in changed.items():
            if record is None:
                self.records.pop(number, None)
            else:
                self.records[number] = record
        self._memo.clear()
        if len(changed) * _REBUILD > len(self.records):
            self._built.clear()
            return
        for column in self._built.values():
            for number, record in changed.items():
                column.update(number, record)

    def column(self, name: str) -> Column:
        """Return a column, built on first use."""
        column = self._built.get(name)
        if column is None:
            column = self._built[name] = Column(self.columns(name))
            column.build(self.records)
        return column

    def find(self, query: Query, offset: int, limit: int) -> tuple[int, list[Record]]:
        """Return the number of records found, and one page of them."""
        common, groups = _factor(query)
        ordered, unordered = self._ordered(groups, query.order)
        first, last = 0, len(ordered)
        for span in common:
            low, high = cut(ordered, span.low, span.high)
            first, last = max(first, low), min(last, high)
            unordered = []
        found = max(0, last - first)
        end = min(offset + limit, found)
        if query.descending:
            page = ordered[last - end : max(0, last - offset)][::-1]
        else:
            page = ordered[first + offset : first + end]
        ids = [entry[2] for entry in page] if offset < found else []
        ids += unordered[max(0, offset - found) : max(0, offset + limit - found)]
        return found + len(unordered), [self.records[number] for number in ids]

    def _ordered(
        self, groups: frozenset[Group], order: str
    ) -> tuple[list[Entry], list[int]]:
        """Return the entries found, sorted, and the ids of those without a key."""
        memo = self._memo.get((groups, order))
        if memo is None:
            if len(self._memo) >= _MEMO_SIZE:
                del self._memo[next(iter(self._memo))]
            memo = self._memo[groups, order] = self._sort(groups, order)
        return memo

    def _sort(
        self, groups: frozenset[Group], order: str
    ) -> tuple[list[Entry], list[int]]:
        column = self.column(order)
        ids: AbstractSet[int] = self.records.keys()
        if () in groups:
            ordered = column.entries
        else:
            ids = set[int]().union(*map(self._matching, groups))
            if len(ids) * _LOOKUP < len(column.entries):
                some = (column.by_id.get(number, []) for number in ids)
                ordered = sorted(entry for entries in some for entry in entries)
            else:
                ordered = [entry for entry in column.entries if entry[2] in ids]
        rest = ids - column.by_id.keys() if len(ordered) < len(ids) else set[int]()
        return ordered, sorted(rest, key=self._creation)

    def _creation(self, number: int) -> tuple[int, int]:
        return self.records[number].created, number

    def _matching(self, group: Group) -> set[int]:
        """Return the ids of the records that meet all conditions."""
        matches = [self._resolve(condition) for condition in group]
        narrowing = [match for match in matches if not match.is_everything()]
        if not narrowing:
            return set(self.records)
        smallest, *others = sorted(narrowing, key=lambda match: match.size)
        ids = smallest.collect()
        for match in others:
            if match.size > _LOOKUP * len(ids):
                ids = {number for number in ids if match.has(number)}
            else:
                ids &= match.collect()
        return ids

    def _resolve(self, condition: Condition) -> "_Match":
        spans = [span for each in condition.spans for span in self._spans(each)]
        resolved = [(self.column(span.column), span) for span in spans]
        size = len(condition.ids)
        for column, span in resolved:
            first, last = column.slice(span.low, span.high)
            size += last - first
        if condition.negated:
            size = max(0, len(self.records) - size)
        return _Match(condition, resolved, self.records, size)

    def _spans(self, each: Span | Pattern) -> Iterable[Span]:
        if isinstance(each, Span):
            return [each]
        entries = self.column(each.column).entries
        keys = dict.fromkeys(map(itemgetter(0), entries))
        found = filter(each.regex.fullmatch, map(str, keys))
        return [equal(each.column, key) for key in found]


@attrs.frozen
class _Match:
    """A condition with its columns, and an estimate of how many records meet it."""

    condition: Condition
    spans: Sequence[tuple[Column, Span]]
    records: Mapping[int, Record]
    size: int

    def is_everything(self) -> bool:
        """Return whether all records meet the condition, as often of HAS_PROPERTY."""
        return not self.condition.negated and any(
            not span.low
            and span.high is None
            and len(column.by_id) == len(self.records)
            for column, span in self.spans
        )

    def collect(self) -> set[int]:
        ids = {number for number in self.condition.ids if number in self.records}
        for column, span in self.spans:
            first, last = column.slice(span.low, span.high)
            ids.update([entry[2] for entry in column.entries[first:last]])
        return self.records.keys() - ids if self.condition.negated else ids

    def has(self, number: int) -> bool:
        inside = number in self.condition.ids or any(
            span.low <= entry and (span.high is None or entry < span.high)
            for column, span in self.spans
            for entry in column.by_id.get(number, ())
        )
        return inside != self.condition.negated


def equal(column: str, key: Key) -> Span:
    """Return the span of one key."""
    return Span(column, (key,), (key, AFTER))


def _factor(query: Query) -> tuple[list[Span], frozenset[Group]]:
    """Split off the spans of the sorted column that all groups have in common.

    They cut a slice out of the sorted results of the rest. A walk by key ("id greater
    than the last one", in every group) differs from page to page in these only.
    """
    common = [
        condition
        for condition in (query.groups[0] if query.groups else ())
        if _sliceable(condition, query.order)
        and all(condition in group for group in query.groups)
    ]
    rest = frozenset(
        tuple(condition for condition in group if condition not in common)
        for group in query.groups
    )
    spans = [span for each in common for span in each.spans if isinstance(span, Span)]
    return spans, rest


def _sliceable(condition: Condition, column: str) -> bool:
    match condition:
        case Condition(spans=(Span() as span,), ids=ids, negated=False):
            return span.column == column and not ids
        case _:
            return False
