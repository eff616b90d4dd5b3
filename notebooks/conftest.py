"""For nbval, which runs no fixtures: each notebook gets the sandbox, and nothing of the developer's.

The kernels inherit this environment. Each notebook has a data folder of its own, so that none depends on another.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

_patch = pytest.MonkeyPatch()
_home = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    session.stash[_home] = home = tempfile.TemporaryDirectory(prefix="syncro-nbval-", ignore_cleanup_errors=True)
    for name in [name for name in os.environ if name.startswith("SYNCRO_NB_")]:
        _patch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        _patch.setenv(name, str(Path(home.name, name)))
    _patch.setenv("SYNCRO_NB_PROFILE", "sandbox")


@pytest.hookimpl(tryfirst=True)  # before the notebook of this cell starts its kernel
def pytest_runtest_setup(item: pytest.Item) -> None:
    _patch.setenv("SYNCRO_NB_HOME", str(Path(item.session.stash[_home].name, item.path.stem)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    _patch.undo()
    session.stash[_home].cleanup()
