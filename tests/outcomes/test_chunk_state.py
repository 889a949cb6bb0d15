"""The tables of what can happen to a chunk, walked; and the picture of them."""

import re

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from textwrap import dedent

import pytest

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.chunk_state import (
    CERTAINTY,
    NEW,
    ROLES,
    Certainty,
    ChunkState,
    Role,
    Step,
)
from hubbatch._wire.bodies import Bodies


DOUBT = Certainty.MAYBE_WRITTEN
# These steps say what became of a request, or what a lookup found.
OF_WRITES = frozenset(step for _, step in CERTAINTY)
# Nothing else leads from what may have been written to what was not written.
ACQUITTAL = (Certainty.IN_FLIGHT, Step.CLEAR)


def is_allowed(certainty: Certainty, step: Step) -> bool:
    return step not in OF_WRITES or (certainty, step) in CERTAINTY


class Walk(RuleBasedStateMachine):
    """Takes any step in any order; those that are not in the table are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.state = NEW
        self.now = 0.0

    @rule(
        step=st.sampled_from(Step),
        seconds=st.floats(0, 9),
        survivor=st.sampled_from([None, "900"]),
    )
    def go(self, step: Step, seconds: float, survivor: str | None) -> None:
        before, copy = self.state, evolve(self.state)
        self.now += seconds
        if is_allowed(before.certainty, step):
            self.state = before.after(step, now=self.now, survivor=survivor)
            self._check(before, step, survivor)
        else:
            with pytest.raises(KeyError):
                before.after(step, now=self.now, survivor=survivor)
        assert before == copy

    def _check(self, before: ChunkState, step: Step, survivor: str | None) -> None:
        after = self.state
        edge = (before.certainty, step)
        assert after.certainty is CERTAINTY.get(edge, before.certainty)
        added, removed = ROLES.get(step, (Role.NONE, Role.NONE))
        assert after.roles == (before.roles | added) & ~removed
        assert after.attempts == before.attempts + (step is Step.ATTEMPT)
        assert after.lookups == before.lookups + (step is Step.LOOK_UP)
        if before.maybe_written:
            assert after.maybe_written or edge == ACQUITTAL
            assert after.first_attempted_at == before.first_attempted_at
        elif step is Step.ATTEMPT:
            assert after.first_attempted_at == self.now
        anew = step in (Step.TAKE, Step.LOOK_UP)
        failures = 0 if anew else before.failures + (step is Step.FAIL)
        assert after.failures == failures
        assert after.taken_at == (self.now if anew else before.taken_at)
        sent_at = self.now if step is Step.ATTEMPT else before.attempted_at
        assert after.attempted_at == sent_at
        renewed = before.token_renewed and step is not Step.TAKE
        assert after.token_renewed is (renewed or step is Step.RENEW_TOKEN)
        named = survivor if step is Step.ASK_ALONE else before.survivor
        assert after.survivor == named

    @invariant()
    def only_a_call_that_is_safe_to_retry_is_sent_while_in_doubt(self) -> None:
        assert self.state.may_send(retry_safe=True)
        in_doubt = self.state.certainty is DOUBT
        assert self.state.may_send(retry_safe=False) is not in_doubt

    @invariant()
    def what_was_looked_up_has_a_count(self) -> None:
        after_lookup = {Certainty.LOOKING_UP, Certainty.NOT_FOUND, Certainty.RECREATING}
        assert self.state.certainty not in after_lookup or self.state.lookups > 0
        looking_up = self.state.certainty is Certainty.LOOKING_UP
        assert self.state.looking_up is looking_up


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=200, stateful_step_count=40)


# ---- what the tables allow


def reachable(start: ChunkState, without: Iterable[Step] = ()) -> set[ChunkState]:
    """Return the states that steps lead to, without their counts and times."""
    seen, new = {start}, [start]
    while new:
        state = new.pop()
        for step in {*Step}.difference(without):
            if is_allowed(state.certainty, step):
                after = state.after(step)
                bare = ChunkState(after.roles, after.certainty)
                new += {bare} - seen
                seen.add(bare)
    return seen


def test_every_certainty_and_every_role_can_come_about() -> None:
    states = reachable(NEW)

    assert {state.certainty for state in states} == {*Certainty}
    assert {role for state in states for role in state.roles} == {*Role}


def test_a_last_try_stays_one_in_the_parts_of_a_refusal() -> None:
    """Or a record on which HubSpot fails would have all retries again in each part."""
    part = NEW.after(Step.HALVE).after(Step.SUSPECT).after(Step.ASK_ALONE)

    assert part.roles == Role.LAST_TRY | Role.SUSPECT | Role.ALONE
    assert part.after(Step.TURN_PAGE).roles == Role.LAST_TRY | Role.SUSPECT
    assert part.after(Step.ACQUIT).roles == Role.LAST_TRY | Role.ALONE


def test_only_a_lookup_that_finds_nothing_lets_a_lost_create_be_sent_again() -> None:
    lost = ChunkState(certainty=DOUBT)
    states = reachable(lost, without={Step.FIND_NOTHING})
    certainties = {state.certainty for state in states}

    assert certainties == {DOUBT, Certainty.LOOKING_UP}


def test_whatever_was_lost_stays_in_doubt_until_it_is_looked_up() -> None:
    """A new chunk, one that is away, and one that was created again."""
    for certainty in {*Certainty} - {Certainty.LOOKING_UP}:
        state = ChunkState(certainty=certainty).after(Step.LOSE)
        assert state.certainty is DOUBT


@pytest.mark.parametrize("certainty", Certainty)
@pytest.mark.parametrize("step", Step)
def test_a_step_that_is_in_no_table_raises(certainty: Certainty, step: Step) -> None:
    state = ChunkState(Role.ALONE, certainty, attempts=2, first_attempted_at=1.0)
    chunk = Chunk([0], ["x"], ["x"], Bodies([b"x"]), state=state)
    copy = evolve(state)
    if is_allowed(certainty, step):
        assert chunk.after(step, now=2.0).state == state.after(step, now=2.0)
    else:
        for each in (state, chunk):
            with pytest.raises(KeyError) as caught:
                each.after(step, now=2.0)
            assert caught.value.args == ((certainty, step),)
    assert chunk.state is state
    assert state == copy


def change(chunk: Chunk) -> None:
    """Not called: mypy refuses these lines, or it would report an unused ignore."""
    chunk.state = NEW  # type: ignore[misc] # the point
    chunk.state.attempts = 1  # type: ignore[misc] # the point


def test_a_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CERTAINTY[DOUBT, Step.LEAVE] = Certainty.NOT_FOUND  # type: ignore[index] # the point
    with pytest.raises(TypeError):
        ROLES[Step.LEAVE] = (Role.ALONE, Role.NONE)  # type: ignore[index] # the point


# ---- the picture in the docstring of `ChunkState.after`

UP, DOWN, LEFT, RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
OPPOSITE = {UP: DOWN, DOWN: UP, LEFT: RIGHT, RIGHT: LEFT}
# Where the ends of each line are.
LINES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "─": (LEFT, RIGHT),
    "│": (UP, DOWN),
    "┌": (RIGHT, DOWN),
    "┐": (LEFT, DOWN),
    "└": (UP, RIGHT),
    "┘": (UP, LEFT),
    "┤": (UP, DOWN, LEFT),
}
ARROWS = {">": RIGHT, "<": LEFT, "^": UP, "v": DOWN}
Place = tuple[int, int]


class Picture:
    """A drawing of states, and of arrows between them that have a step's name."""

    def __init__(self, drawing: str) -> None:
        self.signs: dict[Place, str] = {}
        self.states: dict[Place, Certainty] = {}
        self.steps: dict[Place, Step] = {}
        for row, line in enumerate(drawing.splitlines()):
            for column, sign in enumerate(line):
                if sign != " ":
                    self.signs[row, column] = sign
            for word in re.finditer(r"[A-Z_]+", line):
                places = [(row, column) for column in range(*word.span())]
                if word[0] in Certainty.__members__:
                    self.states |= dict.fromkeys(places, Certainty[word[0]])
                else:
                    self.steps |= dict.fromkeys(places, Step[word[0]])

    def edges(self) -> set[tuple[Certainty, Step, Certainty]]:
        """Follow every line from the states that it leaves to the one it points to."""
        edges = set()
        left = self.signs.keys() - self.states.keys()
        while left:
            line = self._line(left.pop())
            left -= line
            [step] = {self.steps[place] for place in line & self.steps.keys()}
            [target] = {state for place in line for state in self._pointed_at(place)}
            sources = {state for place in line for state in self._left(place)}
            assert sources
            edges |= {(source, step, target) for source in sources}
        return edges

    def _line(self, start: Place) -> set[Place]:
        line, new = {start}, [start]
        while new:
            place = new.pop()
            for way in self._ways(place):
                other = (place[0] + way[0], place[1] + way[1])
                if way in (UP, DOWN) and {place, other} <= self.steps.keys():
                    continue  # two words, one above the other
                if other not in line and OPPOSITE[way] in self._ways(other):
                    line.add(other)
                    new.append(other)
        return line

    def _ways(self, place: Place) -> tuple[Place, ...]:
        """Return the sides on which a line goes on: a word stands in it anywhere."""
        if place in self.steps:
            return (UP, DOWN, LEFT, RIGHT)
        sign = self.signs.get(place, " ") if place not in self.states else " "
        if sign in ARROWS:
            return (OPPOSITE[ARROWS[sign]],)
        return LINES.get(sign, ())

    def _pointed_at(self, place: Place) -> Iterator[Certainty]:
        way = ARROWS.get(self.signs[place]) if place not in self.steps else None
        if way is not None:
            yield self._state_at(place, way)[0]

    def _left(self, place: Place) -> Iterator[Certainty]:
        if place not in self.steps and self.signs[place] not in ARROWS:
            for way in self._ways(place):
                yield from self._state_at(place, way)

    def _state_at(self, place: Place, way: Place) -> list[Certainty]:
        """Return the state beside a line's end; a space may be between them."""
        near = (place[0] + way[0], place[1] + way[1])
        if near not in self.signs and way in (LEFT, RIGHT):
            near = (near[0], near[1] + way[1])
        return [self.states[near]] if near in self.states else []


def test_the_picture_shows_the_table() -> None:
    """All of it but the steps that change nothing."""
    docstring = ChunkState.after.__doc__
    assert docstring is not None
    _, drawing, _ = docstring.split("```")

    assert Picture(dedent(drawing)).edges() == {
        (before, step, after)
        for (before, step), after in CERTAINTY.items()
        if before is not after
    }


def test_a_picture_is_read_as_it_is_drawn() -> None:
    """A line with two ends, one with two beginnings, and none where none is."""
    drawing = """
NO_DOUBT ──LEAVE──> IN_FLIGHT
   │                      │
   └───────────LOSE───────┤
                          v
LOOKING_UP ─┐         NOT_FOUND
            │
         LOOK_UP
            v
        RECREATING
"""
    assert Picture(drawing).edges() == {
        (Certainty.NO_DOUBT, Step.LEAVE, Certainty.IN_FLIGHT),
        (Certainty.NO_DOUBT, Step.LOSE, Certainty.NOT_FOUND),
        (Certainty.IN_FLIGHT, Step.LOSE, Certainty.NOT_FOUND),
        (Certainty.LOOKING_UP, Step.LOOK_UP, Certainty.RECREATING),
    }


def test_the_tables_name_every_step_that_changes_something() -> None:
    others = {Step.TAKE, Step.ATTEMPT, Step.FAIL, Step.RENEW_TOKEN}

    assert {*Step} == OF_WRITES | ROLES.keys() | others
    assert {*product(Certainty, OF_WRITES)} > CERTAINTY.keys()
