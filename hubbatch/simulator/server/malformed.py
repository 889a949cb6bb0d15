"""Refuses requests that are not HTTP, and tells nobody what was in them.

aiohttp would repeat the line that it cannot read, with its secrets, in its answer and
in its log.
"""

import asyncio
import logging

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from hubbatch.simulator.wire import Answer


_LOGGER: Final = logging.getLogger("hubbatch.simulator")


class QuietServer(web.Server):
    """aiohttp's server, without a log of what is in requests.

    Args:
        handler: Answers requests.
        request_factory: Makes the requests that the handler gets.
        refusal: Returns the answer to a malformed request.
        max_line_size: The maximum size of a first line.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Any],
        *,
        request_factory: Callable[..., web.BaseRequest],
        refusal: Callable[[], Answer],
        max_line_size: int,
    ) -> None:
        super().__init__(handler, request_factory=request_factory)
        self._refusal = refusal
        self._max_line_size = max_line_size

    def __call__(self) -> web.RequestHandler:
        """Return the handler of a new connection."""
        return _Connection(
            self,
            refusal=self._refusal,
            loop=asyncio.get_running_loop(),
            access_log=None,
            max_line_size=self._max_line_size,
        )


class _Connection(web.RequestHandler):
    __slots__ = ("_refusal",)

    def __init__(
        self, server: web.Server, *, refusal: Callable[[], Answer], **options: Any
    ) -> None:
        super().__init__(server, **options)
        self._refusal = refusal

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a malformed request; faults of our own are left to aiohttp."""
        if status != 400:  # noqa: PLR2004
            return super().handle_error(request, status, exc, message)
        _LOGGER.warning("refused a malformed request")
        if request.writer.output_size > 0:
            raise ConnectionError("a part of another answer is sent already")
        answer = self._refusal()
        headers = dict(answer.headers)
        if answer.content_type is not None:
            headers["Content-Type"] = answer.content_type
        response = web.Response(status=status, headers=headers, body=answer.content)
        response.force_close()
        return response
