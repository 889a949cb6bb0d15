"""What an actor does with the rows of a table: send them to the portals they are of.

Nothing here needs Ray: an actor is an object that is called with tables, in one event
loop, several times at once.
"""

import asyncio
import logging

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from hubbatch.accounts import Accounts
from hubbatch.client import HubBatch
from hubbatch.core.collecting import Collector
from hubbatch.core.outcomes import Outcome, OutcomeStatus, not_sent_error, unknown_error
from hubbatch.errors import (
    APIError,
    CertificateError,
    ConfigurationError,
    HubBatchError,
    HubSpotUnavailable,
    PermissionDeniedError,
    TooManyFailures,
)
from hubbatch.jobs.arrow import need_pyarrow

from .portals import Portals, portal_name
from .tables import outcome_columns, outcome_schema, parted
from .work import Rows, Work


_logger = logging.getLogger("hubbatch")


class Sender:
    """Sends tables of rows, and gives tables of what became of them.

    Errors that end a batch raise nothing here: the rows that were not sent for it say
    so, and the rows of other portals go on. Where HubSpot has refused for good (a
    token, a scope, the day's limit), or `max_failures` was reached, this actor sends
    nothing more to the portal.

    Args:
        work: what is to be done.
        portals: where the tokens and limits are.
        actors: how many share the limits.
        restarted: whether an actor before this one may have sent some of the rows, and
            died before it could say so.
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
        self._accounts: Accounts | None = None  # made in the loop that calls
        self._checked: set[str] = set()
        self._ended: dict[str, str] = {}

    async def __call__(self, table: Any) -> AsyncIterator[Any]:
        """Send a table; Ray wants a generator."""
        yield await self.send(table)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._accounts is not None:
            await self._accounts.aclose()
            self._accounts = None

    async def send(self, table: Any) -> Any:
        """Send a table; give a table with one row for each of its rows.

        Rows of one portal keep their order, and those of different portals do not.

        Raises:
            ConfigurationError: if a column is not there, or has times without a zone,
                or the variable with the Redis is not set; nothing of the table was
                sent.
        """
        if not table.num_rows:  # of some blocks Ray does not know the columns
            return self._schema.empty_table()
        self._work.check(table.schema)
        if self._accounts is None:
            self._accounts = self._portals.open(self._actors)
        async with asyncio.TaskGroup() as tasks:
            sent = [
                tasks.create_task(self._send_to(portal, part))
                for portal, part in self._parts(table)
            ]
        return self._arrow.concat_tables([one.result() for one in sent])

    def _parts(self, table: Any) -> Iterator[tuple[Any, Any]]:
        if self._work.portal_column is None:
            return iter([(self._work.portal, table)])
        return parted(self._arrow, table, self._work.portal_column)

    async def _send_to(self, given: Any, table: Any) -> Any:
        """Send the rows of one portal."""
        rows = Rows(table, self._work)
        try:
            portal = portal_name(given)
            hub = await self._hub(portal)
        except HubBatchError as error:
            outcomes: Iterable[Outcome[Any]] = self._unsent(rows, str(error))
            portal = str(given)
        else:
            outcomes = await self._outcomes(portal, hub, rows)
        columns = outcome_columns(outcomes, self._work.properties)
        columns["input_id"] = rows.keys
        columns["portal"] = [None if given is None else portal] * len(rows)
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
                "A batch of portal %s has ended early: %s", portal, type(error).__name__
            )
        return collector.response().outcomes

    async def _hub(self, portal: str) -> HubBatch:
        """Give the client of a portal.

        Raises:
            HubBatchError: if there is no token, or it is another portal's, or HubSpot
                has refused for good.
        """
        if portal in self._ended:
            raise HubBatchError(f"portal {portal} has ended: {self._ended[portal]}")
        assert self._accounts is not None  # noqa: S101 -- `send` has made it
        hub = await self._accounts.get(portal)
        if portal not in self._checked:
            try:
                await check_whose(hub, portal)
            except HubBatchError as error:
                self._note(portal, error)
                raise
            self._checked.add(portal)
        return hub

    def _note(self, portal: str, error: HubBatchError) -> None:
        """Send nothing more to a portal if HubSpot would say the same again."""
        if _is_final(error):
            self._ended[portal] = f"{type(error).__name__}: {error}"

    def _unsent(self, rows: Rows, reason: str) -> Iterator[Outcome[Any]]:
        status, error = OutcomeStatus.NOT_SENT, not_sent_error(reason)
        if self._doubted:
            status = OutcomeStatus.UNKNOWN
            error = unknown_error(f"an actor that died may have sent it; {reason}")
        for index, given in enumerate(rows):
            yield Outcome(index, given, status, None, None, error, 0, not self._doubted)


async def check_whose(hub: HubBatch, portal: str) -> None:
    """Refuse to work in a portal that another one is meant by; names are not asked of.

    Raises:
        HubBatchError: if the portal is a number, and the token of another portal.
    """
    if not portal.isdecimal():
        return
    try:
        found = (await hub.account()).portal_id
    except PermissionDeniedError:  # the token may write, and not ask this
        return
    if found != int(portal):
        raise ConfigurationError(
            f"the access token for portal {portal} is of portal {found}"
        )


def _is_final(error: HubBatchError) -> bool:
    """Whether HubSpot would say the same of the portal's next rows."""
    final = APIError | CertificateError | ConfigurationError | TooManyFailures
    return isinstance(error, final) and not isinstance(error, HubSpotUnavailable)
