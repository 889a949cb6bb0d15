"""Sources of inputs."""

from typing import Any

from hubbatch._net.source import BlockSource


class Blocks(BlockSource):
    def __init__(self, inputs: list[int]) -> None:
        self.inputs = inputs

    async def pull(self, limit: int) -> list[Any]:
        block, self.inputs = self.inputs[:limit], self.inputs[limit:]
        return block

    def rest(self) -> list[Any]:
        return self.inputs


async def test_a_source_of_blocks_is_a_stream_of_its_inputs() -> None:
    inputs = [*range(250)]

    assert [value async for value in Blocks(inputs)] == inputs
