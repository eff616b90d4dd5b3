from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import sysconfig
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
# A kernel's leftovers, as of one that is killed: a folder in the place for temporary files.
LEFT = "import tempfile, time; tempfile.mkdtemp(prefix='syncro_nb-'); open('left', 'w').close(); time.sleep(60)"
DEMO_LEFT = (
    BEGIN
    + f"""
lab.notebooks_source = lambda: folder
lab.lab_command = lambda *_, **__: [sys.executable, "-c", {LEFT!r}]
sys.exit(lab.demo(folder, open_browser=False, port=None, announce=announce))
"""
)
LAB = BEGIN + "sys.exit(lab.run_lab(folder, environment={}, open_browser=False, announce=announce))"
DEMO = (
    BEGIN
    + """
lab.notebooks_source = lambda: folder
sys.exit(lab.demo(folder, open_browser=False, port=None, announce=announce))
"""
)
SANDBOX = BEGIN + "sys.exit(lab.serve_sandbox(today=None, seed=1, size='small', port=None, announce=announce))"

# What `syncro lab` gives to Lab: stands in for it, and writes down where it runs and what it finds.
SEEN = "import json, os; print(json.dumps({**os.environ, 'cwd': os.getcwd()}), file=open('seen.json', 'w'))"
LAB_VERB = f"""
import sys
from syncro_nb import cli, lab

lab.lab_command = lambda folder, *, port, settings: [sys.executable, "-c", {SEEN!r}]
sys.exit(cli.main(["lab", "notebooks", "--no-browser", *sys.argv[1:]]))
"""
YAML = """
profiles:
  main: {subdomain: your-shop, key: {env: SYNCRO_KEY}}
  other: {subdomain: other-shop, key: {env: SYNCRO_KEY}}
profile: main
"""

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


def test_a_copy_that_an_update_has_left_behind_is_named_and_kept(curated: Path, tmp_path: Path) -> None:
    folder, said = tmp_path / "mine", []
    lab.put_notebooks(folder, said.append)
    ours, yours = curated / "10_triage.ipynb", folder / "10_triage.ipynb"
    ran = {**json.loads(EMPTY), "metadata": {"outputs": "of mine"}}
    yours.write_text(json.dumps(ran))
    os.utime(ours, (yours.stat().st_mtime + 10,) * 2)
    assert lab.outdated(folder) == []  # the same cells

    cell = {"cell_type": "markdown", "metadata": {}, "source": ["new"]}
    ours.write_text(json.dumps({**json.loads(EMPTY), "cells": [cell]}))
    os.utime(ours, (yours.stat().st_mtime + 10,) * 2)
    assert lab.put_notebooks(folder, said.append) == []
    os.utime(yours, (ours.stat().st_mtime + 10,) * 2)  # changed by the person since
    assert lab.put_notebooks(folder, said.append) == []

    assert [line for line in said if "10_triage.ipynb" in line and "Yours is kept" in line] == said
    assert len(said) == 1
    assert json.loads(yours.read_text()) == ran


@pytest.mark.parametrize(("words", "profile"), [((), "main"), (("--profile", "other"), "other")])
def test_kernels_work_on_the_account_of_the_folder_where_lab_was_started(
    tmp_path: Path, isolated: Callable[[Path], dict[str, str]], words: tuple[str, ...], profile: str
) -> None:
    (tmp_path / "syncro.yaml").write_text(YAML)
    done, seen = start_lab(tmp_path, isolated(tmp_path) | {"SYNCRO_NB_HOME": "data", "SYNCRO_NB_PROFILE": ""}, *words)

    assert seen["cwd"] == str(tmp_path / "notebooks")
    assert seen["SYNCRO_NB_CONFIG"] == str(tmp_path / "syncro.yaml")
    assert seen["SYNCRO_NB_PROFILE"] == profile
    assert seen["SYNCRO_NB_HOME"] == str(tmp_path / "data")
    assert "SYNCRO_NB_API_KEY" not in seen
    assert f"{'other' if words else 'your'}-shop.syncromsp.com" in done.stdout


def test_a_relative_configuration_is_made_absolute_and_the_sandbox_is_announced(
    tmp_path: Path, isolated: Callable[[Path], dict[str, str]]
) -> None:
    (tmp_path / "mine.yaml").write_text("")
    done, seen = start_lab(tmp_path, isolated(tmp_path) | {"SYNCRO_NB_CONFIG": "mine.yaml"})

    assert seen["SYNCRO_NB_CONFIG"] == str(tmp_path / "mine.yaml")
    assert "the built-in sandbox (invented data)" in done.stdout


def test_the_words_syncro_mean_this_program_in_labs_terminal(tmp_path: Path) -> None:
    found = lab.surroundings({"NAME": "value"}, tmp_path)

    assert found["PATH"].split(os.pathsep)[0] == sysconfig.get_path("scripts")
    assert found["NAME"] == "value"
    assert not any(
        "shell_command" in word and '"-l"' in word for word in lab.lab_command(tmp_path, port=1, settings=tmp_path)
    )


def test_a_home_that_cannot_be_written_is_spared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "nowhere"))
    monkeypatch.delenv("IPYTHONDIR", raising=False)

    found = lab.surroundings({"JUPYTER_DATA_DIR": "mine"}, tmp_path)

    assert found["IPYTHONDIR"] == str(tmp_path / "ipythondir")
    assert found["JUPYTER_DATA_DIR"] == "mine"


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
def test_what_a_killed_kernel_of_the_demo_leaves_goes_with_the_demo(started: Start, tmp_path: Path) -> None:
    child = started(DEMO_LEFT)
    next_line(child, seconds=60)
    for _ in range(600):
        if (tmp_path / "notebooks" / "left").exists():
            break
        threading.Event().wait(0.1)
    child.send_signal(signal.SIGTERM)

    assert child.wait(timeout=30) == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("syncro")] == []


@sends_signals
def test_the_sandbox_alone_says_its_url_and_key_and_ends_when_asked(started: Start) -> None:
    child = started(SANDBOX)

    url, key = (next_line(child, seconds=30).strip().split(": ", 1)[1] for _ in range(2))
    assert json.loads(direct(f"{url}/tickets?api_key={key}"))["tickets"]
    child.send_signal(signal.SIGTERM)

    assert child.wait(timeout=30) == 0


def start_lab(
    folder: Path, environment: dict[str, str], *words: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """`syncro lab notebooks` in `folder`, and what the program in Lab's place found."""
    command = [sys.executable, "-c", LAB_VERB, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done, json.loads((folder / "notebooks" / "seen.json").read_text())


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
