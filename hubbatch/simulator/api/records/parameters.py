"""The parameters of calls that read single records and lists."""

from hubbatch.simulator.api.call import Call
from hubbatch.simulator.api.parameters import listed
from hubbatch.simulator.api.records.shown import View, known, names_of


def view_of(call: Call) -> View:
    """Return what the parameters ask to show of each record.

    Raises:
        Refusal: If `associations` names an unknown object type.
    """
    shelf, query = call.shelf, call.request.query
    history = known(shelf, listed(query, "propertiesWithHistory"))
    targets = {
        target.type.id: target
        for name in listed(query, "associations")
        for target in [call.shelf_of(name)]
    }
    return View(
        call.store,
        shelf,
        names_of(shelf, listed(query, "properties"), history),
        history,
        list(targets.values()),
        call.quirks.associations_page,
        f"{call.request.origin}/crm/v3/objects/{shelf.type.id}",
    )
