"""Lines of inputs that join records: which of them may be sent now.

Two merges that share a record must not be in flight together: the second one has to
name the record that the first one makes.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from attrs import evolve, field

from hubbatch._classes import define
from hubbatch._wire.bodies import Bodies
from hubbatch._wire.codecs.merges import with_current_ids
from hubbatch._wire.inputs import ends_of, make_key

from .chunk import Chunk


@define(eq=False)
class RecordLines:
    """The inputs that wait for one another, because they join records.

    An input stands in the line of each of its records, and is sent once it is the first
    in all of them. From then on these records share one line, because they become one
    record. So of all inputs that are connected by records, one is sent at a time, in
    order.
    """

    # Invariants:
    # * An input that joined and has not left is in every line of `_standing[index]`. It
    #   is in `_waiting` until it is the first in all of them.
    # * `_parents` leads from each key to the key of its line. An input that unites two
    #   lines stands in both; all later inputs are behind it, in the one that remains.
    # * `_ids` leads from the id of a record that was merged to that of its survivor.
    # `_parents` and `_ids` keep an entry for each record of the batch: otherwise a
    # later pair could not be recognized as being about the same record.

    _lines: dict[str, OrderedDict[int, None]] = field(factory=dict, init=False)
    _standing: dict[int, list[str]] = field(factory=dict, init=False)
    _waiting: dict[int, Chunk] = field(factory=dict, init=False)
    _parents: dict[str, str] = field(factory=dict, init=False)
    _ids: dict[str, str] = field(factory=dict, init=False)

    def join(self, single: Chunk) -> Chunk | None:
        """Add a chunk of one input; return it if it may be sent now."""
        [index], [key] = single.indices, single.keys
        assert key is not None  # noqa: S101 -- of the records that it joins
        ends = ends_of(key)
        names = [*dict.fromkeys(_follow(self._parents, end) for end in ends)]
        for name in names:
            self._lines.setdefault(name, OrderedDict())[index] = None
        self._parents |= dict.fromkeys(names[1:], names[0])
        self._standing[index] = names
        self._waiting[index] = single
        return self._turn(index)

    def leave(self, chunk: Chunk, results: Sequence[Any]) -> list[Chunk]:
        """Remove inputs that have outcomes; return those that may be sent now.

        `results` are those of the inputs, if they succeeded: the surviving records.
        """
        for key, survivor in zip(filter(None, chunk.keys), results, strict=False):
            self._note_survivor(key, survivor.id)
        freed: dict[int, None] = {}
        for index in chunk.indices:
            for name in self._standing.pop(index, ()):
                line = self._lines[name]
                del line[index]
                if line:
                    freed[next(iter(line))] = None
                else:
                    del self._lines[name]
        return [single for index in freed if (single := self._turn(index)) is not None]

    def clear(self) -> list[Chunk]:
        """Remove the inputs that were not sent, and return them."""
        waiting = [*self._waiting.values()]
        self._waiting.clear()
        self._lines.clear()
        self._standing.clear()
        return waiting

    def _turn(self, index: int) -> Chunk | None:
        """Return an input, with the current ids of its records, if it is its turn."""
        lines = (self._lines[name] for name in self._standing[index])
        if any(next(iter(line)) != index for line in lines):
            return None
        single = self._waiting.pop(index)
        if not self._ids:
            return single
        bodies = [with_current_ids(single.bodies[0], self._current)]
        return evolve(single, bodies=Bodies(bodies))

    def _current(self, record: str) -> str:
        return _follow(self._ids, make_key(record))

    def _note_survivor(self, key: str, survivor: str) -> None:
        survivor = self._current(survivor)
        name = _follow(self._parents, survivor)
        for end in ends_of(key):
            record = self._current(end)
            if record != survivor:
                self._ids[record] = survivor
            own = _follow(self._parents, end)
            if own != name:
                self._parents[name] = name = own


def _follow(links: dict[str, str], name: str) -> str:
    """Return the end of a chain of links, and shorten the chain."""
    passed = []
    while name in links:
        passed.append(name)
        name = links[name]
    links.update(dict.fromkeys(passed[:-1], name))
    return name
