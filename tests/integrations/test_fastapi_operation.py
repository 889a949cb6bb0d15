"""What the operator of a backend sees: the check of the token, and the log."""

import logging

from functools import partial

import pytest

from fastapi import FastAPI

from hubbatch import (
    Accounts,
    APIError,
    AuthenticationError,
    CertificateError,
    ConfigurationError,
    HubBatch,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    PermissionDeniedError,
    ProxyError,
    ReconnectRequired,
    RecordInvalid,
    RecordNotFound,
)
from hubbatch.integrations import fastapi as integration
from hubbatch.integrations.fastapi import lifespan
from hubbatch.simulator import Fault, Simulator
from tests.integrations.test_fastapi import TEXT, answer_to, load, serving


# ---- the check of the token


async def test_accounts_cannot_be_checked_at_the_start() -> None:
    app = FastAPI(lifespan=lifespan(lambda: Accounts(load), check=True))
    with pytest.raises(ConfigurationError, match="needs one client"):
        async with serving(app):
            raise AssertionError("unreachable")


async def test_a_token_source_that_fails_stops_the_start(
    hubspot_simulator: Simulator,
) -> None:
    async def no_token() -> str:
        return ""

    opening = partial(HubBatch, no_token, base_url=hubspot_simulator.url)
    app = FastAPI(lifespan=lifespan(opening, check=True))
    with pytest.raises(ConfigurationError, match="access token"):
        async with serving(app):
            raise AssertionError("unreachable")


async def test_a_start_does_not_wait_for_a_slow_hubspot(
    hubspot_simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sim = hubspot_simulator
    sim.faults.add(Fault("delay", seconds=3_600))
    monkeypatch.setattr(integration, "_CHECK_TIMEOUT", 0.1)
    opening = partial(HubBatch, sim.token, base_url=sim.url)
    app = FastAPI(lifespan=lifespan(opening, check=True))
    async with serving(app) as http:
        assert (await http.get("/openapi.json")).status_code == 200
    assert caplog.messages[-1] == (
        "The access token could not be checked (TimeoutError). The application starts "
        "without the check."
    )


# ---- the log


def scopes(*names: str) -> PermissionDeniedError:
    error = PermissionDeniedError(TEXT, status=403, category="MISSING_SCOPES")
    error.scopes = names
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            AuthenticationError(
                TEXT, status=401, category="EXPIRED", correlation_id="c-7"
            ),
            (
                "401 AuthenticationError, category EXPIRED, correlation id c-7. "
                "Check the access token: the environment variable HUBSPOT_ACCESS_TOKEN,"
                " or what the application passes instead."
            ),
        ),
        (
            ReconnectRequired(TEXT, status=400),
            "400 ReconnectRequired. The account must install the app again.",
        ),
        (
            scopes("tickets", "crm.objects.contacts.write\n"),
            (
                "403 PermissionDeniedError, category MISSING_SCOPES. Add a scope that "
                "the access token lacks: tickets or crm.objects.contacts.write\\n."
            ),
        ),
        (
            scopes(),
            (
                "403 PermissionDeniedError, category MISSING_SCOPES. Check the scopes "
                "of the access token, and its user's permissions."
            ),
        ),
        (
            InvalidRequestError(TEXT, status=400, category="a\nb"),
            (
                "400 InvalidRequestError, category a\\nb. Check the object type, the "
                "id property and the API version."
            ),
        ),
        (
            ProxyError(TEXT, status=403),
            "403 ProxyError. A proxy or firewall answered instead of HubSpot.",
        ),
        (
            CertificateError(TEXT),
            (
                "CertificateError. Behind a proxy that inspects TLS, set SSL_CERT_FILE "
                "to a PEM file with its CA certificate."
            ),
        ),
        (
            APIError(TEXT, status=418, correlation_id="c-7"),
            (
                "418 APIError, correlation id c-7. Quote the correlation id to "
                "HubSpot's support."
            ),
        ),
    ],
    ids=[
        *("token", "uninstalled", "scopes", "permissions"),
        *("call", "proxy", "certificate", "other"),
    ],
)
async def test_a_misconfigured_backend_logs_what_to_do(
    error: HubBatchError, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="hubbatch")
    await answer_to(error)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("hubbatch", "ERROR")
    assert record.getMessage() == f"A call to HubSpot failed: {line}"
    assert TEXT not in repr(vars(record))


async def test_a_refused_record_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hubbatch")
    for error in (RecordNotFound(TEXT), RecordInvalid(TEXT), HubSpotUnavailable(TEXT)):
        await answer_to(error)
    assert not caplog.records
