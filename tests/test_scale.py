"""The page of arithmetic shows what its command computes."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = spec_from_file_location("scale", ROOT / "benchmarks" / "scale.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_page_has_the_tables_that_are_computed(scale: ModuleType) -> None:
    """`python benchmarks/scale.py --write` writes them."""
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert scale.filled(page) == page


def test_figures_in_the_text_are_those_of_the_command(scale: ModuleType) -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert f"{scale.CPU * 1e6:.0f} us of a worker's core for a record" in page
    assert f"{scale.REDIS * 1e6:.0f} us of Redis's core for a request" in page
    assert f"{scale.LIMIT} in {scale.WINDOW} s" in page
    assert f"for {scale.LIMIT / scale.WINDOW:.1f} a second" in page
    assert scale.WINDOW / scale.LIMIT > 0.05


def test_window_of_the_simulation_is_never_exceeded(scale: ModuleType) -> None:
    """No window contains more requests than the limit, however many are waiting."""
    log = scale.Log(scale.deque())
    granted = [log.grant(0.001 * number) for number in range(2_000)]
    assert granted == sorted(granted)
    for first, after in zip(granted, granted[scale.LIMIT :], strict=False):
        assert after - first >= scale.WINDOW - 1e-9


@pytest.mark.parametrize(
    ("portals", "calls_a_day", "expected"),
    [(1, 10_000_000, 6.24), (1, 5_000_000, 1 + 3.12), (10, 1_000_000, 0.624)],
)
def test_days_are_counted_by_hand(
    scale: ModuleType, portals: int, calls_a_day: int, expected: float
) -> None:
    assert scale.days(portals, calls_a_day) / scale.DAY == pytest.approx(
        expected, abs=0.01
    )
