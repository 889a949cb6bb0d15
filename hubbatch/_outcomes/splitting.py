"""Splits a refused chunk to find its bad records in few requests.

Usually HubSpot's refusal names the bad inputs: each of them is sent alone, and the
others together. Otherwise the chunk is halved, or sent one by one if many inputs are
bad.
"""

import re

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import define, field
from msgspec.json import decode

from hubbatch.errors import APIError

from .chunk import Chunk
from .input_index import InputIndex
from .matching import written_in
from .record_errors import listed_problems


# Invariant: `split` returns at least two parts, none of them empty, that together have
# every input of the chunk once. The requests for a chunk of n inputs therefore form a
# tree with at most n leaves in which every other node has two children or more: fewer
# than 2n requests, whatever HubSpot answers.

# If a larger share of the inputs is bad, sending each alone is cheaper than halving:
# a chunk of 100 with 15 bad inputs takes about 100 requests either way.
_MAX_SHARE = 0.15
# The share is not estimated from fewer inputs, or fewer parts of one size, than this.
_MIN_INPUTS = 20
_MIN_PARTS = 6
_GOLDEN_RATIO = (5**0.5 - 1) / 2
# Errors about a property that do not depend on its value.
_ABOUT_ANY_VALUE = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
# Errors about a property that is missing; the second names what it depends on.
_MISSING = frozenset(
    {"MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY"}
)
_DEPENDS_ON = re.compile(r"based on \[([^\]]*)\]")
_OPTIONS = "allowed options"
# The parts of a message that are about other records: valid options, and the record
# that has a value already.
_ABOUT_OTHERS = re.compile(r"allowed options: \[[^\]]*\]|Existing ID: \w+")
_NAME = re.compile(r"\w+")
# A shorter value may occur in a message by chance.
_MIN_QUOTED = 4


@define
class BadRecordRate:
    """Estimates the share of bad inputs in the refused chunks of a batch."""

    _bad: int = field(default=0, init=False)
    _fine: int = field(default=0, init=False)
    # Parts by the bit length of their size: the refused ones, and all.
    _refused: Counter[int] = field(factory=Counter, init=False)
    _answered: Counter[int] = field(factory=Counter, init=False)

    def refused(self, size: int) -> None:
        """Count a refused part of this size; a single input is bad."""
        self._bad += size == 1
        self._refused[size.bit_length()] += 1
        self._answered[size.bit_length()] += 1

    def accepted(self, size: int) -> None:
        """Count a part of this size that was not refused."""
        self._fine += size
        self._answered[size.bit_length()] += 1

    def is_high(self, size: int) -> bool:
        """Return whether sending each input alone probably beats halving the part.

        It does if the share of bad inputs is high. The share is known from inputs that
        were sent alone or accepted, or estimated from how many parts of this size were
        refused.
        """
        settled = self._bad + self._fine
        if settled >= _MIN_INPUTS and self._bad > _MAX_SHARE * settled:
            return True
        answered = self._answered[size.bit_length()]
        if answered < _MIN_PARTS:
            return False
        # A part is refused with probability 1 - (1 - bad) ** size; solved for `bad`.
        refused = self._refused[size.bit_length()] / (answered + 0.5)
        return bool(1 - (1 - refused) ** (1 / size) > _MAX_SHARE)


def split(chunk: Chunk, error: APIError, bad_rate: BadRecordRate) -> list[Chunk]:
    """Return the parts to send instead of a refused chunk of at least two inputs."""
    count = len(chunk)
    named = suspects(chunk, error)
    if len(named) == count or (not named and bad_rate.is_high(count)):
        return [chunk.pick([position]) for position in range(count)]
    if not named:
        return halve(chunk)
    rest = [position for position in range(count) if position not in named]
    return [chunk.pick(rest), *(chunk.pick([position]) for position in sorted(named))]


def sample(positions: Sequence[int], size: int) -> list[int]:
    """Return about `size` of the positions, spread aperiodically."""
    # Multiples of the golden ratio: in many files every tenth record has the same flaw.
    steps = (int(number * _GOLDEN_RATIO % 1 * len(positions)) for number in range(size))
    return sorted({positions[step] for step in steps})


def halve(chunk: Chunk) -> list[Chunk]:
    """Return the two halves of a chunk."""
    half = len(chunk) // 2
    return [chunk.pick(range(half)), chunk.pick(range(half, len(chunk)))]


def suspects(chunk: Chunk, error: APIError) -> set[int]:
    """Return the positions of the inputs that a refusal names (possibly none).

    An "Existing ID" does not name an input: it is the record that already has the
    value.
    """
    context = error.context if isinstance(error.context, Mapping) else {}
    names = InputIndex(chunk)
    named = {*names.of_ids(context), *names.of_sentences(context)}
    if named:
        return named
    written = [_properties_of(body) for body in chunk.bodies]
    for name, code, message in _list_problems(error):
        found = {p for p, values in enumerate(written) if name in values}
        if code in _MISSING:
            found = _find_without(written, name, message)
        elif code not in _ABOUT_ANY_VALUE:
            quotes = _quote_finder(message)
            found = {p for p in found if quotes(written[p][name])}
        named |= found
    return named or _find_quoted(written, error.message)


def _find_without(
    written: Sequence[Mapping[str, str]], name: str, message: str
) -> set[int]:
    """Return the inputs that do not set a required property."""
    found = {p for p, values in enumerate(written) if not values.get(name)}
    rule = _DEPENDS_ON.search(message)
    if rule is None:
        return found
    # HubSpot does not say which values make it required, so this may find all inputs,
    # and naming all of them would not help.
    others = {*_NAME.findall(rule[1])}
    found = {p for p in found if others & written[p].keys()}
    return found if len(found) < len(written) else set()


def _list_problems(error: APIError) -> Iterable[tuple[str, str | None, str]]:
    """Yield the name of each property at fault, the error's code and its message.

    The list of valid options at the end of a message is cut off: other inputs may
    legitimately have them as values.
    """
    for problem in listed_problems(error.message):
        message = str(problem.get("message")).partition(_OPTIONS)[0]
        yield str(problem.get("name")), str(problem.get("error")), message
    for detail in error.errors:
        if isinstance(detail.context, Mapping):
            message = (detail.message or "").partition(_OPTIONS)[0]
            for name in detail.context.get("propertyName", ()):
                yield name, detail.code, message


def _find_quoted(written: Sequence[Mapping[str, str]], message: str) -> set[int]:
    """Return the input with a value that the message quotes, if only one has it."""
    quotes = _quote_finder(_ABOUT_OTHERS.sub("", message))
    found = {
        position
        for position, values in enumerate(written)
        if any(len(value) >= _MIN_QUOTED and quotes(value) for value in values.values())
    }
    return found if len(found) == 1 else set()


def _quote_finder(message: str) -> Callable[[str], bool]:
    """Return a function that says whether the message quotes a string.

    Part of a longer word does not count as a quotation.
    """
    lower = message.lower()

    def quotes(value: str) -> bool:
        if not value or value.lower() not in lower:
            return False
        pattern = rf"(?<!\w){re.escape(value)}(?!\w)"
        return re.search(pattern, message, re.IGNORECASE) is not None

    return quotes


def _properties_of(body: bytes) -> Mapping[str, str]:
    """Return the properties of an encoded input, its unique value included."""
    document = decode(body)
    values = written_in(body)
    if isinstance(document, Mapping) and "idProperty" in document:
        values = {document["idProperty"]: document["id"], **values}
    return values
