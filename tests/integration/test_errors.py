"""Each error as a user meets it: raised over a socket, and picklable."""

import asyncio
import pickle
import re
import traceback

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

import hubbatch

from hubbatch import (
    Account,
    APIError,
    AuthenticationError,
    BatchFailed,
    CertificateError,
    CheckFailed,
    ConfigurationError,
    CreateInput,
    DailyLimitReached,
    HubBatch,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    JournalError,
    LimiterUnavailable,
    ListError,
    LoadFailed,
    OAuth,
    OutcomeUnknown,
    OverloadedError,
    PermissionDeniedError,
    ProxyError,
    ReconnectRequired,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
    SourceError,
    TooManyFailures,
    UpdateInput,
    WhereError,
)
from hubbatch.integrations.redis import RedisRateLimit
from hubbatch.jobs import Columns, CsvSource, Export, Job, Schema, Where
from hubbatch.simulator import Fault, When
from tests.integration.conftest import Portal
from tests.integrations.model import ModelRedis


async def no_token(portal: Portal) -> Any:
    async def token() -> Any:
        return None

    async with portal.hub(access_token=token) as hub:
        return await hub.tickets.archive([1])


async def unauthorized(portal: Portal) -> Any:
    async with portal.hub(access_token="pat-na1-wrong") as hub:  # noqa: S106 -- nobody's
        return await hub.tickets.archive([1])


async def unauthorized_account(portal: Portal) -> Any:
    async with portal.hub(access_token="pat-na1-wrong") as hub:  # noqa: S106 -- nobody's
        return await hub.account()


async def uninstalled(portal: Portal) -> Any:
    login = OAuth("app", "hush-hush", "na1-gone")
    async with portal.hub(access_token=login) as hub:
        return await hub.tickets.archive([1])


async def forbidden(portal: Portal) -> Any:
    token = portal.sim.issue_token(scopes=["crm.objects.contacts.read"])
    async with portal.hub(access_token=token) as hub:
        return await hub.tickets.update([UpdateInput("1", {"subject": "x"})])


async def no_journal(portal: Portal) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.db"
        path.write_text("my own notes")
        async with portal.hub() as hub:
            return await Job(hub, "update", "tickets", [], journal=path).run()


async def unknown_type(portal: Portal) -> Any:
    async with portal.hub() as hub:
        return await hub.objects("butterflies").create([CreateInput({})])


async def unknown_path(portal: Portal) -> Any:
    # The simulator answers 501 to paths that it does not know; HubSpot answers 404.
    portal.sim.faults.add(Fault("status", status=404, when=When(path="/not-there")))
    async with portal.hub(base_url=f"{portal.sim.url}/not-there") as hub:
        return await hub.tickets.archive([1])


async def redirected(portal: Portal) -> Any:
    away = Fault("status", status=302, headers={"Location": "/login"}, empty=True)
    portal.sim.faults.add(away)
    async with portal.hub() as hub:
        return await hub.tickets.archive([1])


async def day_over(portal: Portal) -> Any:
    portal.sim.faults.add(Fault("status", None, status=429, policy="DAILY"))
    async with portal.hub() as hub:
        return await hub.tickets.archive([1])


async def down(portal: Portal) -> Any:
    portal.sim.faults.add(Fault("status", None, status=503))
    async with portal.hub(max_concurrency=1) as hub:
        return await hub.tickets.archive(range(1, 1_000))


async def down_for_the_account(portal: Portal) -> Any:
    portal.sim.faults.add(Fault("status", None, status=503))
    async with portal.hub() as hub:
        return await hub.account()


async def too_many(portal: Portal) -> Any:
    inputs = [UpdateInput(n, {"frist_name": "x"}) for n in range(1, 301)]
    async with portal.hub(max_concurrency=1) as hub:
        return await hub.tickets.update(inputs, max_failures=5)


async def too_many_for_one_reason(portal: Portal) -> Any:
    inputs = [CreateInput({"frist_name": "x"})] * 2_000
    async with portal.hub(max_concurrency=1) as hub:
        return await hub.tickets.create(inputs)


async def bad_values(portal: Portal) -> Any:
    [one] = portal.tickets(1)
    async with portal.hub() as hub:
        inputs = [UpdateInput(one, {"frist_name": "x"}), UpdateInput("512.0", {})]
        (await hub.tickets.update(inputs)).raise_for_failures()


async def not_found(portal: Portal) -> Any:
    async with portal.hub() as hub:
        response = await hub.tickets.update([UpdateInput("404", {"subject": "x"})])
        response.raise_for_failures()


async def taken(portal: Portal) -> Any:
    portal.sim.store.create("contacts", {"email": "a@example.com"})
    async with portal.hub() as hub:
        inputs = [CreateInput({"email": "a@example.com"})]
        (await hub.contacts.create(inputs)).raise_for_failures()


async def answer_lost(portal: Portal) -> Any:
    portal.sim.faults.add(Fault("drop_after_commit"))
    async with portal.hub() as hub:
        return await hub.tickets.create([CreateInput({"subject": "x"})])


async def answer_lost_half_way(portal: Portal) -> Any:
    portal.sim.faults.add(Fault("drop_after_commit", when=When(skip=1)))
    async with portal.hub(max_concurrency=1) as hub:
        inputs = [CreateInput({"subject": "x"})] * 101
        (await hub.tickets.create(inputs)).raise_for_failures()


async def not_taken_half_way(portal: Portal) -> Any:
    moving = {"Retry-After": "86400"}
    portal.sim.faults.add(
        Fault("status", status=477, headers=moving, when=When(skip=1))
    )
    async with portal.hub(max_concurrency=1) as hub:
        (await hub.tickets.archive(range(1, 102))).raise_for_failures()


async def nobody_there(portal: Portal) -> Any:
    token = portal.sim.token
    async with HubBatch(token, base_url="http://127.0.0.1:9") as hub:
        return await hub.tickets.archive([1])


async def list_that_stands_still(portal: Portal) -> Any:
    again = b'{"results": [], "paging": {"next": {"after": "5"}}}'
    portal.sim.faults.add(Fault("status", status=200, body=again.decode(), times=2))
    async with portal.hub() as hub:
        return [one async for one in hub.tickets.list()]


async def no_redis(portal: Portal) -> Any:
    redis = ModelRedis()
    redis.take_down()
    shared = RedisRateLimit(redis, account="1", on_failure="raise")
    async with portal.hub(rate_limit=shared) as hub:
        return await hub.tickets.archive([1])


async def no_file(portal: Portal) -> Any:
    async with portal.hub() as hub:
        return await Job(
            hub, "update", "tickets", CsvSource("gone.csv", Columns(verb="update"))
        ).run()


async def check_that_fails(portal: Portal) -> Any:
    rows = [{"id": "1", "frist_name": "x"}]
    async with portal.hub() as hub:
        return await Job(hub, "update", "tickets", rows, preflight=Schema()).run()


async def condition_that_fails(portal: Portal) -> Any:
    async with portal.hub() as hub:
        where = Where("creatdate > 2026-01-01")
        return await Export(hub, "tickets", "found.jsonl", filters=where).run()


async def no_room_among_processes(portal: Portal) -> Any:
    shared = RedisRateLimit(ModelRedis(), account="1", max_requests=1, max_wait=3)
    ids = portal.tickets(1)
    async with portal.hub(rate_limit=shared) as one:
        await one.tickets.read(ids)
        async with portal.hub(rate_limit=shared) as other:
            await other.tickets.read(ids)


Provoke = Callable[[Portal], Awaitable[object]]


# The error that is raised, and the advice in its message.
async def too_many_single_calls(portal: Portal) -> Any:
    ids = portal.tickets(3)
    async with portal.hub() as hub:
        hub.single.max_pending = 2
        await asyncio.gather(*map(hub.single.tickets.read, ids))


RAISED: dict[Provoke, tuple[type[HubBatchError], str]] = {
    no_token: (ConfigurationError, "token is not a line of visible ASCII characters"),
    unauthorized: (AuthenticationError, "The access token may be wrong, expired or "),
    unauthorized_account: (AuthenticationError, "The access token may be wrong"),
    uninstalled: (ReconnectRequired, "The account must install .* 400 invalid_grant: "),
    forbidden: (
        PermissionDeniedError,
        r"Add this scope to the app or service key: tickets\. 403",
    ),
    unknown_type: (InvalidRequestError, "Unable to infer object type from: butterfl"),
    unknown_path: (InvalidRequestError, "Check base_url, api_version and the object"),
    redirected: (InvalidRequestError, "Check base_url: it leads to a redirect"),
    day_over: (DailyLimitReached, "no more calls until its next day begins"),
    down: (
        HubSpotUnavailable,
        "Several chunks .* Some records may have been written.* 503: ",
    ),
    down_for_the_account: (
        HubSpotUnavailable,
        r"No request got .* Try again later\. 503: ",
    ),
    too_many: (
        TooManyFailures,
        r"6 of 6 records failed, the last: .*frist_name.* \(tickets\). Nothing further",
    ),
    too_many_for_one_reason: (
        TooManyFailures,
        r"records all failed for the same reason: .*frist_name.* Nothing further",
    ),
    bad_values: (BatchFailed, "2 of 2 records did not succeed"),
    not_found: (BatchFailed, "1 of 1 records did not succeed"),
    taken: (BatchFailed, "1 of 1 records did not succeed"),
    answer_lost: (
        HubSpotUnavailable,
        "Some records may have been written: look in HubSpot",
    ),
    nobody_there: (HubSpotUnavailable, r"Try again later\. Cannot connect to .*:9: "),
    answer_lost_half_way: (BatchFailed, "1 of 101 records did not succeed"),
    not_taken_half_way: (BatchFailed, "1 of 101 records did not succeed"),
    no_redis: (LimiterUnavailable, r"does not answer \(ConnectionError\)"),
    no_room_among_processes: (OverloadedError, "and max_wait is 3 s. Nothing was"),
    too_many_single_calls: (OverloadedError, "2 single calls are waiting already"),
}
RECORDS: dict[Provoke, list[tuple[type[RecordError], str]]] = {
    bad_values: [
        (RecordInvalid, "VALIDATION_ERROR: .*frist_name"),
        (RecordInvalid, "INVALID_INPUT: id is not a record id: '512.0'"),
    ],
    not_found: [(RecordNotFound, "OBJECT_NOT_FOUND: .* Check that ids are valid")],
    taken: [(RecordConflict, r"CONFLICT: .*Existing ID: \d+")],
    answer_lost_half_way: [
        (OutcomeUnknown, "OUTCOME_UNKNOWN: The connection was closed")
    ],
    not_taken_half_way: [(RecordError, "NOT_SENT: 477 MIGRATION_IN_PROGRESS: .*")],
}


async def raised(provoke: Provoke, portal: Portal) -> HubBatchError:
    with pytest.raises(HubBatchError) as caught:
        await provoke(portal)
    return caught.value


@pytest.mark.parametrize("provoke", RAISED, ids=lambda provoke: provoke.__name__)
async def test_error(portal: Portal, provoke: Provoke) -> None:
    kind, message = RAISED[provoke]
    error = await raised(provoke, portal)

    assert type(error) is kind
    assert re.search(message, str(error))
    tokens = [portal.sim.token, "pat-na1-wrong", "hush-hush", "na1-gone"]
    data = pickle.dumps(error)
    again = pickle.loads(data)  # noqa: S301 -- our own
    shown = [
        "".join(traceback.format_exception(error)),
        *(f"{one!s}{one!r}{vars(one)}" for one in (error, again)),
    ]
    for token in tokens:
        assert token.encode() not in data
        assert not [text for text in shown if token in text]
    assert (type(again), str(again)) == (kind, str(error))
    if isinstance(error, APIError):
        assert vars(again).keys() == vars(error).keys()
        assert (again.status, again.correlation_id) == (
            error.status,
            error.correlation_id,
        )
        assert error.status or provoke in (answer_lost, nobody_there)
    if not isinstance(
        error, BatchFailed | OverloadedError
    ):  # raised by a batch that ended
        assert again.summary == error.summary
        assert error.response.succeeded == again.response.succeeded == 0
        assert len(again.response.outcomes) == error.summary.settled


# Raised by a job before it has a batch.
OF_JOBS: dict[Provoke, tuple[type[HubBatchError], str]] = {
    no_journal: (JournalError, r"run\.db is not a journal"),
    no_file: (SourceError, r"gone\.csv"),
    check_that_fails: (CheckFailed, "frist_name"),
    condition_that_fails: (WhereError, "Did you mean createdate"),
}
# Raised without a batch, too.
OF_LISTS: dict[Provoke, tuple[type[HubBatchError], str]] = {
    list_that_stands_still: (ListError, "page '5' names itself as the next page"),
}
# Tests of their own provoke these: proxies and certificates over raw sockets, and
# what dlt makes of a load.
ELSEWHERE = {CertificateError, LoadFailed, ProxyError}


@pytest.mark.parametrize("provoke", OF_JOBS, ids=lambda provoke: provoke.__name__)
async def test_error_of_a_job(portal: Portal, provoke: Provoke) -> None:
    kind, message = OF_JOBS[provoke]
    error = await raised(provoke, portal)

    assert type(error) is kind
    assert re.search(message, str(error))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own
    assert (type(again), str(again)) == (kind, str(error))
    # At most it has requested the account and the definitions.
    described = {"/account-info/v3/details", "/crm/v3/properties/tickets"}
    assert {one.path for one in portal.sim.requests} <= described


@pytest.mark.parametrize("provoke", OF_LISTS, ids=lambda provoke: provoke.__name__)
async def test_error_of_a_list(portal: Portal, provoke: Provoke) -> None:
    kind, message = OF_LISTS[provoke]
    error = await raised(provoke, portal)

    assert type(error) is kind
    assert re.search(message, str(error))


@pytest.mark.parametrize("provoke", RECORDS, ids=lambda provoke: provoke.__name__)
async def test_error_of_a_record(portal: Portal, provoke: Provoke) -> None:
    group = await raised(provoke, portal)

    assert isinstance(group, BatchFailed)
    again = pickle.loads(pickle.dumps(group))  # noqa: S301 -- our own
    for errors in (group.exceptions, again.exceptions):
        assert [type(error) for error in errors] == [
            kind for kind, _ in RECORDS[provoke]
        ]
        for error, (_, message) in zip(errors, RECORDS[provoke], strict=True):
            assert re.search(message, str(error))
    for error, other in zip(group.exceptions, again.exceptions, strict=True):
        assert vars(error) == vars(other)
        assert portal.sim.token not in f"{error!r}{vars(error)}"


def test_every_error_is_raised_here() -> None:
    """All but the abstract ones."""
    public = {
        cls
        for name in hubbatch.__all__
        if isinstance(cls := getattr(hubbatch, name), type)
        and issubclass(cls, HubBatchError)
    }
    raising = (*RAISED.values(), *OF_JOBS.values(), *OF_LISTS.values())
    provoked = {kind for kind, _ in raising} | ELSEWHERE
    provoked |= {kind for kinds in RECORDS.values() for kind, _ in kinds}
    assert public - provoked == {HubBatchError, APIError}


# ---- a session that is shared


async def test_shared_session_that_raises_for_status_still_gets_verdicts(
    portal: Portal,
) -> None:
    [one] = portal.tickets(1)
    sim = portal.sim
    sim.faults.add(Fault("status", 2, status=429))
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async with portal.hub(session=session) as hub:
            response = await hub.tickets.update(
                [UpdateInput(one, {"subject": "new"})], max_failures=0
            )
            refused = await hub.tickets.create(
                [CreateInput({"closed_date": "soon"}), CreateInput({"frist_name": "x"})]
            )
        assert response.succeeded == 1
        assert portal.statuses[:3] == [429, 429, 200]
        assert {type(failure.error) for failure in refused.failures} == {RecordInvalid}
        async with portal.hub(session=session, access_token="pat-na1-x") as hub:  # noqa: S106 -- nobody's
            with pytest.raises(AuthenticationError):
                await hub.tickets.archive([1])
        assert not session.closed


# ---- the account


async def test_account(portal: Portal) -> None:
    async with portal.hub() as hub:
        account = await hub.account()
        assert hub.limits.used == 1
        assert hub.limits.daily_remaining is not None
    assert account == Account(
        portal_id=62515,
        account_type="STANDARD",
        time_zone="UTC",
        company_currency="USD",
        utc_offset="+00:00",
        ui_domain="app.hubspot.com",
        data_hosting_location="na1",
    )
    assert portal.statuses == [200]


async def test_account_is_returned_despite_temporary_failures(portal: Portal) -> None:
    for fault in ("drop_before", "truncate"):
        portal.sim.faults.add(Fault(fault))
    portal.sim.faults.add(Fault("status", status=429))
    async with portal.hub(api_version="2026-03") as hub:
        assert (await hub.account()).portal_id == 62515
    assert len(portal.sim.requests) == 4
    assert portal.sim.requests[0].path == "/account-info/2026-03/details"
