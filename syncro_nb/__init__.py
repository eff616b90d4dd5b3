"""syncro_nb: triage, billing and invoice reconciliation for MSPs that run on Syncro.

`connect()` gives the workspace that the notebooks use. Importing this package opens no file and no socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .workspace import Workspace, connect, practice, practice_ledger

__version__ = "0.1.0"
__all__ = ["Workspace", "__version__", "connect", "practice", "practice_ledger"]


def __getattr__(name: str) -> object:
    if name in ("connect", "practice", "practice_ledger", "Workspace"):
        from . import workspace

        return getattr(workspace, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext syncro_nb`: the `%syncro` magic."""
    from . import magic

    magic.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext syncro_nb`: closes what the magic has opened."""
    from . import magic

    magic.unload(shell)
