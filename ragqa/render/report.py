"""An evaluation as one self-contained HTML page: inline style, no script, no external address.

Python prepares plain data; the templates lay it out and escape every value.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ragqa import __version__
from ragqa.render.report_sections import highlights, sections_of
from ragqa.render.report_values import FILTERS
from ragqa.sanitise import safe_text
from ragqa.stages import RANKED_BY


def report_page(document: Mapping[str, Any]) -> str:
    """Return the HTML page of an evaluation document; it depends on the document alone.

    Empty sections are left out.
    """
    page = _environment().get_template("report.html.jinja")
    text = page.render(
        run=document,
        highlights=highlights(document),
        sections=sections_of(document),
        version=__version__,
    )
    # Sanitise the whole page, so that no template can forget to.
    return safe_text(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ragqa.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {each.__name__: each for each in FILTERS}
    environment.globals["RANKED_BY"] = RANKED_BY
    return environment
