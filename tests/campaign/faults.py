"""What goes wrong, and when: on the wire (an answer is lost, bent or late), or at a seam (a kill, a full disk, a person).

`WIRE` holds the kinds of a write's request by name, each a function of (world, ask, deliver): `deliver()` lets the server do
it. `SEAM` holds what may happen at a yield point. A fault that `lasts` goes on until the world is mended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from sqlite3 import OperationalError
from typing import Any

import httpx

from syncro_nb.sandbox.emulator import Answer

from .world import TIMEOUT_SECONDS, Ask, Life, World

Deliver = Callable[..., Answer]
Act = Callable[[World, Ask, Deliver], Answer]

REFUSED = (400, 401, 403, 404, 409, 422)
OPEN_STATUSES = (301, 302, 303, 307, 308, 402, 405, 408, 410, 418, 451, 500, 501, 502, 503, 504, 520, 599)
_DIFFERENT = "Something else was done"


class Fault:
    """Nothing goes wrong."""

    lasts = False

    def takes(self, world: World, ask: Ask) -> bool:
        """Whether it answers this request."""
        return False

    def answer(self, world: World, ask: Ask, deliver: Deliver) -> Answer:
        """What the client gets."""
        return deliver()

    def at_seam(self, world: World, life: Life, label: str, place: int) -> None:
        """A process passes a yield point."""


@dataclass
class OnWire(Fault):
    """A fault on the requests of one operation, from the `nth` on, `times` of them (None: until it is mended)."""

    operation: str
    act: Act
    nth: int = 0
    times: int | None = 1

    @property
    def lasts(self) -> bool:  # type: ignore[override]
        """Whether it goes on until it is mended."""
        return self.times is None

    def takes(self, world: World, ask: Ask) -> bool:
        if self.operation not in ("*", ask.operation) or ask.nth < self.nth:
            return False
        if self.times is not None:
            self.times -= 1
            return self.times >= 0
        return True

    def answer(self, world: World, ask: Ask, deliver: Deliver) -> Answer:
        return self.act(world, ask, deliver)


@dataclass
class OnRequest(Fault):
    """A fault on the request of that number, whatever it asks."""

    number: int
    act: Act

    def takes(self, world: World, ask: Ask) -> bool:
        self.number -= 1
        return self.number == -1

    def answer(self, world: World, ask: Ask, deliver: Deliver) -> Answer:
        return self.act(world, ask, deliver)


@dataclass
class HeldBack(Fault):
    """A request waits in this machine, its intent on record, before it leaves."""

    operation: str
    nth: int
    seconds: float

    def at_seam(self, world: World, life: Life, label: str, place: int) -> None:
        if label == f"send {self.operation}":
            self.nth -= 1
            if self.nth == -1:
                world.true += self.seconds


@dataclass
class AtSeam(Fault):
    """Something happens once, at the yield point of that number."""

    place: int
    act: Callable[[World, Life], None]

    def at_seam(self, world: World, life: Life, label: str, place: int) -> None:
        if place == self.place:
            self.act(world, life)


# ---------------------------------------------------------------- answers


def reply(status: int, body: Any = None, **headers: str) -> Answer:
    """An answer that is not the sandbox's own."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Answer(
        status, {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}, data
    )


_HTML = b"<!DOCTYPE html><html><body><h1>Please sign in to the guest network</h1></body></html>"


def _lose(error: type[httpx.HTTPError], *, done: bool, seconds: float = 0.0) -> Act:
    def act(world: World, ask: Ask, deliver: Deliver) -> Answer:
        if done:
            deliver()
        world.true += seconds
        raise error("lost")

    return act


def _not_sent(error: type[httpx.HTTPError]) -> Act:
    def act(world: World, ask: Ask, deliver: Deliver) -> Answer:
        if ask.writes:
            world.never_arrived()
        raise error("not sent")

    return act


def _late(seconds: float, *, times_out: bool = False) -> Act:
    def act(world: World, ask: Ask, deliver: Deliver) -> Answer:
        world.later(seconds, deliver)
        if times_out:
            world.true += TIMEOUT_SECONDS
            world.arrive_late()
            raise httpx.ReadTimeout("no answer")
        return Answer(0, {}, b"")

    return act


def instead(make: Callable[[Answer], Answer], *, done: bool) -> Act:
    """Another answer than the server's, which did it or did not."""

    def act(world: World, ask: Ask, deliver: Deliver) -> Answer:
        return make(deliver() if done else reply(200, {}))

    return act


def _status(status: int, **headers: str) -> Callable[[Answer], Answer]:
    body = {"error": "It cannot be done"} if status < 500 else _HTML
    return lambda _: reply(status, body, **headers)


def _bend(change: Callable[[dict[str, Any]], Any]) -> Callable[[Answer], Answer]:
    """The server's answer with something changed in its record."""

    def make(answer: Answer) -> Answer:
        data = json.loads(answer.body)
        inner = next((value for value in data.values() if isinstance(value, dict) and "id" in value), data)
        change(inner)
        return reply(answer.status, data)

    return make


def _twice(seconds: float = 0.0, *, second: bool = False) -> Act:
    def act(world: World, ask: Ask, deliver: Deliver) -> Answer:
        answer = deliver()
        if seconds:
            world.later(seconds, deliver)
            return answer
        again = deliver()
        return again if second else answer

    return act


def _forgotten(world: World, ask: Ask, deliver: Deliver) -> Answer:
    """It is answered as if it were done, and not kept."""
    account, before = world.sandbox._account, world.ids()
    answer = deliver()
    made = world.ids() - before
    world.removed |= made
    for table, number in made:
        if table == "invoices":
            world.person("DELETE", f"/invoices/{number}")
        else:
            rows = getattr(account, table)
            rows.remove(rows.rows[number])
    return answer


def _old_id(world: World, ask: Ask, deliver: Deliver) -> Answer:
    """The answer names a record that was there before."""
    table = {"comment": "comments", "invoices": "invoices"}.get(ask.operation.rsplit("/", 1)[-1], "ticket_lines")
    old = next((number for name, number in sorted(world.before) if name == table), 1)
    return _bend(lambda record: record.update(id=old))(deliver())


_ANSWERS: dict[str, Callable[[Answer], Answer]] = {
    **{f"{status}": _status(status, Location="http://sandbox/api/v1/tickets") for status in OPEN_STATUSES},
    "half of the answer": lambda answer: reply(
        200, answer.body[: len(answer.body) // 2] if len(answer.body) > 3 else b'{"comm'
    ),
    "a web page": lambda _: reply(200, _HTML),
    "nothing, 200": lambda _: reply(200),
    "nothing, 204": lambda _: reply(204),
    "null": lambda _: reply(200, b"null"),
    "an empty list": lambda _: reply(200, []),
    "an empty object": lambda _: reply(200, {}),
    "another object": lambda _: reply(200, {"payment": {"id": 7, "success": True}, "success": True}),
    "an error, 200": lambda _: reply(200, {"success": False, "message": ["It cannot be done"]}),
    "an id that is none": lambda _: reply(
        200, {"comment": {"id": None}, "invoice": {"id": "x"}, "ticket": {"id": []}, "id": None}
    ),
}

WIRE: dict[str, Act] = {
    "no connection": _not_sent(httpx.ConnectError),
    "no connection in time": _not_sent(httpx.ConnectTimeout),
    "time-out, not done": _lose(httpx.ReadTimeout, done=False, seconds=TIMEOUT_SECONDS),
    "time-out, done": _lose(httpx.ReadTimeout, done=True, seconds=TIMEOUT_SECONDS),
    "write time-out, not done": _lose(httpx.WriteTimeout, done=False, seconds=TIMEOUT_SECONDS),
    "write time-out, done": _lose(httpx.WriteTimeout, done=True, seconds=TIMEOUT_SECONDS),
    "reset, not done": _lose(httpx.ReadError, done=False),
    "reset, done": _lose(httpx.ReadError, done=True),
    "broken protocol, not done": _lose(httpx.RemoteProtocolError, done=False),
    "broken protocol, done": _lose(httpx.RemoteProtocolError, done=True),
    "late by 3 s": _late(3),
    "late by 55 s, time-out": _late(55, times_out=True),
    "late by 75 s, time-out": _late(75, times_out=True),
    "late by 100 s": _late(100),
    "late by 119 s": _late(119),
    **{f"{status}": instead(_status(status), done=False) for status in REFUSED},
    "429": instead(_status(429), done=False),
    "429, Retry-After": instead(_status(429, Retry_After="7"), done=False),
    "429, a page": instead(lambda _: reply(429, b"Retry later\n"), done=False),
    **{f"{name}, not done": instead(make, done=False) for name, make in _ANSWERS.items()},
    **{f"{name}, done": instead(make, done=True) for name, make in _ANSWERS.items()},
    "an old record's id": _old_id,
    "id 0": instead(_bend(lambda record: record.update(id=0)), done=True),
    "answered, not kept": _forgotten,
}
DOUBLED: dict[str, Act] = {
    "delivered twice": _twice(),
    "delivered twice, second answer": _twice(second=True),
    "delivered again after 20 s": _twice(20.0),
}
BEYOND: dict[str, Act] = {"late by 600 s": _late(600), "late by 4000 s": _late(4000)}
HUGE: Act = instead(lambda _: reply(200, b" " * 16_000_001), done=True)
LASTING = ("no connection", "time-out, not done", "401", "403", "429", "503, not done", "a web page, not done")

READ: dict[str, Act] = {
    "no connection": _not_sent(httpx.ConnectError),
    "time-out": _lose(httpx.ReadTimeout, done=False, seconds=TIMEOUT_SECONDS),
    "reset": _lose(httpx.ReadError, done=False),
    "401": instead(_status(401), done=False),
    "403": instead(_status(403), done=False),
    "404": instead(_status(404), done=False),
    "422": instead(_status(422), done=False),
    "429": instead(_status(429, Retry_After="3"), done=False),
    "500": instead(_status(500), done=False),
    "503": instead(_status(503), done=False),
    "302": instead(_status(302, Location="http://elsewhere/"), done=False),
    "half of the answer": instead(_ANSWERS["half of the answer"], done=True),
    "a web page": instead(_ANSWERS["a web page"], done=False),
    "nothing, 200": instead(_ANSWERS["nothing, 200"], done=False),
    "null": instead(_ANSWERS["null"], done=False),
    "an empty list": instead(_ANSWERS["an empty list"], done=False),
    "an empty object": instead(_ANSWERS["an empty object"], done=False),
}


# ---------------------------------------------------------------- fields that the server loses or changes


def drop_field(name: str) -> Act:
    """The server never sees this field of the body."""

    def act(world: World, ask: Ask, deliver: Deliver) -> Answer:
        return deliver(ask.with_fields({key: value for key, value in ask.fields.items() if key != name}))

    return act


def alter_field(name: str, value: Any) -> Act:
    """The server takes another value for this field."""

    def act(world: World, ask: Ask, deliver: Deliver) -> Answer:
        return deliver(ask.with_fields({**ask.fields, name: value}))

    return act


def others(value: Any) -> dict[str, Any]:
    """Values that are not this one, by a word for each."""
    if isinstance(value, bool):
        return {"turned": not value}
    if isinstance(value, int | float):
        return {"more": value + 1, "ten times": value * 10, "nothing": 0, "none": None, "a little more": value + 0.01}
    text = str(value)
    return {
        "other": _DIFFERENT,
        "cut": text[: len(text) // 2],
        "longer": f"{text} and more",
        "one letter": f"{text[:2]}#{text[3:]}",
        "upper case": text.upper(),
        "line breaks lost": text.replace("\n", " "),
        "without its last line": text.rpartition("\n")[0] or text[:-1],
    }


def _within(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A record inside a body with each of its fields dropped or changed."""
    for name, value in record.items():
        yield f"{name} dropped", {key: inner for key, inner in record.items() if key != name}
        for word, other in others(value).items():
            if other != value:
                yield f"{name} {word}", {**record, name: other}


# What is stored is not what was answered: (table, column, another value).
STORED: dict[str, list[tuple[str, str, Callable[[Any], Any]]]] = {
    "POST /tickets/*/comment": [
        ("comments", "body", lambda value: _DIFFERENT),
        ("comments", "subject", lambda value: _DIFFERENT),
        ("comments", "hidden", lambda value: not value),
    ],
    "POST /tickets/*/add_line_item": [
        ("ticket_lines", "name", lambda value: _DIFFERENT),
        ("ticket_lines", "description", lambda value: _DIFFERENT),
        ("ticket_lines", "quantity", lambda value: "5.0"),
        ("ticket_lines", "retail_cents", lambda value: value - 1),
        ("ticket_lines", "taxable", lambda value: not value),
        ("ticket_lines", "product_id", lambda value: None),
    ],
    "POST /tickets/*/charge_timer_entry": [
        ("ticket_lines", "quantity", lambda value: "5.0"),
        ("ticket_lines", "retail_cents", lambda value: value - 1),
        ("ticket_lines", "taxable", lambda value: not value),
    ],
    "POST /invoices": [
        ("invoices", "subtotal_cents", lambda value: value + 1),
        ("invoices", "tax_cents", lambda value: value - 1),
        ("invoices", "total_cents", lambda value: value + 1),
        ("invoices", "ticket_id", lambda value: None),
        ("invoice_lines", "quantity", lambda value: "5.0"),
        ("invoice_lines", "price_cents", lambda value: value - 1),
        ("invoice_lines", "name", lambda value: _DIFFERENT),
        ("invoice_lines", "taxable", lambda value: not value),
        ("invoice_lines", "product_id", lambda value: value and 26117),  # Syncro may find one where there is none
    ],
    "POST /tickets": [
        ("tickets", "subject", lambda value: _DIFFERENT),
        ("tickets", "priority", lambda value: "3 Low"),
        ("comments", "body", lambda value: _DIFFERENT),
        ("comments", "hidden", lambda value: not value),
    ],
    "PUT /tickets/*": [
        ("tickets", "status", lambda value: "New"),
        ("tickets", "priority", lambda value: "3 Low"),
    ],
    "PUT /tickets/*/update_line_item": [
        ("ticket_lines", "retail_cents", lambda value: value - 1),
        ("ticket_lines", "taxable", lambda value: not value),
    ],
    "POST /tickets/*/timer_entry": [
        ("timers", "notes", lambda value: _DIFFERENT),
        ("timers", "product_id", lambda value: 26117),
        ("timers", "start_time", lambda value: value - 60_000),
    ],
    "PUT /tickets/*/update_timer_entry": [
        ("timers", "billable_override", lambda value: 60),
    ],
    "POST /payments": [
        ("payments", "amount_cents", lambda value: value - 1),
        ("payments", "payment_method", lambda value: "Cash"),
        ("payments", "ref_num", lambda value: "0"),
    ],
    "POST /customers": [
        ("customers", "business_name", lambda value: _DIFFERENT),
        ("customers", "email", lambda value: "other@nimbus.example"),
    ],
    "POST /contacts": [
        ("contacts", "name", lambda value: _DIFFERENT),
        ("contacts", "email", lambda value: "other@nimbus.example"),
    ],
}


def store_otherwise(table: str, column: str, change: Callable[[Any], Any]) -> Act:
    """It is answered as sent, and kept otherwise."""

    def act(world: World, ask: Ask, deliver: Deliver) -> Answer:
        answer = deliver()
        rows = getattr(world.sandbox._account, table)
        named = {ask.fields.get("ticket_line_item_id"), ask.fields.get("timer_entry_id"), ask.ticket_id}
        row = next((row for row in rows if row["id"] in named), max(rows, key=lambda row: row["id"]))
        rows.change(row, {column: change(row[column])})
        return answer

    return act


# ---------------------------------------------------------------- at a seam


def kill(world: World, life: Life) -> None:
    """The process is gone; another one begins."""
    life.die()


def kill_and_boot(world: World, life: Life) -> None:
    """The machine crashes and boots; the disk kept everything that the system had been given."""
    world.revive = lambda: world.restart(reboot=True)
    life.die()


def cut_power(world: World, life: Life) -> None:
    """The machine goes dark: only what was synced is there afterwards."""
    world.revive = world.lose_power
    life.die()


def tear_power(world: World, life: Life) -> None:
    """The machine goes dark while the last commit was being written."""
    world.revive = lambda: world.lose_power(torn=True)
    life.die()


def interrupt(world: World, life: Life) -> None:
    """Ctrl-C, or the notebook's stop button."""
    raise KeyboardInterrupt


def fill_disk(world: World, life: Life) -> None:
    """The disk is full, until it is mended."""
    world.is_full = True


def fill_disk_once(world: World, life: Life) -> None:
    """The disk is full for one commit, and the same process goes on."""
    raise OperationalError("database or disk is full")


def set_clock(seconds: float) -> Callable[[World, Life], None]:
    """Somebody, or the time service, sets the wall clock."""

    def act(world: World, life: Life) -> None:
        world.wall_skew += seconds

    return act


def close_lid(seconds: float) -> Callable[[World, Life], None]:
    """The machine sleeps: the process goes on later, and the world without it."""

    def act(world: World, life: Life) -> None:
        world.true += seconds

    return act


def begin(act: Act) -> Callable[[World, Life], None]:
    """From here on every request meets this, until it is mended."""

    def at(world: World, life: Life) -> None:
        world.faults.append(OnWire("*", act, times=None))

    return at


SEAM: dict[str, Callable[[World, Life], None]] = {
    "kill": kill,
    "kill, boot": kill_and_boot,
    "power cut": cut_power,
    "power cut, torn": tear_power,
    "Ctrl-C": interrupt,
    "disk full": fill_disk,
    "disk full once": fill_disk_once,
    "lid closed for 100 s": close_lid(100.0),
    "lid closed for an hour": close_lid(3600.0),
    "clock back a day": set_clock(-86_400),
    "clock on a day": set_clock(86_400),
    "key revoked": begin(READ["401"]),
    "network down": begin(READ["no connection"]),
    "Syncro down": begin(READ["503"]),
}


# ---------------------------------------------------------------- other people


def _path(world: World, number: int, more: str) -> str:
    return f"/tickets/{world.ticket(number)['id']}{more}"


def _newest_line(world: World, number: int) -> dict[str, Any] | None:
    rows = world.sandbox._account.ticket_lines.where("ticket_id", world.ticket(number)["id"])
    return rows[-1] if rows else None


def _comments(world: World, number: int) -> None:
    for word in ("Thanks", "One more thing", "And another"):
        world.person("POST", _path(world, number, "/comment"), {"subject": "Re", "body": word})


def _adds_line(world: World, number: int) -> None:
    part = {"name": "Cable", "description": "2 m", "quantity": 1, "price_retail": 10}
    world.person("POST", _path(world, number, "/add_line_item"), part)


def _adds_same_line(world: World, number: int) -> None:
    """A colleague bills the same work by hand."""
    line = {
        "product_id": 1190473,
        "name": "Labor - Remote",
        "description": "Cleared the print queue",
        "quantity": 0.5,
        "price_retail": 150,
        "taxable": True,
    }
    world.person("POST", _path(world, number, "/add_line_item"), line)


def _charges_timer(world: World, number: int) -> None:
    timers = world.sandbox._account.timers.where("ticket_id", world.ticket(number)["id"])
    free = [row["id"] for row in timers if not row["recorded"]]
    if free:
        world.person("POST", _path(world, number, "/charge_timer_entry"), {"timer_entry_id": free[0]})


def _invoices(world: World, number: int) -> None:
    ticket = world.ticket(number)
    world.person("POST", "/invoices", {"ticket_id": ticket["id"], "customer_id": ticket["customer_id"]})


def _changes_status(world: World, number: int) -> None:
    world.person("PUT", _path(world, number, ""), {"status": "Waiting on Customer"})


def _invoices_status(world: World, number: int) -> None:
    world.person("PUT", _path(world, number, ""), {"status": "Invoiced"})


def _changes_customer(world: World, number: int) -> None:
    customers = world.sandbox._account.customers
    own = customers.rows[world.ticket(number)["customer_id"]]
    fits = [row for row in customers if row["tax_rate_id"] == own["tax_rate_id"] and not row["prepay_hours"]]
    other = next(row["id"] for row in fits if row["id"] != own["id"])
    world.person("PUT", _path(world, number, ""), {"customer_id": other})


def _deletes_line(world: World, number: int) -> None:
    line = _newest_line(world, number)
    if line:
        world.person("POST", _path(world, number, "/remove_line_item"), {"ticket_line_item_id": line["id"]})


def reprice(world: World, number: int, dollars: int) -> None:
    """Somebody gives the newest line another price."""
    line = _newest_line(world, number)
    if line:
        body = {"ticket_line_item_id": line["id"], "price_retail": dollars}
        world.person("PUT", _path(world, number, "/update_line_item"), body)


def _changes_price(world: World, number: int) -> None:
    reprice(world, number, 1)


def _deletes_invoice(world: World, number: int) -> None:
    for row in world.rows("invoices", world.ticket(number)["id"]):
        world.person("DELETE", f"/invoices/{row['id']}")


def _quotes(world: World, number: int) -> None:
    """The customer answers by mail with our whole text as the last lines; it has no technician."""
    rows = world.rows("comments", world.ticket(number)["id"])
    text = rows[-1]["body"] if rows else "Hello"
    made = world.person("POST", _path(world, number, "/comment"), {"subject": "Re", "body": text})
    comments = world.sandbox._account.comments
    comments.change(comments.rows[made["comment"]["id"]], {"user_id": None, "tech": "Customer"})


PERSON: dict[str, Callable[[World, int], None]] = {
    "comments": _comments,
    "quotes us": _quotes,
    "adds a line": _adds_line,
    "adds the same line": _adds_same_line,
    "charges a timer": _charges_timer,
    "makes the invoice": _invoices,
    "changes the status": _changes_status,
    "sets it to Invoiced": _invoices_status,
    "changes the customer": _changes_customer,
    "deletes the line": _deletes_line,
    "changes the price": _changes_price,
    "deletes the invoice": _deletes_invoice,
}


def person(act: Callable[[World, int], None], number: int) -> Callable[[World, Life], None]:
    """Somebody is at work on the ticket in Syncro at the same time, if it is still there."""

    def at(world: World, life: Life) -> None:
        if world.sandbox._account.tickets.where("number", number) or act.__module__ != __name__:
            act(world, number)

    return at


def by_fields(fields: Mapping[str, Any]) -> list[tuple[str, Act]]:
    """Every loss and every change of every field of a body, by name."""
    acts: list[tuple[str, Act]] = []
    for name, value in fields.items():
        acts.append((f"{name} dropped", drop_field(name)))
        if isinstance(value, list) and value and isinstance(value[0], dict):
            acts += [(f"{name}: {words}", alter_field(name, [inner])) for words, inner in _within(value[0])]
            continue
        acts += [
            (f"{name} {word}", alter_field(name, other)) for word, other in others(value).items() if other != value
        ]
    return acts
