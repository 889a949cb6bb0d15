"""What faulty requests count against: the limits, and the counters of other faults."""

import pytest

from hubbatch.simulator import Fault, When

from .behaviours import behaviour
from .conftest import World


@pytest.mark.parametrize(
    ("fault", "counts"),
    [
        (Fault("status", status=502), True),
        (Fault("status", status=400), True),
        (Fault("status", status=401), False),
        (Fault("status", status=403), False),
        (Fault("status", status=429), False),
        (Fault("drop_before"), False),
        (Fault("proxy", status=502), False),
        (Fault("drop_after_commit"), True),
        (Fault("truncate"), True),
        (Fault("delay", seconds=1.0), True),
        (Fault("stray"), True),
    ],
    ids=lambda value: (
        f"{value.kind} {value.status}" if isinstance(value, Fault) else ""
    ),
)
@behaviour("fault-counted")
def test_requests_that_count(world: World, fault: Fault, *, counts: bool) -> None:
    world.unchecked = True
    world.sim.faults.add(fault)
    world.batch("read", [])

    assert world.sim.account.day.used == counts
    assert world.sim.faults.struck == [fault]


@behaviour("fault-counted")
def test_a_request_that_ends_does_not_come_to_later_faults(world: World) -> None:
    """It uses up neither their strikes nor what they skip."""
    first = Fault("status", status=502, when=When(verb="read"))
    second = Fault("status", status=503, when=When(skip=1))
    world.sim.faults.add(first)
    world.sim.faults.add(second)
    statuses = [world.batch("read", []).status for _ in range(4)]

    assert statuses == [502, 200, 503, 200]
    assert world.sim.faults.struck == [first, second]


@behaviour("fault-counted")
def test_a_strike_is_one_request(world: World) -> None:
    fault = Fault("status", status=502, times=2, when=When(verb="read"))
    world.sim.faults.add(fault)
    hundred = [{"id": str(n)} for n in range(1, 101)]
    statuses = [world.batch("read", hundred).status for _ in range(3)]

    assert statuses == [502, 502, 207]
