"""What all verbs have in common: their options, and how they make a batch."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, TypedDict, TypeVar, get_type_hints

from hubbatch.core.calls import Operation
from hubbatch.core.collecting import Collector
from hubbatch.core.outcomes import Summary

from .batch import Batch
from .engine import Engine
from .intake import Source
from .run_options import LINGER, Completing


F = TypeVar("F", bound=Callable[..., object])


class Options(TypedDict, total=False):
    """What every verb takes besides its inputs.

    Attributes:
        isolate: whether a chunk that HubSpot refuses as a whole is split to find the
            records that are to blame; otherwise all of them fail. By default it is.
        max_failures: more failed or unknown records than this number, or this share
            (`"5%"`) of all, end the batch with `TooManyFailures`. `"auto"`, the
            default, ends it when its first 1,000 records all failed for the same
            reason; None never does.
        linger: seconds that a partial chunk waits for more inputs from an
            asynchronous source; 0.1 by default.
    """

    isolate: bool
    max_failures: int | str | None
    linger: float


_DEFAULTS: Options = {"isolate": True, "max_failures": "auto", "linger": LINGER}


def takes_options(verb: F) -> F:
    """Show a verb's options in its signature, for help() and whoever looks at it."""
    told = signature(verb)
    named = [one for one in told.parameters.values() if one.kind is not one.VAR_KEYWORD]
    hints = get_type_hints(Options)
    named += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[name])
        for name, default in _DEFAULTS.items()
    ]
    verb.__signature__ = told.replace(parameters=named)  # type: ignore[attr-defined] # inspect looks for it
    return verb


def call(
    engine: Engine,
    operation: Operation,
    source: Source,
    options: Options,
    *,
    complete: Completing | None = None,
) -> Batch[Any]:
    """Make the batch of a verb.

    Raises:
        TypeError: for an option that there is not.
    """
    for name in options:
        if name not in _DEFAULTS:
            raise TypeError(
                f"{operation.name}() got an unexpected keyword argument {name!r}"
            )
    given: Options = {**_DEFAULTS, **options}
    return Batch(engine, operation, source, complete=complete, **given)


async def ask(
    engine: Engine, operation: Operation, took: Callable[[Summary], None] | None = None
) -> Any:
    """Ask a question that has no inputs, and give its one answer.

    `took` is told what that has taken.

    Raises:
        HubBatchError: if HubSpot refuses to answer, or cannot.
    """
    collector: Collector[Any] = Collector(operation)
    with engine.busy():
        run = engine.run(operation, collector)
        try:
            await run.execute([None])
        finally:
            if took is not None:
                took(run.summary)
    [answer] = collector.response().results
    return answer
