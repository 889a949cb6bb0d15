"""A new user's programs, as they would write them after ten minutes of reading."""

import io
import re

from typing import Any

from attrs import define
from rich.console import Console
from rich.progress import Progress
from tqdm.auto import tqdm  # type: ignore[import-untyped] # its types are not worth a package

from hubbatch import AssociationInput, HubBatch
from hubbatch.jobs import Job
from tests.integration.conftest import Portal


def tickets(portal: Portal, count: int) -> list[dict[str, Any]]:
    """Return an update of each of some tickets."""
    ids = portal.tickets(count)
    return [{"id": one, "properties": {"subject": f"Ticket {one}"}} for one in ids]


async def update_with_tqdm(hub: HubBatch, records: list[Any], bar: Any) -> Any:
    return await hub.tickets.update(
        records, progress=lambda done, _total: bar.update(done - bar.n)
    )


async def test_5000_updates_with_tqdm(portal: Portal) -> None:
    records, screen = tickets(portal, 5_000), io.StringIO()
    async with portal.hub() as hub:
        with tqdm(total=len(records), file=screen, mininterval=0) as bar:
            response = await update_with_tqdm(hub, records, bar)

    assert response.ok
    assert response.succeeded == bar.n == 5_000
    assert "100%" in screen.getvalue()
    assert "5000/5000" in screen.getvalue()


async def test_a_generator_with_tqdm(portal: Portal) -> None:
    """Its length is unknown, so the bar only counts."""
    records, screen = tickets(portal, 250), io.StringIO()
    async with portal.hub() as hub:
        with tqdm(file=screen, mininterval=0) as bar:
            await update_with_tqdm(hub, (one for one in records), bar)  # type: ignore[arg-type] # any iterable will do

    assert bar.n == 250
    assert "250it" in screen.getvalue()


async def test_5000_updates_with_rich(portal: Portal) -> None:
    records, screen = tickets(portal, 5_000), io.StringIO()
    async with portal.hub() as hub:
        with Progress(console=Console(file=screen), auto_refresh=False) as bar:
            task = bar.add_task("Tickets", total=None)
            await hub.tickets.update(
                records,
                progress=lambda done, total: bar.update(
                    task, completed=done, total=total
                ),
            )
            [shown] = bar.tasks
            assert (shown.completed, shown.total, shown.finished) == (
                5_000,
                5_000,
                True,
            )

    assert re.search("Tickets .* 100%", screen.getvalue())


async def test_a_stream_with_rich(portal: Portal) -> None:
    records = tickets(portal, 1_000)
    async with portal.hub() as hub:
        with Progress(console=Console(file=io.StringIO())) as bar:
            task = bar.add_task("Tickets", total=len(records))
            async with hub.tickets.update(
                records,
                progress=lambda done, _total: bar.update(task, completed=done),
            ) as outcomes:
                failed = [outcome async for outcome in outcomes if outcome.error]
            assert not failed
            assert outcomes.summary.succeeded == 1_000
            assert bar.finished


async def test_a_job_with_tqdm(portal: Portal, tmp_path: Any) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("email,firstname\n" + "".join(f"{n}@x.org,A\n" for n in range(300)))
    async with portal.hub() as hub:
        with tqdm(total=300, file=io.StringIO()) as bar:
            report = await Job(
                hub,
                "upsert",
                "contacts",
                path,
                id_property="email",
                progress=lambda done, _total: bar.update(done - bar.n),
            ).run()

    assert report.succeeded == bar.n == 300


@define
class Contact:
    """What this program knows of a contact."""

    email: str
    firstname: str | None = None
    lastname: str | None = None


async def test_read_by_email_into_a_class(portal: Portal) -> None:
    for name in ("Ada", "Grace"):
        email = f"{name.lower()}@example.com"
        portal.sim.store.create("contacts", {"email": email, "firstname": name})

    async with portal.hub() as hub:
        response = await hub.contacts.read(
            ["ada@example.com", "grace@example.com", "nobody@example.com"],
            id_property="email",
            into=Contact,
        )

    assert sorted(response.results, key=lambda contact: contact.email) == [
        Contact("ada@example.com", "Ada"),
        Contact("grace@example.com", "Grace"),
    ]
    [missing] = response.failures
    assert missing.input == "nobody@example.com"


async def test_companies_contacts_and_their_associations(portal: Portal) -> None:
    employers = {
        "ada@analytical.example": "Analytical Engines",
        "grace@navy.example": "Navy",
        "jean@navy.example": "Navy",
    }
    async with portal.hub() as hub:
        names = sorted({*employers.values()})
        companies = await hub.companies.create(
            [{"properties": {"name": name}} for name in names]
        )
        contacts = await hub.contacts.create(
            [{"properties": {"email": email}} for email in employers]
        )
        companies.raise_for_failures()
        contacts.raise_for_failures()

        # An outcome is at the index of its input.
        company = {n: o.id for n, o in zip(names, companies.outcomes, strict=True)}
        pairs = [
            AssociationInput(str(outcome.id), str(company[employer]))
            for employer, outcome in zip(
                employers.values(), contacts.outcomes, strict=True
            )
        ]
        links = hub.associations("contacts", "companies")
        (await links.create_default(pairs)).raise_for_failures()

        found = await links.read([str(outcome.id) for outcome in contacts.outcomes])

    assert [
        [str(other.to_object_id) for other in outcome.result.to]
        if outcome.result
        else []
        for outcome in found.outcomes
    ] == [[company[employer]] for employer in employers.values()]
