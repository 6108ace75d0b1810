"""Build the site: render every page, put it in place, remove what is stale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness import __version__, resources
from harness.domain.ceiling import Ceilings
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
) -> Path:
    """Write the site of these results into `out`; the path of its index page.

    Equal results give equal files. An earlier site stays until this one is whole. UsageError
    where the folder holds files of others, or the system refuses it.
    """
    planned = list(pages(results, checks, ceilings, __version__, headline))
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
    """A function from a page to its HTML. Everything it is given is escaped."""
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

    The bundle's text is an ES module's. Browsers refuse modules from file://, so it is closed
    into a function, which keeps its names out of the page as a module would.
    """
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return f'(() => {{"use strict";\n{bundle}\n}})();\n'
