"""A desk for tests: a sandbox, a clock that stands still, and a workspace between them."""

import functools
import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime

from syncro_nb import config
from syncro_nb.clock import StillClock
from syncro_nb.sandbox import Sandbox
from syncro_nb.secret import Secret
from syncro_nb.service.client import Client
from syncro_nb.service.transport import Transport
from syncro_nb.workspace import Workspace
from syncro_nb.writes.bill import BillDraft

HALF_AN_HOUR = BillDraft(ticket_number=32164, minutes=30, labour="remote", text="Cleared the print queue")


@functools.cache
def _as_made():
    """The small account, made once: making it takes longer than most tests."""
    return pickle.dumps(Sandbox().dump())


class Desk:
    """`ws` is the workspace; `restart()` gives another one on the same journal, as after a crash."""

    def __init__(self, home, sandbox=None):
        self.clock = StillClock(datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
        self.sandbox = sandbox or Sandbox.load(pickle.loads(_as_made()), clock=lambda: self.clock.now())
        self.config = replace(config.load({"SYNCRO_NB_HOME": str(home)}, folder=home), url=None)
        self.opened = []
        self.ws = self.restart()

    def restart(self, boot=None):
        if boot:
            self.clock.boot = boot
        transport = Transport("http://sandbox/api/v1", Secret("sandbox"), clock=self.clock, inside=self.sandbox.handle)
        self.ws = Workspace(self.config, Client(transport), self.clock)
        self.opened.append(self.ws)
        return self.ws

    def bill(self, draft=HALF_AN_HOUR, progress=None):
        plan = self.ws.plan_bill(draft)
        return self.ws.apply(plan, confirm=plan.ticket_number, progress=progress)

    def ask(self, method, path, body=None):
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sandbox"}
        answer = self.sandbox.handle(method, path, headers, content)
        return json.loads(answer.body) if answer.body else None

    def fault(self, match, kind, **more):
        self.ask("POST", "/_sandbox/faults", [{"match": match, "kind": kind, **more}])

    def writes(self):
        """What the server received that changes something, in order, each with its status."""
        rows = self.ask("GET", "/_sandbox/log")
        return [
            (row["method"], row["path"].rsplit("/", 1)[-1], row["status"]) for row in rows if row["method"] != "GET"
        ]

    def posts(self, name):
        return [one for one in self.writes() if one[1] == name]

    def ticket(self):
        return self.ws.ticket(32164)

    def close(self):
        for one in self.opened:
            one.close()
