"""Names that users type: object types and properties, with hints and completion."""

import json
import os

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import cloup

from click.shell_completion import CompletionItem


# Those of the client, which a test compares: importing it takes a while.
OBJECT_TYPES = (
    "appointments",
    "calls",
    "carts",
    "commerce_payments",
    "communications",
    "companies",
    "contacts",
    "contracts",
    "courses",
    "deals",
    "discounts",
    "emails",
    "feedback_submissions",
    "fees",
    "goal_targets",
    "invoices",
    "leads",
    "line_items",
    "listings",
    "meetings",
    "notes",
    "orders",
    "partner_clients",
    "partner_services",
    "payments",
    "postal_mail",
    "products",
    "projects",
    "quotes",
    "services",
    "subscriptions",
    "tasks",
    "taxes",
    "tickets",
    "users",
)


class ObjectType(click.ParamType):  # type: ignore[type-arg] # only typed so of late
    """An object type, by its name in HubSpot's URLs, or the id of a custom type."""

    name = "object type"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,  # noqa: ARG002 -- click's signature
        ctx: click.Context | None,  # noqa: ARG002
    ) -> str:
        """Return the name; the plural of a standard type, as HubSpot shows it."""
        return _plural_of(value) or value

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 -- click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the standard types that begin like this."""
        return _matching(OBJECT_TYPES, incomplete)


def _plural_of(name: str) -> str | None:
    """Return the standard type that a name means: HubSpot accepts singulars too."""
    plain = name.lower().replace("-", "_").replace(" ", "_")
    if plain in OBJECT_TYPES:
        return plain
    for plural in OBJECT_TYPES:
        stem = plural.removesuffix("s")
        if plain in (stem, stem.removesuffix("e"), f"{stem.removesuffix('ie')}y"):
            return plural
    return None


def complete_property(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the properties of a saved schema that begin like this.

    The schema is --schema, or HUBBATCH_SCHEMA, or a file like `tickets-schema.json` in
    this directory. For `COLUMN=NAME`, the name is completed.
    """
    column, equals, name = incomplete.rpartition("=")
    found: dict[str, str] = {}
    for path in _schemas(ctx.params):
        found.update(_properties(path))
    return [
        CompletionItem(f"{column}{equals}{item.value}", help=found[item.value])
        for item in _matching(sorted(found), name)
    ]


def _schemas(params: dict[str, Any]) -> list[Path]:
    chosen = params.get("schema") or os.environ.get("HUBBATCH_SCHEMA")
    if chosen:
        return [Path(chosen)]
    paths = sorted(Path().glob("*schema*.json"))
    own = [path for path in paths if str(params.get("object_type")) in path.name]
    return own or paths


def _properties(path: Path) -> dict[str, str]:
    """Return the label of each property in a schema; none if it is not a schema."""
    try:
        content = json.loads(path.read_bytes())
        listed = content["results"] if "results" in content else content["properties"]
        return {one["name"]: str(one.get("label") or "") for one in listed}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _matching(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class Commands(cloup.Group):
    """The group of all commands. It explains an argument too many."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and remember them for the explanation."""
        ctx.meta["hubbatch.args"] = [*args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            advice = _advice(error.message, ctx.meta["hubbatch.args"])
            if not advice:
                raise
            raise click.UsageError(error.message + advice, error.ctx) from None


def _advice(message: str, args: Sequence[str]) -> str:
    """Return advice to quote a name with a space, which the shell has split."""
    if not message.startswith("Got unexpected extra argument"):
        return ""
    extra = message[message.find("(") + 1 : -1].split(" ", maxsplit=1)[0]
    before, option = "", ""
    for last, word in pairwise(["", *args]):
        if word == extra:
            before = last
        elif not before:
            option = last
    if not before or before.startswith("-"):
        return ""
    name = f'"{before} {extra}"'
    quoted = f"{option} {name}" if option.startswith("--") else name
    return f". If it belongs to the word before it, quote both: {quoted}"
