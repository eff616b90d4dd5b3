"""JupyterLab on a copy of the notebooks, against a sandbox, in a real Chromium.

A test asks for `page` and `lab`, and for the helpers that it needs:

    def test_something(page, lab, open_notebook, run_all):
        open_notebook(page, lab, "10_triage.ipynb")
        run_all(page)
        expect(page.get_by_text("Waiting on customer").first).to_be_visible()
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from syncro_nb import lab as launcher

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from syncro_nb.sandbox import Server

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-proxy-server"),
)
# Without this Lab takes cells out of the page that are scrolled out of view.
WHOLE_NOTEBOOK = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}

TOKEN = "browser-tests"
START_SECONDS = 60
CELL_SECONDS = 120


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab, its folder of notebooks, and the sandbox that its kernels talk to."""

    url: str
    folder: Path
    home: Path  # SYNCRO_NB_HOME of the kernels
    sandbox: Server  # with .url and .key

    def address(self, name: str) -> str:
        return f"{self.url}/lab/tree/{quote(name)}?token={TOKEN}&reset"

    def call(self, method: str, path: str) -> Any:
        """Jupyter's own API."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def shut_kernels(self) -> None:
        for session in self.call("GET", "sessions"):
            self.call("DELETE", f"sessions/{session['id']}")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, isolated: Callable[[Path], dict[str, str]]) -> Iterator[Lab]:
    """JupyterLab on a copy of notebooks/, with nothing of the developer's, and a sandbox with a fresh account."""
    from syncro_nb.sandbox import DEMO_DAY, serve

    root = tmp_path_factory.mktemp("lab")
    folder, settings, port = root / "notebooks", root / "settings", launcher.free_port()
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", ".*"))
    command = launcher.lab_command(folder, port=port, settings=settings)
    (settings / "overrides.json").write_text(json.dumps({**launcher.SETTINGS, **WHOLE_NOTEBOOK}))
    command.append("--LabApp.expose_app_in_browser=True")

    with serve(launcher.made_up_to(DEMO_DAY)) as sandbox:
        environment = isolated(root) | {
            "JUPYTER_TOKEN": TOKEN,
            "SYNCRO_NB_URL": sandbox.url,
            "SYNCRO_NB_API_KEY": sandbox.key,
            "SYNCRO_NB_RATE": "100000/60",  # a first sync makes more requests than a minute allows
        }
        child = launcher.start(command, folder, environment)
        try:
            wait_until(lambda: child.poll() is not None or launcher.answers(port), "JupyterLab does not answer")
            assert child.poll() is None, "JupyterLab ended by itself"
            running = Lab(f"http://127.0.0.1:{port}", folder, Path(environment["SYNCRO_NB_HOME"]), sandbox)
            yield running
            running.shut_kernels()
        finally:
            launcher.stop_group(child)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the installed Chromium."""
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None and (named or os.environ.get("REQUIRE_BROWSER") == "1"):
        pytest.fail(f"no Chromium at {named}" if named else "no Chromium was found, and REQUIRE_BROWSER=1 asks for one")
    if found is None:
        pytest.skip("no Chromium was found; CHROMIUM names its path")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # of two tests at once each may wait for the processor

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, lab: Lab) -> Iterator[Page]:
    """An empty page. At the end its kernels are shut down, and it fails if another machine was asked or a dialog opened."""
    offences: list[str] = []

    def request(url: str) -> None:
        where = urlsplit(url)
        if where.scheme in ("http", "https", "ws", "wss") and where.hostname not in ("127.0.0.1", "localhost"):
            offences.append(f"asked another machine for {url}")

    def dialog(opened: Any) -> None:
        if opened.type == "beforeunload":  # Lab's own, when a test leaves a page with unsaved changes
            opened.accept()
        else:
            offences.append(f"opened a dialog: {opened.message}")
            opened.dismiss()

    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(30_000)
    context.on("request", lambda asked: request(asked.url))
    page.on("websocket", lambda socket: request(socket.url))
    page.on("dialog", dialog)
    yield page
    offences += [f"left open: {text}" for text in page.locator(".jp-Dialog").all_inner_texts()]
    context.close()
    lab.shut_kernels()
    assert not offences, "\n".join(offences)


@pytest.fixture(scope="session")
def open_notebook() -> Callable[[Page, Lab, str], None]:
    """`open_notebook(page, lab, name)` opens the notebook and waits until its kernel is ready."""

    def open_it(page: Page, lab: Lab, name: str) -> None:
        if page.url.startswith(lab.url):
            page.evaluate("path => window.jupyterapp.commands.execute('docmanager:open', {path})", name)
        else:
            page.goto(lab.address(name))
        page.wait_for_function(READY, arg=name, timeout=START_SECONDS * 1000)

    return open_it


@pytest.fixture(scope="session")
def run_all() -> Callable[[Page], None]:
    """`run_all(page)` runs every cell of the open notebook, waits for the last, and fails when one raised."""

    def run(page: Page) -> None:
        errors = page.evaluate(RUN_ALL, CELL_SECONDS * 1000)
        assert not errors, "\n".join(errors)

    return run


@pytest.fixture
def screenshot(tmp_path: Path) -> Callable[..., Path]:
    """`screenshot(page, name)` writes name.png into the folder that $SCREENSHOTS names, else into the test's own.

    With a locator after the name, the picture is of that part alone.
    """

    def shoot(page: Page, name: str, part: Locator | None = None) -> Path:
        path = Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"{name}.png"
        (part or page).screenshot(path=path)
        return path

    return shoot


# The toolbar says idle before there is a kernel, so this asks the session itself.
READY = """name => {
    const current = window.jupyterapp?.shell?.currentWidget;
    const session = current?.context?.path === name && current.context.isReady && current.sessionContext;
    return Boolean(session && session.isReady && session.session?.kernel?.status === "idle");
}"""

RUN_ALL = """async limit => {
    const app = window.jupyterapp;
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("Run All takes too long")), limit));
    await Promise.race([app.commands.execute("notebook:run-all-cells"), late]);
    const cells = app.shell.currentWidget.content.model.sharedModel.toJSON().cells;
    const outputs = cells.flatMap(cell => cell.outputs ?? []);
    return outputs.filter(output => output.output_type === "error").map(error => `${error.ename}: ${error.evalue}`);
}"""


def wait_until(is_true: Callable[[], bool], otherwise: str) -> None:
    tick = threading.Event()
    for _ in range(START_SECONDS * 10):
        if is_true():
            return
        tick.wait(0.1)
    pytest.fail(otherwise)
