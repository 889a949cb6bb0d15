"""The work of an actor: sends the rows of a table to their portals.

An actor is an object that is called with tables, in one event loop, several times
concurrently. Nothing here imports Ray.
"""

import asyncio
import logging

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from hubbatch._outcomes.outcome import (
    Outcome,
    OutcomeStatus,
    not_sent_error,
    unknown_error,
)
from hubbatch._outcomes.response import Collector
from hubbatch._tables.arrow import need_pyarrow
from hubbatch.accounts import Accounts
from hubbatch.client import HubBatch
from hubbatch.errors import (
    APIError,
    CertificateError,
    ConfigurationError,
    HubBatchError,
    HubSpotUnavailable,
    PermissionDeniedError,
    TooManyFailures,
)

from .portals import Portals, portal_name
from .tables import outcome_schema, split_by, work_columns
from .work import Rows, Work


_logger = logging.getLogger("hubbatch")


class Sender:
    """Sends tables of rows, and returns tables of their outcomes.

    An error that ends a batch is not raised: the outcomes of the rows that were not
    sent contain the reason, and rows of other portals are still sent. If HubSpot's
    refusal is final (a token, a scope, the daily limit) or `max_failures` was reached,
    this actor sends nothing more to the portal.

    Args:
        work: The call to make.
        portals: The tokens and limits.
        actors: The number of actors that share the limits.
        restarted: Returns whether an earlier actor, which died, may have sent some of
            the rows.
    """

    def __init__(
        self,
        work: Work,
        portals: Portals,
        actors: int,
        restarted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._work = work
        self._portals = portals
        self._actors = actors
        self._doubted = restarted() and not work.properties
        self._arrow = need_pyarrow()
        self._schema = outcome_schema(self._arrow, work.properties)
        self._accounts: Accounts | None = None  # created in the loop of the first call
        self._checked: set[str] = set()
        self._ended: dict[str, str] = {}

    async def __call__(self, table: Any) -> AsyncIterator[Any]:
        """Send a table. A generator, as Ray requires."""
        yield await self.send(table)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._accounts is not None:
            await self._accounts.aclose()
            self._accounts = None

    async def send(self, table: Any) -> Any:
        """Send a table; return a table with one outcome for each row.

        Rows of one portal are sent in order; those of different portals are not.

        Raises:
            ConfigurationError: If a column is missing or has times without a zone, or
                the variable with the Redis URL is not set. Nothing of the table was
                sent.
        """
        if not table.num_rows:  # some empty blocks have no columns
            return self._schema.empty_table()
        self._work.check(table.schema)
        if self._accounts is None:
            self._accounts = self._portals.open(self._actors)
        async with asyncio.TaskGroup() as tasks:
            sent = [
                tasks.create_task(self._send_to(portal, part))
                for portal, part in self._parts(table)
            ]
        return self._arrow.concat_tables([task.result() for task in sent])

    def _parts(self, table: Any) -> Iterator[tuple[Any, Any]]:
        if self._work.portal_column is None:
            return iter([(self._work.portal, table)])
        return split_by(self._arrow, table, self._work.portal_column)

    async def _send_to(self, value: Any, table: Any) -> Any:
        """Send the rows of one portal."""
        rows = Rows(table, self._work)
        try:
            portal = portal_name(value)
            hub = await self._hub(portal)
        except HubBatchError as error:
            outcomes: Iterable[Outcome[Any]] = self._unsent(rows, str(error))
            portal = str(value)
        else:
            outcomes = await self._outcomes(portal, hub, rows)
        columns = work_columns(outcomes, self._work.properties)
        columns["input_id"] = rows.keys
        columns["portal"] = [None if value is None else portal] * len(rows)
        return self._arrow.Table.from_pydict(columns, schema=self._schema)

    async def _outcomes(
        self, portal: str, hub: HubBatch, rows: Rows
    ) -> Iterable[Outcome[Any]]:
        batch = self._work.batch(hub, rows)
        collector: Collector[Any] = Collector(batch.operation)
        try:
            await batch.feed(batch.begin(collector, maybe_sent=self._doubted))
        except HubBatchError as error:
            self._note(portal, error)
            _logger.warning(
                "A batch of portal %s ended early: %s", portal, type(error).__name__
            )
        return collector.response().outcomes

    async def _hub(self, portal: str) -> HubBatch:
        """Return the client of a portal.

        Raises:
            HubBatchError: If there is no token, it belongs to another portal, or
                HubSpot's refusal was final.
        """
        if portal in self._ended:
            raise HubBatchError(
                f"nothing more is sent to portal {portal}: {self._ended[portal]}"
            )
        assert self._accounts is not None  # noqa: S101 -- set by `send`
        hub = await self._accounts.get(portal)
        if portal not in self._checked:
            try:
                await check_portal(hub, portal)
            except HubBatchError as error:
                self._note(portal, error)
                raise
            self._checked.add(portal)
        return hub

    def _note(self, portal: str, error: HubBatchError) -> None:
        """Stop sending to a portal if its next rows would fail the same way."""
        if _is_final(error):
            self._ended[portal] = f"{type(error).__name__}: {error}"

    def _unsent(self, rows: Rows, reason: str) -> Iterator[Outcome[Any]]:
        status, error = OutcomeStatus.NOT_SENT, not_sent_error(reason)
        if self._doubted:
            status = OutcomeStatus.UNKNOWN
            error = unknown_error(
                f"a previous actor, which died, may have sent it; {reason}"
            )
        for index, item in enumerate(rows):
            yield Outcome(index, item, status, None, None, error, 0, not self._doubted)


async def check_portal(hub: HubBatch, portal: str) -> None:
    """Check that a token belongs to its portal; a portal with a name is not checked.

    Raises:
        HubBatchError: If the portal is a number and the token belongs to another one.
    """
    if not portal.isdecimal():
        return
    try:
        actual = (await hub.account()).portal_id
    except PermissionDeniedError:  # the token may write, but not read this
        return
    if actual != int(portal):
        raise ConfigurationError(
            f"the access token for portal {portal} belongs to portal {actual}"
        )


def _is_final(error: HubBatchError) -> bool:
    """Return whether the portal's next rows would fail the same way."""
    final = APIError | CertificateError | ConfigurationError | TooManyFailures
    return isinstance(error, final) and not isinstance(error, HubSpotUnavailable)
