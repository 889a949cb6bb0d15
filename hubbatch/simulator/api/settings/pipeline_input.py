"""Pipelines and stages as a request describes them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.pipelines import Pipeline, Pipelines, Stage
from hubbatch.simulator.crm.records import as_string
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal


_DEALS: Final = "0-3"
_TICKETS: Final = "0-5"


@attrs.frozen
class PipelineInput:
    """Reads pipelines and stages of an object type; every method raises Refusal."""

    pipelines: Pipelines
    type_id: str

    def pipeline(self, body: Mapping[str, Any]) -> Pipeline:
        """Return a new pipeline with its stages."""
        require(body, ["label", "displayOrder", "stages"])
        if not isinstance(body["stages"], list):
            raise missing_fields(["stages"])
        stages: dict[str, Stage] = {}
        for item in body["stages"]:
            if not isinstance(item, dict):
                raise missing_fields(["label", "displayOrder", "metadata"])
            stage = self.stage(item)
            check_label(stage, stages)
            stages[stage.id] = stage
        pipeline_id = as_string(body.get("pipelineId") or self.pipelines.new_id())
        label, order = as_string(body["label"]), display_order(body)
        now = self.pipelines.now()
        return Pipeline(pipeline_id, label, order, stages, now, now)

    def stage(self, body: Mapping[str, Any]) -> Stage:
        """Return a new stage."""
        require(body, ["label", "displayOrder", "metadata"])
        metadata = self.metadata(body["metadata"])
        if self.type_id == _DEALS and "probability" not in metadata:
            raise invalid("probability is required for the stages of deals")
        stage_id = as_string(body.get("stageId") or self.pipelines.new_id())
        label, order = as_string(body["label"]), display_order(body)
        now = self.pipelines.now()
        return Stage(stage_id, label, order, metadata, now, now)

    def metadata(self, value: object) -> dict[str, str]:
        """Return metadata with what HubSpot derives from it, all as strings."""
        if not isinstance(value, dict):
            raise missing_fields(["metadata"])
        metadata = {str(name): as_string(item) for name, item in value.items()}
        if "probability" in metadata:
            probability = _probability(metadata["probability"])
            metadata["isClosed"] = "true" if probability in (0.0, 1.0) else "false"
        if metadata.get("ticketState", "OPEN") not in ("OPEN", "CLOSED"):
            raise invalid("ticketState must be OPEN or CLOSED")
        if self.type_id == _TICKETS:
            metadata.setdefault("ticketState", "OPEN")
            closed = metadata["ticketState"] == "CLOSED"
            metadata["isClosed"] = "true" if closed else "false"
        return metadata


def require(body: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse a body without a field."""
    missing = [name for name in names if body.get(name) is None]
    if missing:
        raise missing_fields(missing)


def display_order(body: Mapping[str, Any]) -> int:
    """Return the place of a pipeline or stage among the others."""
    order = body["displayOrder"]
    if type(order) is not int:
        raise missing_fields(["displayOrder"])
    return order


def _probability(value: str) -> float:
    try:
        probability = float(value)
    except ValueError:
        probability = -1.0
    if not 0 <= probability <= 1:
        raise invalid("probability must be between 0.0 and 1.0")
    return probability


def check_label(
    part: Pipeline | Stage, others: Mapping[str, Pipeline] | Mapping[str, Stage]
) -> None:
    """Check that no other one has the label, as the pipelines guide requires."""
    for other in others.values():
        same = other.label == part.label and other.id != part.id
        if same and other.archived_on is None:
            raise invalid(f"The label {part.label} is used already")


def invalid(message: str) -> Refusal:
    """Return a refusal; HubSpot's texts are unknown."""
    return Refusal(400, message, VALIDATION_ERROR)
