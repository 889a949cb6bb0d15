"""Schemas that are requested, and those in files."""

from pathlib import Path

import pytest

from hubbatch import ConfigurationError
from hubbatch._wire.endpoints import operation_for
from hubbatch.jobs import Schema, ask_schema, read_schema, write_schema
from hubbatch.models import Property
from hubbatch.simulator import Fault, When

from .conftest import Desk


SCHEMA = [Property("subject", type="string"), Property("size", type="number")]


async def test_a_schema_is_asked_for_with_what_it_requires(desk: Desk) -> None:
    """This takes a second call, for creates."""
    car = desk.sim.store.define("car", ["colour"], required=["colour"]).id
    for verb, required in (("create", ("colour",)), ("update", ())):
        operation = operation_for("objects", verb, car, api_version="v3")  # type: ignore[arg-type] # a verb

        schema = await ask_schema(desk.hub, operation)

        assert "colour" in {one.name for one in schema}
        assert schema.required == required
    update = operation_for("objects", "update", car, api_version="v3")
    assert (await ask_schema(desk.hub, update, required=True)).required == ("colour",)


async def test_a_token_that_may_not_ask_checks_without(desk: Desk) -> None:
    forbidden = Fault("status", status=403, when=When(path="/schemas/"))
    desk.sim.faults.add(forbidden)
    create = operation_for("objects", "create", "tickets", api_version="v3")

    schema = await ask_schema(desk.hub, create)

    assert (schema.required, "subject" in {one.name for one in schema}) == ((), True)


# ---- schemas in files


def test_a_schema_that_was_written_is_read(tmp_path: Path) -> None:
    write_schema(tmp_path / "s.json", SCHEMA)

    assert read_schema(tmp_path / "s.json") == SCHEMA
    write_schema(tmp_path / "s.json", Schema(SCHEMA, ["size"]))
    assert read_schema(tmp_path / "s.json").required == ("size",)


def test_hubspots_own_schema_will_do(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(
        b'{"name":"car","requiredProperties":["colour"],"properties":[{"name":"colour"}]}'
    )

    schema = read_schema(tmp_path / "s.json")

    assert [one.name for one in schema] == ["colour"]
    assert schema.required == ("colour",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"results": 5}',
        b'{"results": [{}]}',
        b"5",
        b'{"results": [], "requiredProperties": 5}',
    ],
)
def test_what_is_no_schema(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.json").write_bytes(content)

    with pytest.raises(ConfigurationError, match="not a schema"):
        read_schema(tmp_path / "s.json")


def test_a_schema_that_cannot_be_reached(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_schema(tmp_path / "s.json")
    with pytest.raises(ConfigurationError, match="Is a directory"):
        write_schema(tmp_path, SCHEMA)
