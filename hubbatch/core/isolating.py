"""The bad records of a refused chunk, in as few calls as can be.

Every refusal splits a chunk into at least two parts, so a chunk of n inputs takes
fewer than 2n calls, whatever HubSpot says. Usually it says enough: the bad ones are
set apart at once and the others go together.
"""

import re

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from attrs import define, field

from hubbatch.errors import APIError

from .blaming import listed_problems
from .chunks import Chunk
from .naming import InputIndex
from .settling import written_in


# Where more of the inputs than this are bad, one call each is cheaper than halving:
# a chunk of 100 with 15 bad ones takes about 100 calls either way.
_DENSE = 0.15
# Before so many inputs of refused chunks are judged, their share says little.
_JUDGED_AT_LEAST = 20
_PARTS_AT_LEAST = 6
_GOLDEN = (5**0.5 - 1) / 2
# Complaints about a property, whatever its value is.
_WHATEVER_THE_VALUE = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
# Complaints about a property that is not there; the second names what it depends on.
_MISSING = frozenset(
    {"MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY"}
)
_DEPENDS_ON = re.compile(r"based on \[([^\]]*)\]")
_OPTIONS = "allowed options"
# What a message lists of other records: good values, and the owner of a value.
_OF_OTHERS = re.compile(r"allowed options: \[[^\]]*\]|Existing ID: \w+")
_NAME = re.compile(r"\w+")
# A shorter text may stand in a message by chance.
_TELLING_LENGTH = 4


@define
class Density:
    """How many of the inputs of refused chunks are bad, as far as a batch has shown."""

    _bad: int = field(default=0, init=False)
    _fine: int = field(default=0, init=False)
    # Parts of about the same size (a power of two): refused ones, and all.
    _refused: Counter[int] = field(factory=Counter, init=False)
    _answered: Counter[int] = field(factory=Counter, init=False)

    def refused(self, size: int) -> None:
        """Note that a part was refused; alone, its input is bad."""
        self._bad += size == 1
        self._refused[size.bit_length()] += 1
        self._answered[size.bit_length()] += 1

    def accepted(self, size: int) -> None:
        """Note that a part was answered."""
        self._fine += size
        self._answered[size.bit_length()] += 1

    def is_high(self, size: int) -> bool:
        """Whether halving a part of this size would cost more than one call each.

        Either so many single inputs were bad, or so many parts of this size were
        refused that it is most likely.
        """
        judged = self._bad + self._fine
        if judged >= _JUDGED_AT_LEAST and self._bad > _DENSE * judged:
            return True
        answered = self._answered[size.bit_length()]
        if answered < _PARTS_AT_LEAST:
            return False
        share = self._refused[size.bit_length()] / (answered + 0.5)
        return bool(1 - (1 - share) ** (1 / size) > _DENSE)


def split(chunk: Chunk, error: APIError, density: Density) -> list[Chunk]:
    """Cut a refused chunk of two inputs or more into parts to send instead."""
    count = len(chunk)
    named = suspects(chunk, error)
    if len(named) == count or (not named and density.is_high(count)):
        return [chunk.pick([position]) for position in range(count)]
    if not named:
        return halve(chunk)
    rest = [position for position in range(count) if position not in named]
    return [chunk.pick(rest), *(chunk.pick([position]) for position in sorted(named))]


def sample(positions: Sequence[int], size: int) -> list[int]:
    """Choose about `size` of the positions, spread so that no pattern fits them."""
    # Multiples of the golden ratio: "every tenth record" is a pattern that files have.
    steps = (int(number * _GOLDEN % 1 * len(positions)) for number in range(size))
    return sorted({positions[step] for step in steps})


def halve(chunk: Chunk) -> list[Chunk]:
    """Cut a chunk in the middle."""
    half = len(chunk) // 2
    return [chunk.pick(range(half)), chunk.pick(range(half, len(chunk)))]


def suspects(chunk: Chunk, error: APIError) -> set[int]:
    """Find the positions of the inputs that a refusal speaks of; none if of nobody.

    An "Existing ID" is no such word: it is the record that has a value already.
    """
    context = error.context if isinstance(error.context, Mapping) else {}
    names = InputIndex(chunk)
    named = {*names.of_ids(context), *names.of_sentences(context)}
    if named:
        return named
    written = [_written(body) for body in chunk.bodies]
    for name, code, message in _problems(error):
        having = {p for p, texts in enumerate(written) if name in texts}
        if code in _MISSING:
            having = _lacking(written, name, message)
        elif code not in _WHATEVER_THE_VALUE:
            quotes = _quoter(message)
            having = {p for p in having if quotes(written[p][name])}
        named |= having
    return named or _only_one_quoted(written, error.message)


def _lacking(written: Sequence[Mapping[str, str]], name: str, message: str) -> set[int]:
    """Find the inputs that do not set a property that they must set."""
    lacking = {p for p, texts in enumerate(written) if not texts.get(name)}
    rule = _DEPENDS_ON.search(message)
    if rule is None:
        return lacking
    # Which of their values make it required is not said: to name all is to name none.
    others = {*_NAME.findall(rule[1])}
    lacking = {p for p in lacking if others & written[p].keys()}
    return lacking if len(lacking) < len(written) else set()


def _problems(error: APIError) -> Iterable[tuple[str, str | None, str]]:
    """List the properties that are complained of, with the code and the complaint.

    The options that a complaint goes on to list are other inputs' good values.
    """
    for problem in listed_problems(error.message):
        told = str(problem.get("message")).partition(_OPTIONS)[0]
        yield str(problem.get("name")), str(problem.get("error")), told
    for detail in error.errors:
        if isinstance(detail.context, Mapping):
            told = (detail.message or "").partition(_OPTIONS)[0]
            for name in detail.context.get("propertyName", ()):
                yield name, detail.code, told


def _only_one_quoted(written: Sequence[Mapping[str, str]], message: str) -> set[int]:
    """Find the input that alone has a value which the message quotes."""
    quotes = _quoter(_OF_OTHERS.sub("", message))
    quoting = {
        position
        for position, texts in enumerate(written)
        if any(len(text) >= _TELLING_LENGTH and quotes(text) for text in texts.values())
    }
    return quoting if len(quoting) == 1 else set()


def _quoter(message: str) -> Callable[[str], bool]:
    """Return what finds out whether a message quotes a text as a whole.

    A part of a longer word is no quotation.
    """
    lower = message.lower()

    def quotes(text: str) -> bool:
        if not text or text.lower() not in lower:
            return False
        pattern = rf"(?<!\w){re.escape(text)}(?!\w)"
        return re.search(pattern, message, re.IGNORECASE) is not None

    return quotes


def _written(body: bytes) -> Mapping[str, str]:
    """Read the texts of an input that was encoded; a unique value is one of them."""
    given = orjson.loads(body)
    texts = written_in(body)
    if isinstance(given, Mapping) and "idProperty" in given:
        texts = {given["idProperty"]: given["id"], **texts}
    return texts
