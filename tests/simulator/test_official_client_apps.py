"""HubSpot's own Python client installs an app, and uses schemas, on the simulator."""

import logging

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import pytest


# HubSpot's client ships no types.
from hubspot import HubSpot  # type: ignore[import-untyped]
from hubspot.crm import schemas  # type: ignore[import-untyped]
from hubspot.oauth import ApiException  # type: ignore[import-untyped]
from hubspot.utils.oauth import get_auth_url  # type: ignore[import-untyped]

from hubbatch.simulator import Simulator

from .behaviours import behaviour


BACK = "http://localhost:3000/callback"
APP = {"client_id": "app", "client_secret": "hush"}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(seed=4) as simulator:
        simulator.register_app(
            *APP.values(),
            redirect_uris=[BACK],
            scopes=["oauth", "tickets", "crm.schemas.custom.read"],
        )
        yield simulator


def client(sim: Simulator, token: str | None = None) -> HubSpot:
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    hubspot = HubSpot(access_token=token)
    hubspot.config["host"] = sim.url
    return hubspot


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect: the app is not there."""


def consent(url: str) -> str:
    """Return the code with which a browser is sent back to the app."""
    with pytest.raises(HTTPError) as caught:
        build_opener(NoRedirect).open(url)
    with caught.value as answer:
        location = urlsplit(answer.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == BACK
    return parse_qs(location.query)["code"][0]


@behaviour("official-client", "oauth-code", "oauth-authorize", "token-info-refresh")
def test_an_app_is_installed(sim: Simulator) -> None:
    """Its page is the client's own, but for the host."""
    page = urlsplit(get_auth_url("app", BACK, ("tickets", "crm.schemas.custom.read")))
    oauth = client(sim).oauth
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
        "code": consent(f"{sim.url}{page.path}?{page.query}"),
        **APP,
    }
    made = oauth.tokens_api.create(**form)
    info = oauth.access_tokens_api.get(made.access_token)
    tickets = client(sim, made.access_token).crm.tickets.basic_api.get_page()
    with pytest.raises(ApiException) as caught:
        oauth.tokens_api.create(**form)
    renewal = {"grant_type": "refresh_token", "refresh_token": made.refresh_token}
    renewed = oauth.tokens_api.create(**renewal, **APP)
    oauth.refresh_tokens_api.archive(made.refresh_token)
    with pytest.raises(ApiException) as revoked:
        oauth.tokens_api.create(**renewal, **APP)

    assert made.expires_in == 1800
    assert info.hub_id == 62515
    assert info.scopes == ["crm.schemas.custom.read", "oauth", "tickets"]
    assert tickets.results == []
    assert "BAD_AUTH_CODE" in caught.value.body
    assert renewed.access_token != made.access_token
    assert "BAD_REFRESH_TOKEN" in revoked.value.body


@behaviour("official-client", "schemas-write", "schemas-list", "schemas-associations")
def test_the_life_of_an_object_type(sim: Simulator) -> None:
    api = client(sim, sim.token).crm.schemas.core_api
    made = api.create(
        schemas.ObjectSchemaEgg(
            name="boat",
            labels=schemas.ObjectTypeDefinitionLabels(singular="Boat", plural="Boats"),
            primary_display_property="name",
            required_properties=["name"],
            properties=[
                schemas.ObjectTypePropertyCreate(
                    name="name", label="Name", type="string", field_type="text"
                )
            ],
            associated_objects=["CONTACT"],
        )
    )
    labels = schemas.ObjectTypeDefinitionLabels(singular="Ship", plural="Ships")
    changed = api.update("boat", schemas.ObjectTypeDefinitionPatch(labels=labels))
    new = schemas.AssociationDefinitionEgg(
        from_object_type_id=made.object_type_id, to_object_type_id="0-3", name="charter"
    )
    association = api.create_association("boat", new)
    read = api.get_by_id(made.object_type_id)
    listed = api.get_all()
    api.archive_association("boat", association.id)
    api.archive("boat")
    archived = api.get_all(archived=True)

    assert made.required_properties == ["name"]
    assert changed.labels.singular == "Ship"
    assert association.id in {each.id for each in read.associations}
    assert [each.id for each in listed.results] == [made.id]
    assert [each.id for each in archived.results] == [made.id]
    assert api.get_all().results == []
