"""A small account whose people go on working while it is read, behind lists with habits of their own.

Between two requests, and so between two pages of one list, rows are made, changed and deleted. Now and then the reader is
killed, and in some accounts a page or some records answer 500 for good. Then everything is quiet and well, one more sync is
made, and the mirror must be the account: no row missing, stale or a ghost.
"""

import functools
import json
from datetime import datetime
from email.utils import format_datetime
from random import Random
from urllib.parse import parse_qs, urlencode

from everything import read_everything
from mirrored import MirrorDesk, latest_hours, wrong_rows

from syncro_nb.errors import Unreachable
from syncro_nb.sandbox import Sandbox
from syncro_nb.sandbox.emulator import Answer
from syncro_nb.service.client import LISTS
from syncro_nb.tables import TABLES

PATHS = {path: wrapper for _, path, wrapper in LISTS.values() if wrapper != "timelogs"}
SINCE = {"since_updated_at": ("updated_at", False), "created_at_gt": ("created_at", True)}
KEY = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}


class Killed(BaseException):
    """The reading process is gone."""


@functools.cache
def small_account():
    """The sandbox's small account with the newest twenty tickets, and what belongs to them."""
    data = Sandbox().dump()
    tables = {name: table["rows"] for name, table in data["account"]["tables"].items()}

    def keep(name, chosen):
        tables[name][:] = [row for row in tables[name] if chosen(row)]

    def ids(name):
        return {row["id"] for row in tables[name]}

    latest = {row["id"] for row in sorted(tables["tickets"], key=lambda row: row["updated_at"])[-20:]}
    keep("tickets", lambda row: row["id"] in latest)
    for name in ("comments", "ticket_lines", "timers"):
        keep(name, lambda row: row["ticket_id"] in latest)
    newest = sorted(ids("invoices"))[-16:]
    keep("invoices", lambda row: row["id"] in newest or row["ticket_id"] in latest)
    keep("invoice_lines", lambda row: row["estimate_id"] or row["invoice_id"] in ids("invoices"))
    keep("payments", lambda row: any(int(one) in ids("invoices") for one in row["applied"]))
    for row in tables["payments"]:
        row["applied"] = {key: value for key, value in row["applied"].items() if int(key) in ids("invoices")}
    keep("products", lambda row: row["id"] % 3 == 0 or row["id"] == data["account"]["default_labor_product_id"])
    keep("timelogs", lambda row: row["id"] % 40 == 0)
    needed = {row["customer_id"] for name in ("tickets", "invoices", "payments") for row in tables[name]}
    keep("customers", lambda row: row["id"] in needed or row["id"] % 3 == 0)
    for name in ("contacts", "phones", "contracts", "schedules", "estimates"):
        keep(name, lambda row: row["customer_id"] in ids("customers"))
    keep("schedule_lines", lambda row: row["schedule_id"] in ids("schedules"))
    return json.dumps(data)


class Habits:
    """How an account's lists behave: page sizes, what `meta` says, in which order rows come, which filters are obeyed."""

    def __init__(self, rng):
        self.size = {wrapper: rng.choice((2, 3, 5, 8, 25)) for wrapper in PATHS.values()}
        self.meta = {wrapper: rng.choice(("pages", "pages", "entries", "entries", "odd")) for wrapper in PATHS.values()}
        for wrapper in ("products", "schedules", "contracts", "payments", "tickets", "ticket_timers"):
            if rng.random() < 0.15:
                self.meta[wrapper] = rng.choice(("alone", "bare"))
        self.order = dict.fromkeys(PATHS.values(), "given")
        for wrapper in PATHS.values():
            if rng.random() < 0.2:
                self.order[wrapper] = rng.choice(("updated", "reversed"))
        self.obeyed = {wrapper: rng.random() < 0.8 for wrapper in ("tickets", "invoices", "ticket_timers")}
        self.obeyed |= {wrapper: rng.random() < 0.3 for wrapper in PATHS.values() if wrapper not in self.obeyed}

    def page(self, wrapper, rows, query):
        """One page of these rows, and what is said about it."""
        number = int(query.get("page", ["1"])[0])
        size, meta = self.size[wrapper], self.meta[wrapper]
        if meta == "alone":
            return {wrapper: rows}
        if meta == "bare":
            size = max(size, 10)
        if self.obeyed[wrapper]:
            for name, (column, is_after) in SINCE.items():
                if name in query:
                    since = datetime.fromisoformat(query[name][0])
                    times = [(row, datetime.fromisoformat(row[column].replace("Z", "+00:00"))) for row in rows]
                    rows = [row for row, at in times if at > since or (at == since and not is_after)]
        if self.order[wrapper] == "reversed":
            rows = rows[::-1]
        elif self.order[wrapper] == "updated":
            rows = sorted(rows, key=lambda row: row.get("updated_at") or "", reverse=True)
        shown = {wrapper: rows[(number - 1) * size : number * size]}
        if meta == "bare":
            return shown
        said = {"total_pages": max(1, -(-len(rows) // size)), "page": number}
        if meta != "pages":
            said |= {"total_entries": len(rows) + 2 * (meta == "odd"), "per_page": size}
        return {**shown, "meta": said}


class ChurnDesk(MirrorDesk):
    """A mirror of an account that never rests while `busy` (changes to a request) is above 0."""

    def __init__(self, home, seed):
        self.rng = Random(seed)
        self.habits = Habits(self.rng)
        self.busy, self.deadly = 0.0, 0.0
        self.written = self.syncs = self.kills = self.requests = 0
        self.lists = {}  # whole lists as they are until the next change
        self.broken = lambda path, page: False
        sandbox = Sandbox.load(json.loads(small_account()), clock=lambda: self.clock.now())
        self.answer, sandbox.handle = sandbox.handle, self.handle
        self.account = sandbox._account
        self.answer(
            "POST",
            "/_sandbox/switches",
            KEY,
            json.dumps({"page_sizes": dict.fromkeys(PATHS.values(), 10**6)}).encode(),
        )
        super().__init__(home, sandbox)

    def handle(self, method, target, headers, body):
        """What the mirror's client gets for a request."""
        self.requests += 1
        self.clock.sleep(self.rng.choice((0.05, 0.3, 1.5)))
        while self.rng.random() < self.busy / (1 + self.busy):
            self.change()
        if self.rng.random() < self.deadly:
            self.kills += 1
            raise Killed
        path, _, asked = target.partition("?")
        if self.broken(path, parse_qs(asked).get("page", ["1"])[0]):
            return Answer(500, {}, b"<h1>Something went wrong</h1>")
        wrapper = PATHS.get(path.removeprefix("/api/v1"))
        if wrapper is None:
            return self.answer(method, target, headers, body)
        query = parse_qs(asked)
        rest = {name: values for name, values in query.items() if name not in (*SINCE, "page", "per_page")}
        asked = f"{path}?{urlencode(rest, doseq=True)}"
        if asked not in self.lists:
            self.lists[asked] = json.loads(self.answer(method, asked, headers, body).body)[wrapper]
        shown = json.dumps(self.habits.page(wrapper, self.lists[asked], query)).encode()
        return Answer(200, {"Date": format_datetime(self.clock.now(), usegmt=True)}, shown)

    def pull(self, full=False):
        self.syncs += 1
        self.ws.client._random = Random(self.syncs)  # pauses between tries: a seed is the same account every time
        return super().pull(full)

    def do(self, method, path, body=None):
        """Somebody writes to the account."""
        self.clock.sleep(0.01)
        answer = self.answer(method, f"/api/v1{path}", KEY, b"" if body is None else json.dumps(body).encode())
        return json.loads(answer.body) if answer.body else None

    def one(self, table, chosen=lambda row: True):
        """Any row of a table, the newest more often; None if there is none."""
        rows = [row for row in getattr(self.account, table) if chosen(row)]
        if not rows:
            return None
        return self.rng.choice(rows[-5:] if self.rng.random() < 0.4 else rows)

    def change(self):
        """One change, as people or the account itself make it."""
        self.written += 1
        self.lists.clear()
        self.rng.choice(CHANGES)(self)


def new_ticket(desk):
    customer = desk.one("customers", lambda row: not row["disabled"])
    comments = [{"subject": "Issue", "body": "It does not work."}]
    desk.do("POST", "/tickets", {"customer_id": customer["id"], "subject": "New", "comments_attributes": comments})


def change_ticket(desk):
    if ticket := desk.one("tickets"):
        wanted = desk.rng.choice(("New", "In Progress", "Resolved", "Invoiced", "Waiting on Customer"))
        desk.do("PUT", f"/tickets/{ticket['id']}", {"status": wanted, "subject": f"Subject {desk.written}"})


def delete_ticket(desk):
    if ticket := desk.one("tickets"):
        desk.do("DELETE", f"/tickets/{ticket['id']}")


def comment(desk):
    if ticket := desk.one("tickets"):
        desk.do("POST", f"/tickets/{ticket['id']}/comment", {"subject": "Update", "body": f"Look {desk.written}"})


def enter_time(desk):
    if ticket := desk.one("tickets"):
        body = {"start_at": "2026-03-31T20:00:00Z", "duration_minutes": 5 + desk.written % 60, "notes": "Worked"}
        desk.do("POST", f"/tickets/{ticket['id']}/timer_entry", body)


def timer_of(action, **more):
    def act(desk):
        if timer := desk.one("timers"):
            method = "PUT" if action.startswith("update") else "POST"
            body = {"timer_entry_id": timer["id"], **more}
            desk.do(method, f"/tickets/{timer['ticket_id']}/{action}", body)

    return act


def add_charge(desk):
    if ticket := desk.one("tickets"):
        body = {"name": "Cable", "description": "A cable", "quantity": 1, "price_retail": desk.written % 90}
        desk.do("POST", f"/tickets/{ticket['id']}/add_line_item", body)


def charge_of(action, **more):
    def act(desk):
        if line := desk.one("ticket_lines"):
            method = "PUT" if action.startswith("update") else "POST"
            desk.do(method, f"/tickets/{line['ticket_id']}/{action}", {"ticket_line_item_id": line["id"], **more})

    return act


def new_invoice(desk):
    if ticket := desk.one("tickets"):
        desk.do("POST", "/invoices", {"ticket_id": ticket["id"], "customer_id": ticket["customer_id"]})


def change_invoice(desk):
    if invoice := desk.one("invoices"):
        desk.do("PUT", f"/invoices/{invoice['id']}", {"note": f"Note {desk.written}"})


def delete_invoice(desk):
    if invoice := desk.one("invoices"):
        desk.do("DELETE", f"/invoices/{invoice['id']}")


def add_invoice_line(desk):
    if invoice := desk.one("invoices"):
        body = {"item": "Cable", "name": "A cable", "quantity": 1, "price": desk.written % 70}
        desk.do("POST", f"/invoices/{invoice['id']}/line_items", body)


def change_invoice_line(desk):
    if line := desk.one("invoice_lines", lambda row: row["invoice_id"]):
        path = f"/invoices/{line['invoice_id']}/line_items/{line['id']}"
        desk.do("PUT", path, {"name": f"Text {desk.written}", "quantity": 1 + desk.written % 3})


def remove_invoice_line(desk):
    if line := desk.one("invoice_lines", lambda row: row["invoice_id"]):
        desk.do("DELETE", f"/invoices/{line['invoice_id']}/line_items/{line['id']}")


def pay(desk):
    if invoice := desk.one("invoices"):
        amount = invoice["total_cents"] or 100
        body = {"customer_id": invoice["customer_id"], "invoice_id": invoice["id"], "amount_cents": amount}
        desk.do("POST", "/payments", {**body, "payment_method": "Check"})


def new_customer(desk):
    desk.do("POST", "/customers", {"business_name": f"Shop {desk.written}"})


def change_customer(desk):
    if customer := desk.one("customers"):
        desk.do("PUT", f"/customers/{customer['id']}", {"business_name": f"Renamed {desk.written}"})


def delete_customer(desk):
    if customer := desk.one("customers"):
        desk.do("DELETE", f"/customers/{customer['id']}")


def new_contact(desk):
    if customer := desk.one("customers"):
        desk.do("POST", "/contacts", {"customer_id": customer["id"], "name": f"Person {desk.written}"})


def change_contact(desk):
    if contact := desk.one("contacts"):
        desk.do("PUT", f"/contacts/{contact['id']}", {"name": f"Person {desk.written}"})


def delete_contact(desk):
    if contact := desk.one("contacts"):
        desk.do("DELETE", f"/contacts/{contact['id']}")


def change_product(desk):
    product = desk.one("products")
    desk.do("PUT", f"/products/{product['id']}", {"price_retail": desk.written % 200})


def change_payment(desk):
    """Somebody corrects a payment on the screen: no request of ours can."""
    if payment := desk.one("payments"):
        payment |= {"ref_num": f"Check {desk.written}", "updated_at": now_ms(desk)}


def delete_payment(desk):
    """Somebody voids a payment on the screen."""
    if payment := desk.one("payments"):
        desk.account.payments.remove(payment)
        for invoice in desk.account.invoices:
            if payment["id"] in invoice["payment_ids"]:
                kept = [one for one in invoice["payment_ids"] if one != payment["id"]]
                paid = invoice["paid_cents"] - payment["applied"].get(str(invoice["id"]), 0)
                desk.account.invoices.change(
                    invoice, {"payment_ids": kept, "paid_cents": paid, "updated_at": now_ms(desk)}
                )


def change_schedule(desk):
    if schedule := desk.one("schedules"):
        schedule["paused"] = not schedule["paused"]


def clock_in(desk):
    now = now_ms(desk)
    times = {"in_at": now, "out_at": None, "created_at": now, "updated_at": now}
    user = desk.one("users")
    desk.account.timelogs.add({**times, "user_id": user["id"], "lunch": None, "manually_updated": None})


def now_ms(desk):
    desk.account.found.clear()
    return int(desk.clock.now().timestamp() * 1000)


CHANGES = (
    *(new_ticket, change_ticket, comment, enter_time, add_charge, new_invoice, pay) * 3,
    *(delete_ticket, timer_of("delete_timer_entry"), timer_of("charge_timer_entry")),
    *(timer_of("update_timer_entry", notes="Corrected"), charge_of("update_line_item", quantity=2)),
    *(charge_of("remove_line_item"), change_invoice, delete_invoice),
    *(add_invoice_line, change_invoice_line, remove_invoice_line),
    *(new_customer, change_customer, delete_customer, new_contact, change_contact, delete_contact),
    *(change_product, change_payment, delete_payment, change_schedule, clock_in),
)


def churn(home, seed):
    """What is wrong in the mirror of one seed's account when things have gone quiet, and the desk."""
    desk = ChurnDesk(home, seed)
    rng, is_full = desk.rng, False
    sore = rng.choice((*PATHS, "/tickets/", "/invoices/", "")), rng.choice("123")
    desk.broken = lambda path, page: is_sore(path.removeprefix("/api/v1"), page, *sore)
    try:
        for _ in range(rng.randint(1, 3)):
            desk.busy, desk.deadly = rng.choice((0.02, 0.1, 0.5)), rng.choice((0, 0, 0.01))
            try:
                desk.pull(full=not is_full or rng.random() < 0.1)
                is_full = True
            except (Killed, Unreachable):
                desk.restart()
            desk.deadly = 0.0
            for _ in range(rng.choice((0, 3, 40))):
                desk.change()
            desk.clock.sleep(rng.choice((1, 30, 3600)))
        desk.busy, desk.broken = 0.0, lambda path, page: False
        desk.clock.sleep(5)
        quiet = desk.clock.now()
        desk.pull(full=not is_full or rng.random() < 0.1)
        fresh = [name for name in TABLES if (at := desk.ws.mirror.as_of_table(name)) and at >= quiet]
        wrong = {name: what for name, what in wrong_in(desk).items() if name in (*fresh, "gaps")}
        if not desk.habits.obeyed["payments"] and wrong.get("payments", ((), ()))[1]:
            del wrong[
                "payments"
            ]  # a correction far from the newest, which nothing tells: it waits for the daily reading
        if not wrong and rng.random() < 0.3:  # what had not its turn yet says so by its age, and is read within a day
            desk.clock.sleep(25 * 3600)
            desk.pull()
            wrong = wrong_in(desk)
        return wrong, desk
    finally:
        desk.close()


def is_sore(path, page, where, number):
    """Whether this is what never answers: one page of one list, or every fifth detail."""
    if where.endswith("/"):
        return path.startswith(where) and path.removeprefix(where).endswith(("5", number))
    return path == where and page == number


def wrong_in(desk):
    """By table, what the mirror has otherwise than the account; where it says that something is missing, that too."""
    books, everything = desk.ws.books(), read_everything(desk.ws.client)
    wrong = wrong_rows(books, everything)
    ours, theirs = latest_hours(books), latest_hours(everything)
    if hours := {key for key in theirs if ours.get(key) != theirs[key]}:
        wrong["prepaid"] = (sorted(hours), [])
    if gaps := desk.ws.mirror.gaps():
        wrong["gaps"] = ([(gap.table, gap.reason) for gap in gaps], [])
    return wrong
