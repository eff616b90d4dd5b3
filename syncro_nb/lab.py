"""JupyterLab on a folder of our notebooks: with the configured account, or with the sandbox for a demonstration.

Lab runs as a child of its own session, on loopback only, with a new random token. Ctrl-C, SIGTERM and a closed
terminal stop it, its kernels, and the sandbox; nothing of it stays behind.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import quote

from .clock import SystemClock
from .errors import ConfigError

if TYPE_CHECKING:
    from .sandbox import Sandbox

FIRST = "00_start_here.ipynb"
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}

USUAL_PORT = 8765
AFTERNOON = time(16, 30)

_POLL_SECONDS = 0.2
_STOP_SECONDS = 15.0  # a busy kernel gets five of these before Lab kills it

Announce = Callable[[str], None]


def notebooks_source() -> Path:
    """The folder of the curated notebooks: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise ConfigError("this installation of syncro_nb has no notebooks: install it again")


def prepare(folder: Path) -> list[Path]:
    """Copies the curated notebooks into `folder` and returns the copies; what is there already stays as it is."""
    source = notebooks_source()
    copied = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(source.glob("*.ipynb")):
            target, content = folder / notebook.name, notebook.read_bytes()
            with suppress(FileExistsError), target.open("xb") as file:
                file.write(content)
                copied.append(target)
    except OSError as error:
        raise ConfigError(f"cannot put the notebooks into {folder}: {error.strerror}; name another folder") from error
    return copied


def outdated(folder: Path) -> list[str]:
    """The names of the copies in `folder` whose cells differ from ours while ours are newer, as after an update."""
    found = []
    for ours in sorted(notebooks_source().glob("*.ipynb")):
        yours = folder / ours.name
        with suppress(OSError):  # one that cannot be read is Lab's to report
            if yours.stat().st_mtime < ours.stat().st_mtime and _cells(yours) != _cells(ours):
                found.append(ours.name)
    return found


def _cells(notebook: Path) -> object:
    """What is written in the cells, without outputs; the bytes of a file that is no notebook."""
    content = notebook.read_bytes()
    try:
        return ["".join(cell["source"]) for cell in json.loads(content)["cells"]]
    except (ValueError, LookupError, TypeError):
        return content


def put_notebooks(folder: Path, announce: Announce) -> list[Path]:
    """`prepare`, and one line on the copies that an update of ours has left behind."""
    copied = prepare(folder)
    if behind := outdated(folder):
        announce(
            f"Newer here than in {folder}: {', '.join(behind)}. Yours is kept; rename it, and start again, for ours."
        )
    return copied


def run_lab(
    folder: Path,
    *,
    environment: Mapping[str, str],
    open_browser: bool,
    first: str = FIRST,
    ours: Iterable[Path] = (),
    announce: Announce,
) -> int:
    """Runs JupyterLab on `folder` until it is stopped (0) or ends by itself (its own status).

    The kernels see `environment` on top of ours. `ours` are new copies of our notebooks, which Lab may trust. `announce`
    gets one line with the address once Lab answers.
    """
    with _stop_requests() as stop:
        return _run_until(stop, folder, environment, open_browser, first, ours, announce)


def demo(folder: Path, *, open_browser: bool, port: int | None, announce: Announce) -> int:
    """The same on the built-in sandbox, which listens on `port` (any free one without it); puts the notebooks there.

    Account, mirror, journal and Lab's own layout are those of a temporary folder, so that nothing real is touched.
    """
    from .sandbox import DEMO_DAY, serve

    _require_jupyterlab()
    copied = put_notebooks(folder, announce)
    with (
        _stop_requests() as stop,
        tempfile.TemporaryDirectory(prefix="syncro-demo-", ignore_cleanup_errors=True) as home,
        serve(made_up_to(DEMO_DAY), port=port or 0) as sandbox,
    ):
        announce(f"Sandbox:    {sandbox.url}  (invented data, key {sandbox.key}; gone when this ends)")
        temporary, configuration = Path(home, "tmp"), Path(home, "syncro.yaml")
        temporary.mkdir()
        configuration.write_text("")  # empty, so that no syncro.yaml of the person's has a say in the demo
        environment = {
            "SYNCRO_NB_CONFIG": str(configuration),
            "SYNCRO_NB_PROFILE": "sandbox",
            "SYNCRO_NB_URL": sandbox.url,
            "SYNCRO_NB_API_KEY": sandbox.key,
            "SYNCRO_NB_HOME": str(Path(home, "data")),
            "SYNCRO_NB_RATE": "100000/60",  # it is ours, and is to be read in full: nobody waits for a made-up limit
            "JUPYTERLAB_WORKSPACES_DIR": str(Path(home, "workspaces")),
            # What a kernel that is killed leaves in its temporary folder goes with ours.
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
        }
        return _run_until(stop, folder, environment, open_browser, FIRST, copied, announce)


def serve_sandbox(*, today: date | None, seed: int, size: str, port: int | None, announce: Announce) -> int:
    """Serves the sandbox alone until it is stopped: on `port`, or without one on 8765 or, if that is taken, on any."""
    from .sandbox import serve

    sandbox = made_up_to(today, seed=seed, size=size)
    with _stop_requests() as stop:
        try:
            server = serve(sandbox, USUAL_PORT if port is None else port)
        except ConfigError:
            if port is not None:
                raise
            server = serve(sandbox)
        with server:
            announce(f"URL: {server.url}")
            announce(f"key: {server.key}")
            announce("Ctrl-C stops it.")
            while not stop.wait(_POLL_SECONDS):
                pass
    return 0


def made_up_to(today: date | None, *, seed: int = 1, size: str = "small") -> Sandbox:
    """A sandbox whose clock runs from the afternoon of `today`; without a day, from now, with data up to yesterday."""
    from .sandbox import RunningClock, Sandbox, Switches

    if today is None:
        now = SystemClock().now()
        yesterday = now.astimezone(Switches().zone).date() - timedelta(days=1)
        return Sandbox(today=yesterday, seed=seed, size=size, clock=RunningClock(now))
    start = datetime.combine(today, AFTERNOON, Switches().zone)
    return Sandbox(today=today, seed=seed, size=size, clock=RunningClock(start))


def lab_command(folder: Path, *, port: int, settings: Path) -> list[str]:
    """The command that starts JupyterLab; writes Lab's default settings, without pop-ups, into `settings`."""
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "overrides.json").write_text(json.dumps(SETTINGS), "utf-8")
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.log_level=WARN", "--LabApp.log_level=WARN"),
        f"--ServerApp.root_dir={folder.resolve()}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--LabApp.app_settings_dir={settings}",
        "--KernelManager.transport_encryption=auto",
        # Nothing times out between a browser and a server of one machine; Jupyter's own numbers make Tornado warn.
        '--ServerApp.tornado_settings={"ws_ping_interval": 0}',
    ]
    if sys.platform != "win32":  # not a login shell: /etc/profile would put the PATH of the system first again
        shell = os.environ.get("SHELL") or shutil.which("bash") or "/bin/sh"
        command.append(f"--ServerApp.terminado_settings={json.dumps({'shell_command': [shell]})}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts `command` in a session of its own, so that a Ctrl-C in the terminal reaches us and not it."""
    if sys.platform == "win32":
        return subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
        )
    return subprocess.Popen(
        command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True
    )


def sign(ours: Iterable[Path], environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    """Starts signing our own notebooks, if any, so that Jupyter trusts their outputs; without it Lab warns at each."""
    paths = [str(path.resolve()) for path in ours]
    if not paths:
        return None
    command = [sys.executable, "-m", "nbformat.sign", *paths]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=dict(environment), stdin=quiet, stdout=quiet, stderr=quiet)


def stop_group(child: subprocess.Popen[bytes]) -> None:
    """Asks the child's whole group to end, which makes Lab shut its kernels down, and kills what does not."""
    if child.poll() is not None:
        return
    if sys.platform == "win32":
        child.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        if sys.platform == "win32":
            child.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def surroundings(environment: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """What Lab and its kernels find: ours, `environment`, the `syncro` command, and folders that can be written."""
    found = {**os.environ, **environment}
    # The terminal of Lab and `!syncro` in a cell mean the program that is running now.
    found["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), found.get("PATH", os.defpath)])
    if not os.access(Path.home(), os.W_OK):
        places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        found = {**{name: str(temporary / name.lower()) for name in places}, **found}
    return found


def answers(port: int) -> bool:
    """Whether a Jupyter server answers on this port of loopback; no proxy is asked."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}/api", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except (OSError, http.client.HTTPException):
        return False


def _run_until(
    stop: threading.Event,
    folder: Path,
    environment: Mapping[str, str],
    open_browser: bool,
    first: str,
    ours: Iterable[Path],
    announce: Announce,
) -> int:
    _require_jupyterlab()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot open the folder {folder}: {error.strerror}; name another one") from error
    token, port = secrets.token_urlsafe(24), free_port()
    page = f"/lab/tree/{quote(first)}" if (folder / first).is_file() else "/lab"
    with tempfile.TemporaryDirectory(prefix="syncro-lab-", ignore_cleanup_errors=True) as temporary:
        command = lab_command(folder, port=port, settings=Path(temporary, "settings"))
        around = surroundings(environment, Path(temporary))
        signing = sign(ours, around)
        child = start(command, folder, {**around, "JUPYTER_TOKEN": token})
        try:
            ready = False
            while not stop.is_set() and child.poll() is None:
                if not ready and (signing is None or signing.poll() is not None) and answers(port):
                    ready = True
                    address = f"http://127.0.0.1:{port}{page}?token={token}"
                    announce(f"JupyterLab: {address}  (Ctrl-C stops it)")
                    if open_browser:
                        webbrowser.open(address)
                stop.wait(_POLL_SECONDS)
        finally:
            ended_with = child.poll()
            stop_group(child)
            if signing is not None:
                signing.wait()
    if ended_with is None or stop.is_set():
        return 0
    status = ended_with if ended_with >= 0 else 128 - ended_with  # what a shell reports for a signal
    if status != 0:
        announce(f"JupyterLab ended by itself with status {status}; its own messages above say why.")
    return status


def _require_jupyterlab() -> None:
    if importlib.util.find_spec("jupyterlab") is None:
        raise ConfigError('JupyterLab is not installed in this Python: python -m pip install "jupyterlab>=4.4,<5"')


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM or a closed terminal sets, instead of ending this process at once."""
    stop = threading.Event()

    def request(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {}
    if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
        for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # nohup
                before[number] = signal.signal(number, request)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
