"""How Sphinx makes the site of these pages: `nox -s docs`."""

import inspect
import re
import sys

from typing import Any

from docutils.nodes import Element
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer

import hubbatch.jobs
import hubbatch.sync

from hubbatch import __version__


project = "hubbatch"
author = "The authors of hubbatch"
copyright = "2026, the authors of hubbatch"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
# Half a gigabyte, of which the pages show nothing.
autodoc_mock_imports = ["dlt", "ray"]
maximum_signature_line_length = 72
python_use_unqualified_type_names = True
add_module_names = False
# A name between backticks is a link wherever there is something behind it.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"[\s\S]*"),
    # What is not ours has its documentation elsewhere; a build asks no network for it.
    ("py:.*", r"(?!hubbatch).*"),
    # Inner rooms, type variables and bases without a name of their own.
    ("py:class", r"hubbatch\._.*"),
    # An alias such as BatchResponse[R] keeps the module that its class had at first.
    ("py:class", r"hubbatch\.models\..*"),
    ("py:class", r"hubbatch\.jobs\.sources\.LinesFile"),
    ("py:class", r"hubbatch\.integrations\._redis\..*"),
    ("py:class", r"hubbatch\.simulator\.[a-z_]+\..*"),
    ("py:class", r"hubbatch\..*\.(_.*|[A-Z])"),
]

html_theme = "furo"
html_title = "hubbatch"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False

# Arguments of what hubbatch makes itself, and gives.
_INNER = {
    "background",
    "batchers",
    "find",
    "make",
    "operation",
    "random",
    "rng",
    "state",
    "store",
}
# How Python shows an annotation of a module whose annotations are strings.
_QUOTED = re.compile(r"(?<=: )'([^']*)'")
# How Python shows a default that is one, which Sphinx cannot read.
_FUNCTION = re.compile(r"<(?:built-in )?function (\w+)(?: at 0x\w+)?>")


def mend_signature(
    _app: Sphinx,
    what: str,
    _name: str,
    given: Any,
    _options: object,
    signature: str | None,
    result: str | None,
) -> tuple[str, str | None] | None:
    """Show none of a class that a user never calls, and functions by their names.

    The types of a verb are shown as in the source, with the names of their aliases.
    """
    if what == "method" and hasattr(given, "__signature__"):  # a verb
        verb = inspect.signature(given)
        shown = verb.replace(
            parameters=[*verb.parameters.values()][1:],
            return_annotation=inspect.Signature.empty,
        )
        return _QUOTED.sub(r"\1", str(shown)), verb.return_annotation
    if what == "class" and not _INNER.isdisjoint(
        inspect.signature(given.__init__).parameters
    ):
        return "", None
    if signature and _FUNCTION.search(signature):
        return _FUNCTION.sub(r"\1", signature), result
    return None


class Name(PyXRefRole):
    """A name between backticks; a class is found wherever it is documented."""

    def process_link(
        self,
        env: BuildEnvironment,
        refnode: Element,
        has_explicit_title: bool,  # noqa: FBT001 -- as Sphinx calls it
        title: str,
        target: str,
    ) -> tuple[str, str]:
        """Say where to look."""
        if target.isidentifier() and target[0].isupper():
            refnode["refspecific"] = True
        return super().process_link(env, refnode, has_explicit_title, title, target)


def keep_source_order() -> None:
    """Show members in the order of the source, and what the source says of aliases.

    The classes name a public module, such as `hubbatch.jobs`, as theirs. autodoc looks
    there for the order of their members, which is in the modules that define them.
    """
    for public in (hubbatch.__name__, hubbatch.jobs.__name__, hubbatch.sync.__name__):
        order = ModuleAnalyzer.for_module(public)
        order.analyze()
        for name in [*sys.modules]:
            if name.startswith(f"{public}."):
                module = ModuleAnalyzer.for_module(name)
                module.analyze()
                order.tagorder.update(module.tagorder)
                order.attr_docs.update(module.attr_docs)


def setup(app: Sphinx) -> None:
    """Add what Sphinx cannot know."""
    keep_source_order()
    app.add_role_to_domain("py", "obj", Name(), override=True)
    app.connect("autodoc-process-signature", mend_signature)
