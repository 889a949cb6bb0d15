"""The JSON of a chunk's inputs, which is split only if an input is needed by itself."""

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from msgspec import Raw
from msgspec.json import Decoder


_split = Decoder(list[Raw]).decode


class Bodies(Sequence[bytes]):
    """A sequence of JSON values: of inputs, in the order of their chunk.

    Most chunks are encoded at once and sent as they are. Only an input that is
    looked at, or sent in another chunk, has to be found in that JSON.
    """

    # Invariant: `_pieces` are the values in order. `_counts` says how many values each
    # piece holds; they are joined by commas.

    __slots__ = ("_counts", "_pieces")

    def __init__(self, bodies: Iterable[bytes] = ()) -> None:
        self._pieces = [*bodies]
        self._counts = [1] * len(self._pieces)

    @classmethod
    def of_block(cls, joined: bytes, count: int) -> "Bodies":
        """Return the bodies of a block that was encoded at once."""
        bodies = cls()
        bodies._pieces.append(joined)
        bodies._counts.append(count)
        return bodies

    def __len__(self) -> int:
        return sum(self._counts)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        return self._singly()[place]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._singly())

    @property
    def joined(self) -> bytes:
        """All bodies, joined by commas."""
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b",".join(pieces)

    @property
    def size(self) -> int:
        """The bytes of all bodies."""
        commas = sum(self._counts) - len(self._counts)
        return sum(map(len, self._pieces)) - commas

    def append(self, body: bytes) -> None:
        """Append one body."""
        self._pieces.append(body)
        self._counts.append(1)

    def extend(self, other: "Bodies") -> None:
        """Append all bodies of another chunk."""
        self._pieces += other._pieces  # noqa: SLF001 -- of its kind
        self._counts += other._counts  # noqa: SLF001 -- the same

    def pick(self, positions: Iterable[int]) -> "Bodies":
        """Return the bodies at these positions."""
        bodies = self._singly()
        return Bodies([bodies[position] for position in positions])

    def shift(self, count: int) -> "Bodies":
        """Remove the first bodies and return them."""
        bodies = self._singly()
        first = Bodies(bodies[:count])
        del bodies[:count], self._counts[:count]
        return first

    def _singly(self) -> list[bytes]:
        """Return a list of all bodies, after splitting the pieces."""
        if len(self._counts) != sum(self._counts):
            pieces: list[bytes] = []
            for piece, count in zip(self._pieces, self._counts, strict=True):
                if count == 1:
                    pieces.append(piece)
                else:
                    pieces += map(bytes, _split(b"[%b]" % piece))
            self._pieces, self._counts = pieces, [1] * len(pieces)
        return self._pieces
