"""The pipelines of object types, and their stages."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

import attrs

from hubbatch.simulator.crm.property_types import ObjectType


# Recorded in 2026: HubSpot's own pipelines and stages have the date 0.
DEFAULT_DATE: Final = 0


@attrs.define
class Stage:
    """A stage of a pipeline; dates are in milliseconds since 1970.

    Attributes:
        metadata: Further values, all strings: `isClosed`, `probability` (deals) or
            `ticketState` (tickets).
    """

    id: str
    label: str
    order: int
    metadata: dict[str, str]
    created: int = DEFAULT_DATE
    updated: int = DEFAULT_DATE
    archived_on: int | None = None


@attrs.define
class Pipeline:
    """A pipeline with its stages by id; dates are in milliseconds since 1970."""

    id: str
    label: str
    order: int
    stages: dict[str, Stage]
    created: int = DEFAULT_DATE
    updated: int = DEFAULT_DATE
    archived_on: int | None = None


_Part = TypeVar("_Part", Pipeline, Stage)


def shown(parts: Iterable[_Part]) -> list[_Part]:
    """Return what is not archived, in the order of display."""
    live = [part for part in parts if part.archived_on is None]
    return sorted(live, key=lambda part: part.order)


def pipeline_properties(schema: ObjectType) -> tuple[str, str]:
    """Return the properties that hold a record's pipeline and its stage."""
    if schema.id == "0-3":
        return "pipeline", "dealstage"
    return "hs_pipeline", "hs_pipeline_stage"


def extended_options(schema: ObjectType, pipelines: Iterable[Pipeline]) -> ObjectType:
    """Return the type, whose properties accept the ids of pipelines and stages too."""
    live = shown(pipelines)
    ids = [pipeline.id for pipeline in live]
    stage_ids = [stage_id for pipeline in live for stage_id in pipeline.stages]
    properties = dict(schema.properties)
    for name, more in zip(pipeline_properties(schema), (ids, stage_ids), strict=True):
        own = properties.get(name)
        if own is not None and own.options:
            options = tuple(dict.fromkeys((*own.options, *more)))
            properties[name] = attrs.evolve(own, options=options)
    return attrs.evolve(schema, properties=properties)


def _pipeline(
    pipeline_id: str, label: str, stages: Mapping[str, tuple[str, dict[str, str]]]
) -> dict[str, Pipeline]:
    listed = {
        stage_id: Stage(stage_id, stage_label, order, metadata)
        for order, (stage_id, (stage_label, metadata)) in enumerate(stages.items())
    }
    return {pipeline_id: Pipeline(pipeline_id, label, 0, listed)}


def _deal(
    label: str, probability: str, closed: str = "false"
) -> tuple[str, dict[str, str]]:
    return label, {"isClosed": closed, "probability": probability}


def _ticket(label: str, state: str = "OPEN") -> tuple[str, dict[str, str]]:
    closed = "true" if state == "CLOSED" else "false"
    return label, {"ticketState": state, "isClosed": closed}


def _other(label: str) -> tuple[str, dict[str, str]]:
    return label, {}


def default_pipelines() -> dict[str, dict[str, Pipeline]]:
    """Return the pipelines of a new account.

    Those of deals and tickets were recorded in 2026; of orders and leads the ids were,
    and their labels and metadata are assumed. Other types have none here.
    """
    return {
        "0-3": _pipeline(
            "default",
            "Sales Pipeline",
            {
                "appointmentscheduled": _deal("Appointment Scheduled", "0.2"),
                "qualifiedtobuy": _deal("Qualified To Buy", "0.4"),
                "presentationscheduled": _deal("Presentation Scheduled", "0.6"),
                "decisionmakerboughtin": _deal("Decision Maker Bought-In", "0.8"),
                "contractsent": _deal("Contract Sent", "0.9"),
                "closedwon": _deal("Closed Won", "1.0", "true"),
                "closedlost": _deal("Closed Lost", "0.0", "true"),
            },
        ),
        "0-5": _pipeline(
            "0",
            "Support Pipeline",
            {
                "1": _ticket("New"),
                "2": _ticket("Waiting on contact"),
                "3": _ticket("Waiting on us"),
                "4": _ticket("Closed", "CLOSED"),
            },
        ),
        "0-123": _pipeline(
            "14a2e10e-5471-408a-906e-c51f3b04369e",
            "Order Pipeline",
            {
                "4b27b500-f031-4927-9811-68a0b525cbae": _other("Open"),
                "937ea84d-0a4f-4dcf-9028-3f9c2aafbf03": _other("Processed"),
                "aa99e8d0-c1d5-4071-b915-d240bbb1aed9": _other("Shipped"),
                "3725360f-519b-4b18-a593-494d60a29c9f": _other("Delivered"),
                "3c85a297-e9ce-400b-b42e-9f16853d69d6": _other("Cancelled"),
            },
        ),
        "0-136": _pipeline(
            "lead-pipeline-id",
            "Lead Pipeline",
            {
                "new-stage-id": _other("New"),
                "attempting-stage-id": _other("Attempting"),
                "connected-stage-id": _other("Connected"),
                "qualified-stage-id": _other("Qualified"),
                "unqualified-stage-id": _other("Disqualified"),
            },
        ),
    }


@attrs.define
class Pipelines:
    """The pipelines of an account by object type id and id."""

    now: Callable[[], int]
    by_type: dict[str, dict[str, Pipeline]] = attrs.field(factory=default_pipelines)
    _last_id: int = 748_921_300

    def of(self, type_id: str) -> dict[str, Pipeline]:
        """Return the pipelines of an object type by id; callers may change them."""
        return self.by_type.setdefault(type_id, {})

    def new_id(self) -> str:
        """Return an unused id of a pipeline or stage."""
        self._last_id += 17
        return str(self._last_id)
