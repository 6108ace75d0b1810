"""Builds the site: renders every page, puts it in place and removes stale files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness import __version__, resources
from harness.domain.ceiling import Ceilings
from harness.domain.night import Night, Triage
from harness.domain.result import Result
from harness.domain.run import Host
from harness.domain.selfcheck import SelfCheck
from harness.site import format as printed
from harness.site.folder import SiteFolder
from harness.site.pages import Page, headline, pages

_COPIED = ("style.css", "theme.js", "site.js")
_VEGA = "assets/vega.js"


def build(
    results: Sequence[Result],
    out: Path,
    checks: Sequence[tuple[Host, SelfCheck]] = (),
    ceilings: Sequence[Ceilings] = (),
    nights: Sequence[Night] = (),
    triage: Sequence[Triage] = (),
) -> Path:
    """Write the site of these results into `out`; return the path of its index page.

    Equal results give equal files. An earlier site stays until this one is complete. Raises
    UsageError if the folder holds other files, or the system refuses access.
    """
    planned = list(pages(results, checks, ceilings, __version__, headline, nights, triage))
    texts = {f"assets/{name}": _asset(name) for name in _COPIED} | {_VEGA: _vega}
    names = [*texts, *(page.path for page in planned)]
    render = renderer()
    with SiteFolder.claim(out, names) as folder:
        for name, text in texts.items():
            folder.write(name, text())
        for page in planned:
            folder.write(page.path, render(page))
        folder.keep_only(names)
    return out / "index.html"


def renderer() -> Callable[[Page], str]:
    """A function that renders a page as HTML. It escapes every value."""
    environment = Environment(
        loader=FileSystemLoader(resources.templates()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["moment"] = printed.moment
    environment.globals.update(version=__version__, none=printed.NONE)

    def render(page: Page) -> str:
        context = {"root": page.root, "path": page.path, **page.context()}
        return environment.get_template(page.template).render(context)

    return render


def _asset(name: str) -> Callable[[], str]:
    return lambda: (resources.templates() / name).read_text(encoding="utf-8")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one classic script.

    The bundle is an ES module, which browsers refuse to load from file://. Wrapped in a function
    it keeps its names out of the page, as a module would.
    """
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return f'(() => {{"use strict";\n{bundle}\n}})();\n'
