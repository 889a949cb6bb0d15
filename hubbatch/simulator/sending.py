"""Answers on their way out, and the ways in which they get lost."""

import asyncio

from typing import Any, Final

from aiohttp import web

from hubbatch.simulator.hubspot import Reply


# Nothing is known of a limit in bytes; this one keeps a mistake from filling memory.
BODY_BYTES: Final = 64 * 1024 * 1024


def incoming(most: int, *args: Any) -> web.BaseRequest:
    """Return a request of aiohttp's whose body may have so many bytes."""
    # RawRequestMessage, payload, protocol, writer and task, as aiohttp hands them on.
    message, payload, protocol, writer, task = args
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,
        task,
        asyncio.get_running_loop(),
        client_max_size=most,
    )


async def send(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Write an answer, or as much of it as is to arrive."""
    answer = reply.answer
    if reply.cut in {"drop_before", "drop_after_commit"}:
        _hang_up(request)
        return web.Response()
    headers = dict(answer.headers)
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    if reply.cut != "truncate":
        body = answer.content if answer.status != 204 else None  # noqa: PLR2004
        whole = web.Response(status=answer.status, headers=headers, body=body)
        if reply.stray is not None:
            await _repeat(request, whole, reply.stray)
        return whole
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = len(answer.content)
    await response.prepare(request)
    await response.write(answer.content[: len(answer.content) // 2])
    _hang_up(request)
    return response


async def _repeat(
    request: web.BaseRequest, answer: web.Response, seconds: float
) -> None:
    """Send an answer, and the same bytes once more on the connection."""
    await answer.prepare(request)
    await answer.write_eof()
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {text}" for name, text in answer.headers.items()]
    body = answer.body if isinstance(answer.body, bytes) else b""
    again = "\r\n".join([*lines, "", ""]).encode() + body

    def send_again() -> None:
        if request.transport is not None and not request.transport.is_closing():
            request.transport.write(again)

    if seconds > 0:
        asyncio.get_running_loop().call_later(seconds, send_again)
    else:
        send_again()


def _hang_up(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()
