"""Owners, and pipelines with their stages: read, not written."""

from hubbatch._wire.calls import Query
from hubbatch._wire.records import list_of, read_id, register
from hubbatch.account_models import Owner, OwnerTeam, Pipeline, PipelineStage

from .documents import document, items_of, strings_of


# Specification: the default. It states no maximum.
_OWNERS_PAGE = 100

register(OwnerTeam, {"id": read_id})
register(Owner, {"id": read_id, "teams": list_of(OwnerTeam)})
register(PipelineStage, {"id": read_id, "metadata": strings_of})
register(Pipeline, {"id": read_id, "stages": list_of(PipelineStage)})


def owners_query(email: str | None, after: str | None) -> Query:
    """Return the query parameters of a page; `after` is None for the first one."""
    optional = {"email": email, "after": after}
    set_ones = {name: value for name, value in optional.items() if value is not None}
    return {"limit": str(_OWNERS_PAGE), **set_ones}


OWNERS = document(items_of(Owner))
PIPELINES = document(items_of(Pipeline))
