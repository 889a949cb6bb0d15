"""The envelopes of most batch calls: `{"inputs": []}` and `{"results": []}`."""

from collections.abc import Callable
from typing import Any

from msgspec.json import encode

from hubbatch._wire.calls import BlockEncoder, Codec, Encoder, Operation, ResultShape
from hubbatch._wire.records import structure_response
from hubbatch.models import BatchResponse


def enveloped(operation: Operation, joined: bytes) -> bytes:
    """Return the body of a request: the options of the call and its inputs."""
    if not operation.options:
        return b'{"inputs":[%b]}' % joined
    return b'%b,"inputs":[%b]}' % (encode(operation.options)[:-1], joined)


def nothing(raw: Any, _structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    """Return the response of a call whose answer is empty: usually a 204.

    Raises:
        TypeError: If it is not empty, so it may be the answer to another request.
    """
    if raw != {}:
        raise TypeError("the answer must be empty")
    return BatchResponse()


def envelope_codec(
    encoder: Callable[[Operation], Encoder],
    results: ResultShape | None = None,
    blocks: Callable[[Operation], BlockEncoder] | None = None,
    *,
    body: Callable[[Operation, bytes], bytes] = enveloped,
    parts: Callable[
        [Any, Callable[[Any], Any]], BatchResponse[Any]
    ] = structure_response,
    decode: Callable[[bytes], BatchResponse[Any] | None] | None = None,
    rows: Callable[[Operation], Callable[[Any], Any]] | None = None,
) -> Codec:
    """Return a codec for calls with the usual envelopes."""
    return Codec(encoder, body, parts, results, blocks, decode, rows)
