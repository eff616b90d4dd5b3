"""An embedded Syncro with invented data: what the notebooks, the demo and the tests talk to instead of the real service.

`Sandbox` answers requests as Syncro's API v1 does, quirks included; `serve` puts it on a port of this machine. It is
independent of the client in `service`, so that a misreading of the API by one shows against the other.
"""

from __future__ import annotations

from .emulator import DEMO_DAY, Answer, Sandbox
from .ledger import FORMATS as LEDGERS
from .server import Server, serve
from .switches import Switches
from .times import RunningClock

__all__ = ["DEMO_DAY", "LEDGERS", "Answer", "RunningClock", "Sandbox", "Server", "Switches", "serve"]
