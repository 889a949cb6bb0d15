"""The calls about the account itself."""

from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.wire import as_json


def answer(call: Call) -> Result:
    """Answer an `account-info` call."""
    account = call.token.account
    if call.route.verb == "details":
        return as_json(200, account.details()), 0
    return as_json(200, account.usage(call.now.ms)), 0
