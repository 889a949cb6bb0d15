"""A create whose answer was lost is looked for by its unique property.

Search would not do: its index lags behind. Batch read sees what was written at once.
"""

import orjson

from attrs import evolve

from .encoding import make_key
from .operations import Operation
from .planning import Chunk


# So often one input is looked for before it is left `unknown`.
MOST_PROBES = 3


def probe(operation: Operation, chunk: Chunk) -> tuple[Operation, Chunk]:
    """Make the question which of a chunk's records are there.

    It asks for the properties that were written, so that its answer can stand for the
    one that was lost.
    """
    read_back, unique = operation.read_back, operation.id_property
    assert read_back is not None  # noqa: S101 -- without it nothing is probed
    assert unique is not None  # noqa: S101 -- likewise
    written = [orjson.loads(body)["properties"] for body in chunk.bodies]
    names = {name for properties in written for name in properties}
    values = [properties[unique] for properties in written]
    question = Chunk(
        chunk.indices,
        chunk.inputs,
        [make_key(value, unique) for value in values],
        [orjson.dumps({"id": value}) for value in values],
    )
    return evolve(read_back, properties=tuple(sorted(names))), question
