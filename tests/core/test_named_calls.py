"""Operations by name."""

import pytest

from hubbatch.core.named_calls import named_call


def test_named_call() -> None:
    assert named_call("tickets.update").verb == "update"
    assert named_call("2-3456.read").max_inputs == 100


@pytest.mark.parametrize(
    "name", ["tickets", "", ".update", "tickets.delete", "a/b.update", "tickets.", 5]
)
def test_name_of_no_call(name: str) -> None:
    with pytest.raises(ValueError, match="object type"):
        named_call(name)
