"""Those who wait for a permit: lanes, and in each the clients and their calls."""

import asyncio

from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from attrs import define

from hubbatch.core.pacing import Slot


class Lane(IntEnum):
    """Who waits: a person for one record, or a migration."""

    SINGLE = 0
    BULK = 1


class Client(Protocol):
    """On whose behalf somebody waits: it may have no more than so many under way."""

    def has_room(self) -> bool:
        """Say whether one more may leave now."""
        ...

    def take(self) -> None:
        """Note that one more is on its way."""
        ...

    def give_back(self) -> None:
        """Note that one of them is over."""
        ...


@define(eq=False)
class Place:
    """Somebody's place in line; a slot is handed over, or None if it is unwanted."""

    client: Client
    wanted: Callable[[], bool]
    handed: asyncio.Future[Slot | None]


class Line(dict[Client, deque[Place]]):
    """Those who wait in one lane: clients take turns, and each is first come first."""

    def add(self, place: Place) -> None:
        """Let somebody stand in line."""
        self.setdefault(place.client, deque()).append(place)

    def first(self) -> Place | None:
        """Find who is next, of clients that have room; forget who has left."""
        for client, places in [*self.items()]:
            while places and places[0].handed.done():
                places.popleft()
            if not places:
                del self[client]
            elif client.has_room():
                return places[0]
        return None

    def advance(self, client: Client) -> None:
        """Let the other clients go before this one."""
        self[client] = self.pop(client)

    def fail(self, error: Exception) -> None:
        """Raise an error where anybody waits."""
        for places in self.values():
            for place in places:
                if not place.handed.done():
                    place.handed.set_exception(error)
        self.clear()
