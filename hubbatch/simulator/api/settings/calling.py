"""The connections of users to calling apps.

The specification has the path and a response without an envelope. The rest is assumed.
"""

from hubbatch.simulator.api.bodies import parse_inputs
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.wire import as_json


def _is_user(item: object) -> bool:
    match item:
        case {"id": str()}:
            return True
        case _:
            return False


def answer(call: Call) -> Result:
    """Answer a batch of user ids; unknown users are omitted.

    Raises:
        Refusal: If the body is invalid.
    """
    inputs = parse_inputs(call.request.content)
    if not all(map(_is_user, inputs)):
        raise missing_fields(["id"])
    users = {str(one.user_id) for one in call.store.owners.by_id.values()}
    asked = dict.fromkeys(one["id"] for one in inputs)
    results = [
        {"userId": int(user), "status": "DISCONNECTED"}
        for user in asked
        if user in users
    ]
    return as_json(200, {"results": results}), len(results)
