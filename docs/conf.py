"""How Sphinx makes the site of these pages: `nox -s docs`."""

import inspect

from typing import Any

from sphinx.application import Sphinx

from hubbatch import __version__


project = "hubbatch"
author = "The authors of hubbatch"
copyright = "2026, the authors of hubbatch"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
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
    ("py:class", r"hubbatch\.(core|net)\..*"),
    ("py:class", r"hubbatch\.jobs\.sources\.LinesFile"),
    ("py:class", r"hubbatch\.integrations\.redis_pacer\..*"),
    ("py:class", r"hubbatch\.simulator\.(faults|quirks|quota|schemas|shelves)\..*"),
    ("py:class", r"hubbatch\..*\.(_.*|[A-Z])"),
]

html_theme = "furo"
html_title = "hubbatch"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False

# Arguments of what hubbatch makes itself, and gives.
_INNER = {"chance", "engine", "mailboxes", "operation", "random", "store"}


def hide_inner_arguments(
    _app: Sphinx, what: str, _name: str, given: Any, *_: object
) -> tuple[str, None] | None:
    """Show no signature of a class that a user never calls."""
    if what == "class" and not _INNER.isdisjoint(
        inspect.signature(given.__init__).parameters
    ):
        return "", None
    return None


def setup(app: Sphinx) -> None:
    """Add what Sphinx cannot know."""
    app.connect("autodoc-process-signature", hide_inner_arguments)
