"""The pipelines of an object type, and the stages of a pipeline."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hubbatch.simulator.api.bodies import parse_json
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.parameters import flag, unknown
from hubbatch.simulator.api.settings.pipeline_input import (
    PipelineInput,
    check_label,
    display_order,
    invalid,
    require,
)
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.pipelines import (
    Pipeline,
    Stage,
    extended_options,
    pipeline_properties,
    shown,
)
from hubbatch.simulator.crm.records import as_string
from hubbatch.simulator.lookup import since_2026_09
from hubbatch.simulator.wire import (
    Answer,
    Refusal,
    as_json,
    iso,
)


_DEALS: Final = "0-3"


def answer_pipelines(call: Call) -> Result:
    """Answer with all pipelines of a type, without pages, or create one."""
    pipelines = call.store.pipelines.of(call.shelf.type.id)
    if call.request.method == "GET":
        return _listed(map(_pipeline_json, shown(pipelines.values())))
    made = _input(call).pipeline(_body(call))
    check_label(made, pipelines)
    if made.id in pipelines:
        raise invalid(f"The pipeline {made.id} exists already")
    pipelines[made.id] = made
    return _saved(call, 201, _pipeline_json(made))


def answer_pipeline(call: Call) -> Result:
    """Answer with a pipeline, change or replace it, or archive it."""
    pipelines = call.store.pipelines.of(call.shelf.type.id)
    pipeline = pipelines.get(call.route.name or "")
    if pipeline is None or not _may_be_seen(call, pipeline):
        return unknown(), 0
    match call.request.method:
        case "GET":
            pass
        case "DELETE":
            _check_unused(call, 0, [pipeline.id])
            pipeline.archived_on = call.now.ms
            return Answer(204), 0
        case "PUT":
            made = _input(call).pipeline(_body(call))
            _check_unused(call, 1, pipeline.stages.keys() - made.stages.keys())
            made.id, made.created = pipeline.id, pipeline.created
            check_label(made, pipelines)
            pipelines[pipeline.id] = pipeline = made
        case _:
            _patch(call, pipeline, pipelines, _body(call))
    return _saved(call, 200, _pipeline_json(pipeline))


def answer_stages(call: Call) -> Result:
    """Answer with the stages of a pipeline, or create one."""
    pipeline = _pipeline(call)
    if pipeline is None:
        return unknown(), 0
    if call.request.method == "GET":
        return _listed(map(_stage_json, shown(pipeline.stages.values())))
    made = _input(call).stage(_body(call))
    check_label(made, pipeline.stages)
    pipeline.stages[made.id] = made
    pipeline.updated = call.now.ms
    return _saved(call, 201, _stage_json(made))


def answer_stage(call: Call) -> Result:
    """Answer with a stage, change or replace it, or archive it."""
    pipeline = _pipeline(call)
    stage = None if pipeline is None else pipeline.stages.get(call.route.part or "")
    if pipeline is None or stage is None or not _may_be_seen(call, stage):
        return unknown(), 0
    match call.request.method:
        case "GET":
            pass
        case "DELETE":
            _check_unused(call, 1, [stage.id])
            stage.archived_on = call.now.ms
            return Answer(204), 0
        case "PUT":
            made = _input(call).stage(_body(call))
            made.id, made.created = stage.id, stage.created
            check_label(made, pipeline.stages)
            pipeline.stages[stage.id] = stage = made
        case _:
            body = _body(call)
            # Unlike a pipeline's, the specification requires the metadata of a stage.
            require(body, ["metadata"])
            changed = _input(call).metadata(body["metadata"])
            metadata = {**stage.metadata, **changed}
            _patch(call, stage, pipeline.stages, body)
            stage.metadata = metadata
    return _saved(call, 200, _stage_json(stage))


def _input(call: Call) -> PipelineInput:
    return PipelineInput(call.store.pipelines, call.shelf.type.id)


def _listed(results: Iterable[dict[str, Any]]) -> Result:
    listed = list(results)
    return as_json(200, {"results": listed}), len(listed)


def _saved(call: Call, status: int, body: dict[str, Any]) -> Result:
    """Answer, after the properties of the records have got the new options."""
    shelf = call.shelf
    if call.request.method != "GET":
        pipelines = call.store.pipelines.of(shelf.type.id)
        shelf.type = extended_options(shelf.type, pipelines.values())
    return as_json(status, body), 1


def _pipeline(call: Call) -> Pipeline | None:
    pipelines = call.store.pipelines.of(call.shelf.type.id)
    pipeline = pipelines.get(call.route.name or "")
    return None if pipeline is None or pipeline.archived_on is not None else pipeline


def _may_be_seen(call: Call, part: Pipeline | Stage) -> bool:
    # An archived one can only be restored, by a PATCH.
    return part.archived_on is None or call.request.method == "PATCH"


def _body(call: Call) -> Mapping[str, Any]:
    body = parse_json(call.request.content)
    if not isinstance(body, dict):
        raise missing_fields(["label"])
    return body


def _patch(
    call: Call,
    part: Pipeline | Stage,
    others: Mapping[str, Pipeline] | Mapping[str, Stage],
    body: Mapping[str, Any],
) -> None:
    label, order = part.label, part.order
    if body.get("label") is not None:
        part.label = as_string(body["label"])
    try:
        check_label(part, others)
        if body.get("displayOrder") is not None:
            part.order = display_order(body)
    except Refusal:
        part.label, part.order = label, order
        raise
    if body.get("archived") is not None:
        part.archived_on = call.now.ms if body["archived"] is True else None
    part.updated = call.now.ms


def _check_unused(call: Call, which: int, ids: Iterable[str]) -> None:
    """Refuse to remove pipelines (0) or stages (1) that records are in.

    Documented: 2026-09 checks this by default and older versions on request. The
    message is unknown.
    """
    shelf, query = call.shelf, call.request.query
    own = "DealStageUsages" if shelf.type.id == _DEALS and which == 0 else "References"
    name = f"validate{own}BeforeDelete"
    if not flag(query, name, default=since_2026_09(call.request.path)):
        return
    holder, gone = pipeline_properties(shelf.type)[which], set(ids)
    used = [
        record.id
        for record in shelf.records.values()
        if not record.archived and record.properties.get(holder) in gone
    ]
    if used:
        raise invalid(f"{len(used)} records are in {', '.join(sorted(gone))}")


def _date(milliseconds: int) -> str:
    # Recorded: a date without milliseconds is shown without them.
    return iso(milliseconds).replace(".000Z", "Z")


def _json(part: Pipeline | Stage, **more: object) -> dict[str, Any]:
    body = {
        "label": part.label,
        "displayOrder": part.order,
        **more,
        "createdAt": _date(part.created),
        "updatedAt": _date(part.updated),
        "archived": part.archived_on is not None,
    }
    if part.archived_on is not None:
        body["archivedAt"] = _date(part.archived_on)
    return body


def _pipeline_json(pipeline: Pipeline) -> dict[str, Any]:
    stages = [_stage_json(stage) for stage in shown(pipeline.stages.values())]
    return _json(pipeline, id=pipeline.id, stages=stages)


def _stage_json(stage: Stage) -> dict[str, Any]:
    body = _json(stage, metadata=stage.metadata, id=stage.id)
    archived = body.pop("archived")
    return {
        **body,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "archived": archived,
    }
