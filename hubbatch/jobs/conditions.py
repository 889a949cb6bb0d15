"""Parses the conditions of `--where`: `createdate >= 2026-01-01 and amount > 100`.

    condition  = all ("or" all)*
    all        = term ("and" term)*
    term       = "(" condition ")" | comparison
    comparison = NAME ("=" | "!=" | "<" | "<=" | ">" | ">=") VALUE
               | NAME ["not"] "in" "(" VALUE ("," VALUE)* ")"
               | NAME ["not"] "contains" VALUE
               | NAME "between" VALUE "and" VALUE
               | NAME "is" ["not"] ("set" | "known" | "unknown" | "null" | "empty")
               | ["not"] "has" NAME

`and` binds more tightly than `or`, as in SQL. The result is a disjunction of
conjunctions, which is the only form that HubSpot's search has.
"""

import re

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal

from attrs import frozen

from hubbatch._wire.filters import MAX_FILTERS, MAX_FILTERS_PER_GROUP, MAX_GROUPS
from hubbatch.errors import WhereError


Operator = Literal[
    "BETWEEN",
    "CONTAINS_TOKEN",
    "EQ",
    "GT",
    "GTE",
    "HAS_PROPERTY",
    "IN",
    "LT",
    "LTE",
    "NEQ",
    "NOT_CONTAINS_TOKEN",
    "NOT_HAS_PROPERTY",
    "NOT_IN",
]

# One filter of each group is the cursor of a search that reads all matches.
_MOST_IN_GROUP = MAX_FILTERS_PER_GROUP - 1

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<symbol><=|>=|!=|<>|==|[=<>(),])
  | (?P<quoted>"(?:[^"]|"")*"|'(?:[^']|'')*')
  | (?P<word>[^\s<>=!(),"'](?:[^\s<>=!(),]|!(?!=))*)
    """,
    re.VERBOSE,
)
_SYMBOLS: dict[str, Operator] = {
    "=": "EQ",
    "==": "EQ",
    "!=": "NEQ",
    "<>": "NEQ",
    "<": "LT",
    "<=": "LTE",
    ">": "GT",
    ">=": "GTE",
}
# What follows `is`, and whether the property then has a value.
_STATES = {"set": True, "known": True, "unknown": False, "null": False, "empty": False}
_CURLY = "\u201c\u201d\u201e\u2018\u2019\u201a"
_OPERATORS = "=, !=, <, <=, >, >=, in, not in, contains, not contains, between, is set"


@frozen
class Token:
    """A piece of the text.

    Attributes:
        kind: `symbol`, `quoted`, `word` or `end`.
        value: Its content, without quotes.
        start: Where it begins in the text.
        end: Where it ends.
    """

    kind: str
    value: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, in any case and without quotes."""
        return self.kind == "word" and self.value.lower() in words

    def is_symbol(self, *symbols: str) -> bool:
        """Whether it is one of these symbols."""
        return self.kind == "symbol" and self.value in symbols


@frozen
class Comparison:
    """What must be true of one property.

    Attributes:
        text: The whole text, for error messages.
        name: The property.
        operator: HubSpot's operator.
        sign: Where the operator stands.
        values: The operands, as they are written.
    """

    text: str
    name: Token
    operator: Operator
    sign: Token
    values: tuple[Token, ...] = ()

    def error(self, at: Token, reason: str) -> WhereError:
        """Return an error about one part of it."""
        return WhereError(reason, self.text, at.start, at.end)


# All comparisons of one group must be true, for any one of the groups.
Groups = list[tuple[Comparison, ...]]


def parse_conditions(texts: Sequence[str]) -> Groups:
    """Parse conditions, all of which must be true.

    Raises:
        WhereError: If a text is malformed, or there are more conditions than HubSpot
            accepts.
    """
    groups: Groups = [()]
    for text in texts:
        groups = _all_of(text, groups, _Parser(text).parse())
    return groups


def _all_of(text: str, first: Groups, second: Groups) -> Groups:
    """Return the groups in which both conditions are true."""
    # Checked first: their number grows exponentially with the number of conditions.
    _check_groups(text, len(first) * len(second))
    return _checked(text, [(*one, *other) for one, other in product(first, second)])


def _any_of(text: str, first: Groups, second: Groups) -> Groups:
    """Return the groups in which one of the conditions is true."""
    _check_groups(text, len(first) + len(second))
    return _checked(text, [*first, *second])


def _check_groups(text: str, count: int) -> None:
    if count > MAX_GROUPS:
        raise _too_many(
            text,
            f"this makes {count} alternatives, each `or` combined with every other, "
            f"and HubSpot accepts {MAX_GROUPS}. Write several values of one property "
            "as `NAME in (...)`, or run several searches",
        )


def _checked(text: str, groups: Groups) -> Groups:
    most = max(map(len, groups))
    if most > _MOST_IN_GROUP:
        raise _too_many(
            text,
            f"this makes {most} conditions that must be true together, and HubSpot "
            f"accepts {_MOST_IN_GROUP} besides the one that reads page by page",
        )
    count, most = sum(map(len, groups)), MAX_FILTERS - len(groups)
    if count > most:
        raise _too_many(
            text,
            f"this makes {count} conditions in {len(groups)} alternatives, and HubSpot "
            f"accepts {most} in all besides those that read page by page",
        )
    return groups


def _too_many(text: str, reason: str) -> WhereError:
    return WhereError(reason, text, 0, len(text))


class _Parser:
    """A recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [*_tokens(text)]
        self._at = 0

    def parse(self) -> Groups:
        if self._next.kind == "end":
            raise WhereError("the condition is empty: write one like `amount > 100`")
        try:
            groups = self._condition()
        except RecursionError:
            reason = "too many parentheses inside each other"
            raise self._error(self._next, reason) from None
        if self._next.is_symbol(")"):
            raise self._error(self._next, "this `)` closes nothing")
        if self._next.kind != "end":
            raise self._error_after_value()
        return groups

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        # The end stays, so that the error of a text that is cut short points at it.
        self._at += token.kind != "end"
        return token

    def _take_word(self, *words: str) -> Token | None:
        return self._take() if self._next.is_word(*words) else None

    def _error(self, at: Token, reason: str) -> WhereError:
        return WhereError(reason, self._text, at.start, at.end)

    # ---- the grammar, a method for each rule

    def _condition(self) -> Groups:
        groups = self._all()
        while self._take_word("or"):
            groups = _any_of(self._text, groups, self._all())
        return groups

    def _all(self) -> Groups:
        groups = self._term()
        while self._take_word("and"):
            groups = _all_of(self._text, groups, self._term())
        return groups

    def _term(self) -> Groups:
        if not self._next.is_symbol("("):
            return [(self._comparison(),)]
        opening = self._take()
        groups = self._condition()
        if self._next.kind == "end":
            raise self._error(opening, "this `(` is not closed")
        if not self._next.is_symbol(")"):
            raise self._error_after_value()
        self._take()
        return groups

    def _comparison(self) -> Comparison:
        first = self._take()
        if first.kind == "quoted":
            raise self._error(first, "expected the name of a property, without quotes")
        if first.kind != "word" or first.is_word("and", "or"):
            raise self._error(first, "expected the name of a property")
        follows = self._next.kind == "word"
        if follows and first.is_word("has"):
            return self._presence(self._take(), first, present=True)
        if follows and first.is_word("not"):
            if not self._next.is_word("has"):
                raise self._error(
                    first,
                    "`not` cannot come before a condition. Write `NAME != VALUE`, "
                    "`NAME not in (...)`, `NAME not contains VALUE` or `NAME is not "
                    "set`",
                )
            self._take()
            name = self._take()
            if name.kind != "word":
                raise self._error(name, "expected the name of a property")
            return self._presence(name, first, present=False)
        return self._about(first)

    def _about(self, name: Token) -> Comparison:
        sign = self._take()
        if sign.is_symbol(*_SYMBOLS):
            return self._compared(name, _SYMBOLS[sign.value], sign, self._value())
        if sign.is_word("is"):
            return self._state(name, sign)
        if sign.is_word("not"):
            return self._negated(name)
        if sign.is_word("in"):
            return self._compared(name, "IN", sign, *self._values())
        if sign.is_word("contains"):
            return self._compared(name, "CONTAINS_TOKEN", sign, self._value())
        if sign.is_word("between"):
            return self._between(name, sign)
        if sign.is_word("like"):
            raise self._error(sign, "write `contains`; `*` stands for any characters")
        reason = f"expected an operator: {_OPERATORS}"
        if sign.kind == "word":
            reason += ". A property has an internal name without spaces, like dealname"
        raise self._error(sign, reason)

    def _state(self, name: Token, sign: Token) -> Comparison:
        present = self._take_word("not") is None
        state = self._take()
        if not state.is_word(*_STATES):
            raise self._error(state, "expected `is set` or `is not set`")
        present = present == _STATES[state.value.lower()]
        return self._presence(name, sign, present=present)

    def _negated(self, name: Token) -> Comparison:
        sign = self._take()
        if sign.is_word("in"):
            return self._compared(name, "NOT_IN", sign, *self._values())
        if sign.is_word("contains"):
            return self._compared(name, "NOT_CONTAINS_TOKEN", sign, self._value())
        raise self._error(sign, "expected `not in (...)` or `not contains VALUE`")

    def _between(self, name: Token, sign: Token) -> Comparison:
        low = self._value()
        if not self._take_word("and"):
            raise self._error(self._next, "expected `between LOW and HIGH`")
        return self._compared(name, "BETWEEN", sign, low, self._value())

    def _presence(self, name: Token, sign: Token, *, present: bool) -> Comparison:
        operator: Operator = "HAS_PROPERTY" if present else "NOT_HAS_PROPERTY"
        return self._compared(name, operator, sign)

    def _compared(
        self, name: Token, operator: Operator, sign: Token, *values: Token
    ) -> Comparison:
        return Comparison(self._text, name, operator, sign, values)

    def _values(self) -> list[Token]:
        if not self._next.is_symbol("("):
            raise self._error(
                self._next, "expected values in parentheses: (open, closed)"
            )
        opening = self._take()
        values = [self._value()]
        while self._next.is_symbol(","):
            self._take()
            values.append(self._value())
        if self._next.kind == "end":
            raise self._error(opening, "this `(` is not closed")
        if not self._next.is_symbol(")"):
            raise self._error_after_value()
        self._take()
        return values

    def _value(self) -> Token:
        token = self._take()
        if token.kind not in ("word", "quoted"):
            raise self._error(token, "expected a value")
        if token.is_word("and", "or"):
            raise self._error(
                token,
                f'expected a value. Put a value like this in quotes: "{token.value}"',
            )
        if not token.value.strip():
            raise self._error(
                token, "expected a value. To find missing ones: `is not set`"
            )
        return token

    def _error_after_value(self) -> WhereError:
        """Explain what may not follow a condition: mostly the rest of a value."""
        value, token = self._tokens[self._at - 1], self._next
        reason = "expected `and`, `or` or the end"
        if value.kind == "word":
            rest = self._text[value.start : self._end_of_rest()]
            quote = "'" if '"' in rest else '"'
            reason += f". Put a value like this in quotes: {quote}{rest}{quote}"
        return self._error(token, reason)

    def _end_of_rest(self) -> int:
        """Return where the value ends that the next token is a part of."""
        at = self._at
        while self._tokens[at + 1].kind != "end" and not (
            self._tokens[at + 1].is_word("and", "or")
            or self._tokens[at + 1].is_symbol(")")
        ):
            at += 1
        return self._tokens[at].end


def _tokens(text: str) -> Iterator[Token]:
    try:
        text.encode()
    except UnicodeEncodeError as error:  # bytes of a command line that are not text
        reason = "this is not UTF-8"
        raise WhereError(reason, text, error.start, error.end) from None
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            reason = (
                "this quote is not closed" if text[at] in "\"'" else "expected `!=`"
            )
            raise WhereError(reason, text, at, at + 1)
        kind, value = str(found.lastgroup), found.group()
        if kind == "quoted":
            quote = value[0]
            value = value[1:-1].replace(quote * 2, quote)
        elif kind == "word" and value[0] in _CURLY:
            reason = "typographic quotes do not quote: use \" or '"
            raise WhereError(reason, text, at, at + 1)
        if kind != "space":
            yield Token(kind, value, found.start(), found.end())
        at = found.end()
    yield Token("end", "", at, at)
