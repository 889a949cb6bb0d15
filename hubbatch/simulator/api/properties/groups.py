"""The groups of an object type's properties."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import msgspec

from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.properties.calls import parse_object
from hubbatch.simulator.api.properties.definitions import check_name, group_names
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.property_types import Group, ObjectType
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal, as_json


def _groups(owner: ObjectType) -> dict[str, Group]:
    """Return the groups by name.

    HubSpot's labels of its own groups, and their order, are not published.
    """
    return {
        name: owner.groups.get(name)
        or Group(name, name.replace("_", " ").capitalize(), n)
        for n, name in enumerate(group_names(owner))
    }


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "label": group.label,
        "displayOrder": group.display_order,
        "archived": False,
    }


def answer_all(call: Call) -> Result:
    """Answer with the groups of a type, or create one."""
    groups = _groups(call.shelf.type)
    if call.route.verb == "read":
        return as_json(200, {"results": [*map(_group_json, groups.values())]}), 0
    body = parse_object(call.request.content, ("label", "name"))
    name = body["name"]
    check_name("group", name)
    if name in groups:
        # By analogy with properties; HubSpot's text is unknown.
        message = f"A property group named '{name}' already exists."
        raise Refusal(409, message, "OBJECT_ALREADY_EXISTS")
    # Recorded: without a `displayOrder`, a new group comes last.
    group = _with_changes(Group(name, "", len(groups)), body)
    _keep(call, group)
    return as_json(201, _group_json(group)), 0


def answer_one(call: Call) -> Result:
    """Answer with a group, change it, or archive it."""
    name = call.route.name or ""
    group = _groups(call.shelf.type).get(name)
    if group is None:
        # HubSpot's text is unknown.
        message = f"Property group '{name}' does not exist"
        raise Refusal(404, message, "OBJECT_NOT_FOUND")
    return _RUN[call.route.verb](call, group)


def _read(_: Call, group: Group) -> Result:
    return as_json(200, _group_json(group)), 0


def _update(call: Call, group: Group) -> Result:
    if group.name not in call.shelf.type.groups:
        # HubSpot's text is unknown.
        message = f"Property group '{group.name}' is defined by HubSpot"
        raise Refusal(400, message, VALIDATION_ERROR)
    group = _with_changes(group, parse_object(call.request.content))
    _keep(call, group)
    return as_json(200, _group_json(group)), 0


def _archive(call: Call, group: Group) -> Result:
    owner = call.shelf.type
    if any(owner.group_of(each) == group.name for each in owner.properties.values()):
        # Recorded: an error whose message is itself the JSON of an error.
        inner = {
            "status": "error",
            "message": "Can't delete or purge a group with active properties",
            "correlationId": call.correlation,
            "category": VALIDATION_ERROR,
            "subCategory": "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES",
        }
        raise Refusal(400, msgspec.json.encode(inner).decode())
    groups = {name: each for name, each in owner.groups.items() if name != group.name}
    call.shelf.type = attrs.evolve(owner, groups=groups)
    return Answer(204), 0


def _with_changes(group: Group, body: Mapping[str, Any]) -> Group:
    label = body.get("label", group.label)
    order = body.get("displayOrder", group.display_order)
    wrong = ["label"] * (not isinstance(label, str))
    wrong += ["displayOrder"] * (type(order) is not int)
    if wrong:
        raise missing_fields(wrong)
    return attrs.evolve(group, label=label, display_order=order)


def _keep(call: Call, group: Group) -> None:
    owner = call.shelf.type
    groups = {**owner.groups, group.name: group}
    call.shelf.type = attrs.evolve(owner, groups=groups)


_RUN: Final[Mapping[str, Callable[[Call, Group], Result]]] = {
    "read": _read,
    "update": _update,
    "archive": _archive,
}
