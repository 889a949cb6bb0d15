from typing import Any

import pytest

from hubbatch import ConfigurationError
from hubbatch.jobs import Export
from hubbatch.simulator import Fault, When

from .conftest import Desk


PROPERTIES = "/crm/v3/properties/contacts"


def source(desk: Desk) -> list[str]:
    return [desk.sim.store.create("contacts", {"email": "ada@x.com"}).id]


@pytest.mark.parametrize("legacy", [False, True])
async def test_a_read_of_an_unknown_property_reads_nothing(
    desk: Desk,
    *,
    legacy: bool,
) -> None:
    kind = "tickets" if legacy else "contacts"
    job = desk.job("read", kind, ["1"], properties=["hs_objet_id"], legacy=legacy)

    with pytest.raises(ConfigurationError) as refused:
        await job.run()

    assert str(refused.value) == (
        'There is no property "hs_objet_id" (did you mean "hs_object_id"?) of '
        f"{kind} that the token can read. Nothing was read."
    )
    sent = [one.path for one in desk.sim.requests if "account-info" not in one.path]
    lookup = f"/crm/v3/properties/{kind}"
    assert sent == [lookup, f"{lookup}/batch/read", f"{lookup}/batch/read"]
    assert not desk.lines.path.exists()


async def test_a_resumed_job_is_not_checked_again(desk: Desk) -> None:
    [one] = source(desk)
    options: dict[str, Any] = {"properties": ["email"]}
    report = await desk.job("read", "contacts", [one], **options).run()
    assert report.succeeded == 1
    checks = [sent for sent in desk.sim.requests if sent.path == PROPERTIES]

    await desk.job("read", "contacts", [one], **options).run()

    again = [sent for sent in desk.sim.requests if sent.path == PROPERTIES]
    assert (len(checks), len(again)) == (1, 1)


async def test_definitions_that_cannot_be_read_do_not_stop_the_read(
    desk: Desk,
) -> None:
    desk.sim.faults.add(Fault("status", status=403, when=When(path=PROPERTIES)))
    job = desk.job("read", "contacts", source(desk), properties=["nope"])

    with pytest.warns(UserWarning, match='There is no property "nope" of contacts'):
        report = await job.run()

    assert report.succeeded == 1


async def test_a_sensitive_property_is_known(desk: Desk) -> None:
    """The list of definitions has none of these."""
    ssn = {
        "name": "ssn",
        "label": "SSN",
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
    }
    body = {"status": "COMPLETE", "results": [ssn]}
    path = f"{PROPERTIES}/batch/read"
    desk.sim.faults.add(Fault("status", status=200, body=body, when=When(path=path)))
    job = desk.job("read", "contacts", ["404"], properties=["ssn"])

    report = await job.run()

    assert report.failed == 1
    levels = [
        one.body["dataSensitivity"] for one in desk.sim.requests if path == one.path
    ]
    assert levels == ["sensitive"]


async def test_an_export_of_an_unknown_property_reads_nothing(desk: Desk) -> None:
    source(desk)
    path = desk.where / "o.csv"
    job = Export(desk.hub, "contacts", path, properties=["frist_name"])

    with pytest.raises(ConfigurationError, match='did you mean "firstname"'):
        await job.run()

    assert not path.exists()
