"""A built site and a real browser to open it in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, TypeAlias

import pytest

from harness.site.build import build
from tests.conftest import Answer, Harness, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize

_MEASURING = {"run", "nightly", "backfill", "gate", "bisect", "ceiling", "selfcheck"}
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox, as containers rarely let Chromium make one; and no talk with its maker.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def harness(forked_harness: Harness, env: Mapping[str, str], tmp_path: Path) -> Harness:
    """Run `harness` with these arguments in a folder of the test's own.

    What measures is started as users do, what only reads is forked.
    """

    def call(*arguments: str, timeout: float = 290) -> Answer:
        if arguments[0] in _MEASURING:
            return started(arguments, tmp_path, env, timeout)
        return forked_harness(*arguments, timeout=timeout)

    return call


@dataclass
class OpenPage:
    """A page in the browser, and what it did that a good page does not do."""

    page: Page
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", self._asked)

    def open(self, path: Path) -> Page:
        """Open a file and wait until its charts are drawn."""
        from playwright.sync_api import expect

        self.page.goto(path.as_uri())
        expect(self.page.locator("figure.chart:not([data-drawn])")).to_have_count(0, timeout=30_000)
        return self.page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.requests.append(request.url)


OpenSite: TypeAlias = Callable[..., OpenPage]
Scheme: TypeAlias = Literal["light", "dark"]


@pytest.fixture(scope="session")
def site_folder(site_samples: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two hosts, three commits, every status."""
    folder = tmp_path_factory.mktemp("site")
    ceilings = site_samples.make_ceilings()
    nights, triage = site_samples.make_nights(), site_samples.make_triage()
    results = site_samples.make_database()
    return build(results, folder, ceilings=ceilings, nights=nights, triage=triage).parent


@pytest.fixture(scope="session")
def hostile_site_folder(site_samples: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of results whose every text tries to break it."""
    folder = tmp_path_factory.mktemp("hostile")
    evil = "</script><img src=x onerror=\"document.title='broken'\">" + "x" * 400
    ceilings = site_samples.make_ceilings(evil, evil)
    nights, triage = site_samples.make_nights(evil), site_samples.make_triage(evil)
    results = site_samples.make_hostile()
    return build(results, folder, ceilings=ceilings, nights=nights, triage=triage).parent


@pytest.fixture(scope="module")
def site_browser() -> Iterator[Browser]:
    """Chromium, as installed on this machine."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.fail(
            f"no Chromium on PATH (looked for {', '.join(_NAMES)}): `make test` installs it",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_site(site_browser: Browser) -> Iterator[OpenSite]:
    """Make an empty page; when the test is done, none may have complained or asked the net."""
    opened: list[OpenPage] = []

    def make(width: int = 1280, scheme: Scheme = "light", scripts: bool = True) -> OpenPage:
        size: ViewportSize = {"width": width, "height": 900}
        page = site_browser.new_page(
            viewport=size, color_scheme=scheme, java_script_enabled=scripts
        )
        opened.append(OpenPage(page))
        return opened[-1]

    yield make
    for one in opened:
        one.page.close()
    assert [problem for one in opened for problem in one.problems] == []
    assert [request for one in opened for request in one.requests] == []
