"""Sends replies over aiohttp: whole, truncated or repeated."""

import asyncio
import gzip

from typing import Any, Final

from aiohttp import web

from hubbatch.simulator.api.hubspot import Reply


# HubSpot's limit is not published; this one keeps a faulty client from filling memory.
BODY_BYTES: Final = 64 * 1024 * 1024

# Cloudflare, whose servers compress HubSpot's answers, sends shorter ones as they are.
SMALLEST_COMPRESSED: Final = 48
_LEVEL: Final = 1


def make_request(max_bytes: int, *args: Any) -> web.BaseRequest:
    """Return aiohttp's request with a limit on its body; a `request_factory`.

    `args` are the message, payload, protocol, writer and task that aiohttp passes.
    """
    message, payload, protocol, writer, task = args
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,
        task,
        asyncio.get_running_loop(),
        client_max_size=max_bytes,
    )


async def send(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Send the reply, or the part of it that a fault lets through."""
    answer = reply.answer
    if reply.cut in {"drop_before", "drop_after_commit"}:
        _close(request)
        return web.Response()
    headers = dict(answer.headers)
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    content = answer.content
    if accepts_gzip(request.headers.get("Accept-Encoding", "")) and (
        len(content) >= SMALLEST_COMPRESSED and "Content-Encoding" not in headers
    ):
        headers["Content-Encoding"] = "gzip"
        content = gzip.compress(content, _LEVEL, mtime=0)
    if reply.cut != "truncate":
        body = content if answer.status != 204 else None  # noqa: PLR2004
        response = web.Response(status=answer.status, headers=headers, body=body)
        if reply.stray is not None:
            await _send_twice(request, response, reply.stray)
        return response
    truncated = web.StreamResponse(status=answer.status, headers=headers)
    truncated.content_length = len(content)
    await truncated.prepare(request)
    await truncated.write(content[: len(content) // 2])
    _close(request)
    return truncated


def accepts_gzip(accepted: str) -> bool:
    """Return whether an `Accept-Encoding` header accepts gzip."""
    for item in accepted.lower().split(","):
        name, _, quality = item.partition(";")
        if name.strip() in {"gzip", "x-gzip"}:
            return quality.replace(" ", "").rstrip("0.") != "q="
    return False


async def _send_twice(
    request: web.BaseRequest, response: web.Response, seconds: float
) -> None:
    """Send a response, and its bytes again on the connection `seconds` later."""
    await response.prepare(request)
    await response.write_eof()
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    body = response.body if isinstance(response.body, bytes) else b""
    copy = "\r\n".join([*lines, "", ""]).encode() + body

    def send_copy() -> None:
        if request.transport is not None and not request.transport.is_closing():
            request.transport.write(copy)

    if seconds > 0:
        asyncio.get_running_loop().call_later(seconds, send_copy)
    else:
        send_copy()


def _close(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()
