"""A Redis on a free port; without Redis these tests are skipped with the reason."""

import asyncio
import shutil
import signal
import socket
import subprocess
import time

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs
import pytest

from redis import Redis
from redis.exceptions import ConnectionError as NotConnected

from tests.net.virtual import VirtualTimeLoop


_SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
_REAL = {
    "test_fastapi.py",
    "test_fastapi_app.py",
    "test_fastapi_openapi.py",
    "test_ray_actors.py",
    "test_ray_portals.py",
    "test_redis_login.py",
    "test_redis_server.py",
}


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name in _REAL:
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualTimeLoop}


@attrs.define
class RedisServer:
    """A server that can be killed and restarted; it writes nothing to disk."""

    folder: Path
    port: int
    password: str = ""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        assert _SERVER is not None
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.folder,
            "save": "",
            "appendonly": "no",
        }
        if self.password:
            options["requirepass"] = self.password
        arguments = [f"--{name}={value}" for name, value in options.items()]
        command = [
            part for argument in arguments for part in argument.split("=", maxsplit=1)
        ]
        self._process = subprocess.Popen([_SERVER, *command], stdout=subprocess.DEVNULL)  # noqa: S603 -- our own
        with Redis.from_url(self.url) as client:
            for _ in range(200):
                try:
                    client.ping()
                except NotConnected:
                    time.sleep(0.02)
                else:
                    return
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    if _SERVER is None:
        pytest.skip("redis-server is not installed (Debian: redis-server)")
    server = RedisServer(tmp_path, free_port())
    server.start()
    try:
        yield server
    finally:
        server.kill()
