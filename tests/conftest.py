"""Every test runs without the network, without the developer's account, and without the developer's folders."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are made says nothing of the code: it is noise of the machine, and building hypothesis' own tables of
# characters takes a second in a fresh clone.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# A shell without job control starts what it puts into the background with Ctrl-C ignored, and so would every child.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]

# Whatever Python, Jupyter or this package would look up in somebody's home, and where it lies in a test's own folder.
FOLDERS = {
    "HOME": "home",
    "XDG_CONFIG_HOME": "home/config",
    "XDG_DATA_HOME": "home/data",
    "XDG_CACHE_HOME": "home/cache",
    "SYNCRO_NB_HOME": "syncro",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter/config",
    "JUPYTER_DATA_DIR": "jupyter/data",
    "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
    "JUPYTERLAB_SETTINGS_DIR": "jupyter/settings",
    "JUPYTERLAB_WORKSPACES_DIR": "jupyter/workspaces",
}


@pytest.fixture(scope="session")
def isolated() -> Callable[[Path], dict[str, str]]:
    """The environment for a child process that sees the sandbox, and of all personal folders only those in `folder`."""

    def environment(folder: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNCRO_NB_", "JUPYTER"))}
        places = {name: str(folder / place) for name, place in FOLDERS.items()}
        return {**kept, **places, "PYTHONPATH": str(ROOT), "SYNCRO_NB_PROFILE": "sandbox"}

    return environment


@pytest.fixture(autouse=True)
def _nobodys_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No account in the environment, in the home, or as a syncro.yaml in the current folder."""
    for name in [name for name in os.environ if name.startswith("SYNCRO_NB_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "SYNCRO_NB_HOME"):
        monkeypatch.setenv(name, str(tmp_path / FOLDERS[name]))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Connecting or looking up a name beyond this machine fails the test; a `.invalid` name just does not exist."""
    look_up = socket.getaddrinfo

    def is_here(host: Any) -> bool:
        return host in (None, "", "localhost", "::1") or str(host).startswith("127.")

    def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
        def guard(self: socket.socket, address: Any) -> Any:
            if isinstance(address, tuple) and not is_here(address[0]):  # a tuple: anything but a Unix socket
                pytest.fail(f"a test tried to connect to {address[0]}; only loopback is allowed")
            return connect(self, address)

        return guard

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not is_here(name) and str(name).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not is_here(name):
            pytest.fail(f"a test tried to look up {name}; only loopback is allowed")
        return look_up(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield
