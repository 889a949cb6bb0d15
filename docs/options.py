"""Copy the first sentence on each of `Options` into the docstrings of the verbs.

An editor shows the docstring of the verb, where `**options` stands for all of them.
`python docs/options.py` rewrites the modules; a test fails when a docstring is stale.
"""

import inspect
import re
import textwrap

from collections.abc import Iterator
from pathlib import Path

from hubbatch._net.batch import Batch
from hubbatch._verbs import Options


PACKAGE = Path(__file__).parents[1] / "hubbatch"
_ENTRY = re.compile(r"^    (\w+): (.+(?:\n     .+)*)", re.MULTILINE)
_SENTENCE = re.compile(r".+?\.(?= [A-Z`]|$)")
# The options are the last arguments of a verb: up to an empty line, or the end.
_COPIED = re.compile(r'^ {12}isolate: .+\n(?: {12,}(?!""").+\n)*', re.MULTILINE)


def _entries() -> Iterator[str]:
    defaults = inspect.signature(Batch).parameters
    for name, text in _ENTRY.findall(inspect.cleandoc(Options.__doc__ or "")):
        [sentence, *_] = _SENTENCE.findall(" ".join(text.split()))
        default = repr(defaults[name].default).replace("'", '"')
        yield textwrap.fill(
            f"{name}: {sentence} Default: {default}.",
            88,
            initial_indent=" " * 12,
            subsequent_indent=" " * 16,
            break_long_words=False,
            break_on_hyphens=False,
        )


def written(module: str) -> str:
    """Return a module's source with what is said of the options now."""
    entries = "".join(f"{entry}\n" for entry in _entries())
    return _COPIED.sub(lambda _: entries, module)


def modules() -> list[Path]:
    """Return the modules that define verbs."""
    return [one for one in PACKAGE.glob("*.py") if "[Options]" in one.read_text()]


if __name__ == "__main__":
    for path in modules():
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
