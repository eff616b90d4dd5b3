from __future__ import annotations

import json
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import pytest

from syncro_nb import lab
from syncro_nb.errors import ConfigError

EMPTY = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

BEGIN = """
import sys
from pathlib import Path
from syncro_nb import lab

def announce(line):
    print(line, flush=True)

folder = Path(sys.argv[1])
"""
LAB = BEGIN + "sys.exit(lab.run_lab(folder, environment={}, open_browser=False, announce=announce))"
DEMO = (
    BEGIN
    + """
lab.notebooks_source = lambda: folder
sys.exit(lab.demo(folder, open_browser=False, port=None, announce=announce))
"""
)
SANDBOX = BEGIN + "sys.exit(lab.serve_sandbox(today=None, seed=1, size='small', port=None, announce=announce))"

sends_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")


@pytest.fixture
def curated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of curated notebooks that stands in for ours."""
    source = tmp_path / "curated"
    source.mkdir()
    for name in ("00_start_here.ipynb", "10_triage.ipynb"):
        (source / name).write_text(EMPTY)
    (source / "conftest.py").write_text("")
    monkeypatch.setattr(lab, "notebooks_source", lambda: source)
    return source


def test_the_notebooks_of_this_checkout_are_found() -> None:
    assert (lab.notebooks_source() / lab.FIRST).is_file()


def test_a_new_folder_gets_every_notebook_and_nothing_else(curated: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"

    copied = lab.prepare(folder)

    assert [path.name for path in copied] == ["00_start_here.ipynb", "10_triage.ipynb"]
    assert sorted(folder.iterdir()) == copied


def test_a_notebook_that_is_there_already_is_never_overwritten(curated: Path, tmp_path: Path) -> None:
    mine = tmp_path / "10_triage.ipynb"
    mine.write_text("my own work")

    assert lab.prepare(tmp_path) == [tmp_path / "00_start_here.ipynb"]
    assert mine.read_text() == "my own work"
    assert lab.prepare(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(curated: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="file"):
        lab.prepare(tmp_path / "file")


def test_without_jupyterlab_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="pip install"):
        lab.run_lab(tmp_path, environment={}, open_browser=False, announce=print)


def test_the_token_is_not_on_the_command_line_and_lab_listens_on_loopback_only(tmp_path: Path) -> None:
    command = lab.lab_command(tmp_path, port=1234, settings=tmp_path / "settings")

    assert "--ServerApp.ip=127.0.0.1" in command
    assert not [word for word in command if "token" in word.partition("=")[0].lower()]
    assert "fetchNews" in (tmp_path / "settings" / "overrides.json").read_text()


def test_a_lab_that_dies_by_itself_is_reported_with_its_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "lab_command", lambda *_, **__: [sys.executable, "-c", "raise SystemExit(7)"])
    said: list[str] = []

    assert lab.run_lab(tmp_path, environment={}, open_browser=False, announce=said.append) == 7
    assert [line for line in said if "status 7" in line] == said != []


@sends_signals
def test_lab_runs_on_a_folder_announces_one_address_and_ends_with_ctrl_c(started: Start, tmp_path: Path) -> None:
    child = started(LAB)

    page = address(child)
    assert [file["name"] for file in get_json(page, "/api/contents")["content"]] == [lab.FIRST]
    child.send_signal(signal.SIGINT)

    assert child.wait(timeout=30) == 0
    assert child.stdout.read() == ""
    assert not lab.answers(page.port)
    assert not list(tmp_path.glob("syncro-*"))  # its settings are gone


@sends_signals
def test_the_demo_runs_lab_and_a_sandbox_and_sigterm_ends_both(started: Start, tmp_path: Path) -> None:
    child = started(DEMO)

    sandbox = re.search(r"Sandbox: +(http://127\.0\.0\.1:(\d+)/api/v1) ", next_line(child, seconds=60))
    page = address(child)
    assert sandbox
    assert json.loads(direct(f"{sandbox[1]}/tickets?api_key=sandbox"))["tickets"]
    child.send_signal(signal.SIGTERM)

    assert child.wait(timeout=30) == 0
    assert not lab.answers(page.port)
    assert not lab.answers(int(sandbox[2]))
    assert not list(tmp_path.glob("syncro-*"))


@sends_signals
def test_the_sandbox_alone_says_its_url_and_key_and_ends_when_asked(started: Start) -> None:
    child = started(SANDBOX)

    url, key = (next_line(child, seconds=30).strip().split(": ", 1)[1] for _ in range(2))
    assert json.loads(direct(f"{url}/tickets?api_key={key}"))["tickets"]
    child.send_signal(signal.SIGTERM)

    assert child.wait(timeout=30) == 0


Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def started(tmp_path: Path, isolated: Callable[[Path], dict[str, str]]) -> Iterator[Start]:
    """Starts a program on a folder with one notebook, in its own temporary folder; ends it if the test does not."""
    children = []
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / lab.FIRST).write_text(EMPTY)

    def start(program: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, str(folder)]
        environment = {**isolated(tmp_path), "TMPDIR": str(tmp_path)}
        children.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
        return children[-1]

    yield start
    for child in children:
        child.terminate()  # not killed: it has a Lab of its own to stop
        child.communicate(timeout=30)


def address(child: subprocess.Popen[str]) -> SplitResult:
    """The address of Lab that the next line announces."""
    line = next_line(child, seconds=60)
    found = re.search(r"http://127\.0\.0\.1:\d+/lab/tree/00_start_here\.ipynb\?token=[\w-]+", line)
    assert found, line
    return urlsplit(found[0])


def get_json(page: SplitResult, path: str) -> Any:
    return json.loads(direct(page._replace(path=path).geturl()))


def direct(url: str) -> bytes:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def next_line(child: subprocess.Popen[str], seconds: float) -> str:
    """The next line that a child prints, or a failure when none comes in time."""
    lines: queue.Queue[str] = queue.Queue()
    assert child.stdout is not None
    threading.Thread(target=lambda read=child.stdout.readline: lines.put(read()), daemon=True).start()
    try:
        return lines.get(timeout=seconds)
    except queue.Empty:
        pytest.fail(f"nothing was announced within {seconds} s")
