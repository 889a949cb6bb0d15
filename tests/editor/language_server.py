"""A small client of a language server, over its standard input and output."""

import json
import subprocess
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any, Self

from attrs import define, field


COMMAND = [str(Path(sys.executable).parent / "basedpyright-langserver"), "--stdio"]


@define
class Editor:
    """An editor that has a program open: its server speaks JSON-RPC (LSP 3.17)."""

    program: Path
    _input: IO[bytes]
    _output: IO[bytes]
    _ids: Iterator[int] = field(factory=lambda: count(1))

    @classmethod
    @contextmanager
    def open(cls, program: Path) -> Iterator[Self]:
        with subprocess.Popen(  # noqa: S603 -- what the environment installed
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            editor = cls(program, server.stdin, server.stdout)
            try:
                editor._begin()
                yield editor
                editor._request("shutdown", None)
                editor._notify("exit", None)
            finally:
                server.stdin.close()

    def hover(self, expression: str) -> str:
        """Return what is shown over the end of an expression, as plain words."""
        before, found, _ = self.program.read_text().partition(expression)
        assert found, f"the program has no {expression}"
        lines = f"{before}{found}".split("\n")
        shown = self._request(
            "textDocument/hover",
            {
                "textDocument": {"uri": self.program.as_uri()},
                "position": {"line": len(lines) - 1, "character": len(lines[-1]) - 1},
            },
        )
        markdown: str = shown["contents"]["value"]
        return markdown.replace("&nbsp;", " ").replace("\\", "")

    def _begin(self) -> None:
        folder = self.program.parent.as_uri()
        self._request(
            "initialize",
            {
                "processId": None,
                "rootUri": folder,
                "workspaceFolders": [{"uri": folder, "name": "program"}],
                "capabilities": {
                    "workspace": {"configuration": True},
                    "textDocument": {"hover": {"contentFormat": ["markdown"]}},
                },
            },
        )
        self._notify("initialized", {})
        document = {
            "uri": self.program.as_uri(),
            "languageId": "python",
            "version": 1,
            "text": self.program.read_text(),
        }
        self._notify("textDocument/didOpen", {"textDocument": document})

    def _request(self, method: str, params: object) -> Any:
        """Return the result of a request; answer what the server asks meanwhile."""
        request = next(self._ids)
        self._send({"id": request, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" not in message and message["id"] == request:
                return message["result"]
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": _answer(message)})

    def _notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._input.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._input.flush()

    def _receive(self) -> Any:
        length = 0
        while header := self._output.readline().strip():
            name, _, value = header.partition(b": ")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self._output.read(length))


def _answer(message: dict[str, Any]) -> object:
    """Answer a request of the server: which Python has the packages of the program."""
    if message["method"] != "workspace/configuration":
        return None
    return [
        {"pythonPath": sys.executable} if item.get("section") == "python" else {}
        for item in message["params"]["items"]
    ]
