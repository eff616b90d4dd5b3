"""The answer key, held against the data by an auditor of its own that knows the rules and not how the data was made."""

import csv
import io
import json
import re
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from pandas.tseries.holiday import USFederalHolidayCalendar

from syncro_nb.sandbox import DEMO_DAY, Sandbox

WORLDS = [(DEMO_DAY, 1), (DEMO_DAY, 2), (date(2026, 7, 5), 3), (date(2027, 1, 2), 7)]
ZONE = ZoneInfo("America/Los_Angeles")
HOLIDAYS = {one.date() for one in USFederalHolidayCalendar().holidays("2019-01-01", "2028-12-31")}
KINDS = {
    1190473: "remote",
    26118: "onsite",
    26184: "emergency",
    9269129: "project",
    9269124: "internal",
    26117: "travel",
    68055: "website",
}
STANDARD = {"remote", "onsite", "project", "website"}
REASON = re.compile(r"\b(no charge|courtesy|goodwill|warranty|covered|non-billable|internal)\b", re.I)
DISMISSED = {"cancelled", "duplicate", "spam", "auto-closed", "internal", "warranty"}
S1 = {"charged-no-line", "double-charge", "invoiced-unproven", "duplicate-invoice", "invoice-vs-ticket", "tax"} | {
    "block-on-free-work",
    "paid-flags",
}
BLOCK_RATE = 13500


def cents(value):
    return int((Decimal(str(value)) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def money(quantity, price_cents):
    return int((Decimal(str(quantity)) * price_cents).quantize(Decimal(1), ROUND_HALF_UP))


def at(text):
    return datetime.fromisoformat(text)


def text_of(line):
    return f"{line.get('item') or ''} {line['name']} {line.get('description') or ''}"


def is_resolved(ticket):
    return ticket["status"].startswith("Resolved") or ticket["status"] in ("Invoiced", "Closed")


def actual_hours(timer):
    if timer["active_duration"] is not None:
        return timer["active_duration"] / 3600
    return (at(timer["end_time"]) - at(timer["start_time"])).total_seconds() / 3600


def hours_of(timer):
    if timer["billable_override"] is not None:
        return timer["billable_override"] / 3600
    trusted = timer["billable_time"] is not None and not (timer["billable_time"] < 60 < actual_hours(timer) * 3600)
    return timer["billable_time"] / 3600 if trusted else -(-actual_hours(timer) // 0.25) * 0.25


def is_open_desk(moment):
    return moment.weekday() < 5 and moment.date() not in HOLIDAYS and 8 <= moment.hour < 17


def outside_hours(timer):
    start, end = at(timer["start_time"]), at(timer["end_time"])
    minutes = int((end - start).total_seconds() // 60)
    return sum(not is_open_desk(start + timedelta(minutes=one)) for one in range(minutes)) / 60


def business_days_since(moment, now):
    days, day = 0, moment.date()
    while day < now.date():
        day += timedelta(days=1)
        days += day.weekday() < 5 and day not in HOLIDAYS
    return days


class World:
    """What an outside tool can read: the answers of the API, and nothing else."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.now = datetime.combine(sandbox.today, time(16, 30), ZONE)
        self.cut_off = self.now.replace(day=1, hour=0, minute=0)
        self.products = {one["id"]: one for one in self.all("products")}
        self.customers = {one["id"]: self.get(f"customers/{one['id']}")["customer"] for one in self.all("customers")}
        self.tickets = [{**row, **self.get(f"tickets/{row['id']}")["ticket"]} for row in self.all("tickets")]
        self.invoices = [{**row, **self.get(f"invoices/{row['id']}")["invoice"]} for row in self.all("invoices")]
        self.schedules, self.contracts = self.all("schedules"), self.all("contracts")
        self.payments = self.all("payments")
        self.invoices_of, self.lines_of_invoices = defaultdict(list), defaultdict(list)
        for invoice in self.invoices:
            if invoice["ticket_id"]:
                self.invoices_of[invoice["ticket_id"]].append(invoice)
        self.schedules_of = defaultdict(list)
        for schedule in self.schedules:
            self.schedules_of[schedule["customer_id"]].append(schedule)
        self.answers = json.loads(sandbox.handle("GET", "/_sandbox/answers", {}, b"").body)

    def get(self, path):
        answer = self.sandbox.handle("GET", f"/api/v1/{path}", {"Authorization": "Bearer sandbox"}, b"")
        assert answer.status == 200
        return json.loads(answer.body)

    def all(self, name):
        rows, page, pages = [], 1, 1
        while page <= pages:
            data = self.get(f"{name}?page={page}")
            rows, page, pages = rows + data[name], page + 1, data["meta"]["total_pages"]
        return rows

    # ------------------------------------------------------------ words of the rules

    def kind(self, row):
        return KINDS.get(row["product_id"])

    def is_labour(self, row):
        product = self.products.get(row["product_id"])
        return row["product_id"] in KINDS or bool(product and "Labor" in product["category_path"])

    def rate(self, row):
        return cents(self.products[row["product_id"]]["price_retail"])

    def mode(self, ticket, day, row):
        customer = self.customers[ticket["customer_id"]]
        if Decimal(customer["prepay_hours"] or 0) > 0:
            return "block"
        for contract in customer["contracts"]:
            dates = at(contract["start_date"]).date() <= day <= at(contract["end_date"]).date()
            if contract["status"] == "Active" and contract["apply_to_all"] and dates:
                return "contract"
        if self.kind(row) == "internal" or "internal" in ticket["tag_list"]:
            return "internal"
        return "warranty" if "warranty" in ticket["tag_list"] else "time-and-materials"

    def has_reason(self, ticket, text):
        return bool(REASON.search(text or "") or any(REASON.search(tag) for tag in ticket["tag_list"]))

    def direction(self, moment):
        return "leak" if moment < self.cut_off else "timing"


class Finding:
    """What the auditor found; `dollars` are the things whose money it claims."""

    def __init__(
        self, rule, ticket=None, invoice=None, customer=None, amount=None, direction="leak", dollars=(), **more
    ):
        self.rule, self.amount, self.direction = rule, amount, direction
        self.ticket = ticket["number"] if ticket else None
        self.invoice = int(invoice["number"]) if invoice else None
        self.customer = customer or (ticket or invoice)["customer_business_then_name"]
        self.dollars, self.severity = set(dollars), more.get("severity", "S1" if rule in S1 else "S2")

    def shown(self):
        return (self.ticket, self.invoice, self.customer, self.amount, self.direction)


# ---------------------------------------------------------------- the rules, one loop each


def resolved_no_time(world):
    for ticket in world.tickets:
        if not is_resolved(ticket) or ticket["ticket_timers"] or any(map(world.is_labour, ticket["line_items"])):
            continue
        by_us = any(one["user_id"] for one in ticket["comments"])
        long = at(ticket["resolved_at"]) - at(ticket["created_at"]) > timedelta(minutes=15)
        if (by_us or long) and not DISMISSED & set(ticket["tag_list"]):
            yield Finding("resolved-no-time", ticket)


def timer_running(world):
    for ticket in world.tickets:
        for timer in ticket["ticket_timers"]:
            old = world.now - at(timer["start_time"]) > timedelta(hours=10)
            if timer["end_time"] is None and (old or is_resolved(ticket)):
                yield Finding("timer-running", ticket, direction="over")


def uncharged(ticket):
    return [
        one
        for one in ticket["ticket_timers"]
        if one["end_time"] and one["billable"] and not one["recorded"] and one["ticket_line_item_id"] is None
    ]


def timer_uncharged(world):
    for ticket in world.tickets:
        for timer in uncharged(ticket):
            ended = at(timer["end_time"])
            due = world.now - ended > timedelta(hours=48) or ended < world.cut_off
            if due and world.mode(ticket, ended.date(), timer) not in ("contract", "warranty", "internal"):
                amount = money(round(hours_of(timer), 6), world.rate(timer))
                dollars = [("timer", timer["id"])]
                yield Finding("timer-uncharged", ticket, None, None, amount, world.direction(ended), dollars)


def charged_no_line(world):
    for ticket in world.tickets:
        there = {one["id"] for one in ticket["line_items"]}
        for timer in ticket["ticket_timers"]:
            if timer["recorded"] and timer["ticket_line_item_id"] not in there:
                yield Finding("charged-no-line", ticket, None, None, money(hours_of(timer), world.rate(timer)))


def double_charge(world):
    for ticket in world.tickets:
        groups = defaultdict(list)
        for line in ticket["line_items"]:
            same = ("product_id", "quantity", "price_retail", "name", "description")
            groups[(*(line[name] for name in same), line["created_at"][:10])].append(line)
        for lines in groups.values():
            for line in lines[1:]:
                yield Finding("double-charge", ticket, invoice_with(world, ticket, line), None, of_line(line), "over")
        for timer in uncharged(ticket):
            for line in ticket["line_items"]:
                same = line["user_id"] == timer["user_id"] and line["created_at"][:10] == timer["start_time"][:10]
                close = abs(float(line["quantity"]) - hours_of(timer)) <= hours_of(timer) / 10
                if world.is_labour(line) and same and close:
                    invoice = invoice_with(world, ticket, line)
                    dollars = [("timer", timer["id"])]
                    yield Finding("double-charge", ticket, invoice, None, of_line(line), "over", dollars)


def of_line(line):
    return money(line["quantity"], cents(line["price_retail"]))


def invoice_with(world, ticket, line):
    """The invoice on which a line of the ticket stands."""
    for invoice in world.invoices_of[ticket["id"]]:
        for one in invoice["line_items"]:
            if (one["product_id"], one["item"], one["name"]) == (line["product_id"], line["name"], line["description"]):
                return invoice
    return None


def is_drawn(world, ticket, line):
    customer = world.customers[ticket["customer_id"]]
    return world.is_labour(line) and customer["prepay_hours"] is not None


def quantity_vs_timer(world):
    for ticket in world.tickets:
        for line in ticket["line_items"]:
            hours = [hours_of(one) for one in ticket["ticket_timers"] if one["ticket_line_item_id"] == line["id"]]
            difference = sum(hours) - float(line["quantity"])
            if hours and abs(difference) > 0.01:
                amount = money(round(abs(difference), 6), cents(line["price_retail"]))
                direction = "leak" if difference > 0 else "over"
                invoice = invoice_with(world, ticket, line)
                yield Finding("quantity-vs-timer", ticket, invoice, None, amount, direction)


def charges(world):
    """Every charge once: as (ticket, invoice, line, price), as the invoice's where it is on one."""
    for ticket in world.tickets:
        on_invoice = world.invoices_of[ticket["id"]]
        for invoice in on_invoice:
            for line in invoice["line_items"]:
                yield ticket, invoice, line, cents(line["price"])
        for line in ticket["line_items"]:
            if not line["converted"]:
                yield ticket, None, line, cents(line["price_retail"])
    for invoice in world.invoices:
        if not invoice["ticket_id"]:
            for line in invoice["line_items"]:
                yield None, invoice, line, cents(line["price"])


def rate_drift(world):
    for ticket, invoice, line, price in charges(world):
        discount = line.get("discount_percent") or line.get("discount_dollars")
        if price and price != world.rate(line) and not discount:
            difference = (world.rate(line) - price) * Decimal(line["quantity"])
            amount = int(abs(difference).quantize(Decimal(1), ROUND_HALF_UP))
            yield Finding("rate-drift", ticket, invoice, None, amount, "leak" if difference > 0 else "over")


def zero_line(world):
    for ticket, invoice, line, price in charges(world):
        product = world.products[line["product_id"]]
        worth = world.is_labour(line) or product["maintain_stock"]
        if price or not worth:
            continue
        owner = ticket or {"customer_id": invoice["customer_id"], "tag_list": []}
        free = world.mode(owner, at(line["created_at"]).date(), line) in ("contract", "warranty", "internal")
        drawn = is_drawn(world, owner, line)
        if not free and not drawn and not world.has_reason(owner, text_of(line)):
            yield Finding("zero-line", ticket, invoice, None, money(line["quantity"], world.rate(line)))


def after_hours(world):
    for ticket in world.tickets:
        lines = {one["id"]: one for one in ticket["line_items"]}
        for timer in ticket["ticket_timers"]:
            line = lines.get(timer["ticket_line_item_id"])
            if timer["end_time"] is None or line is None or world.kind(line) not in STANDARD:
                continue
            outside = outside_hours(timer)
            mode = world.mode(ticket, at(timer["start_time"]).date(), timer)
            multiplied = mode == "block" and float(line["quantity"]) >= 1.5 * actual_hours(timer) - 0.01
            reason = world.has_reason(ticket, f"{timer['notes']} {text_of(line)}")
            if outside >= 0.25 and mode != "contract" and not multiplied and not reason:
                amount = money(outside, world.rate(line)) // 2
                yield Finding("after-hours-at-standard", ticket, invoice_with(world, ticket, line), None, amount)


def unexplained(world):
    for ticket in world.tickets:
        for timer in ticket["ticket_timers"]:
            if timer["billable"] or timer["end_time"] is None or world.has_reason(ticket, timer["notes"]):
                continue
            if world.mode(ticket, at(timer["start_time"]).date(), timer) == "time-and-materials":
                amount = money(-(-actual_hours(timer) // 0.25) * 0.25, world.rate(timer))
                yield Finding("unexplained-non-billable", ticket, None, None, amount, severity="S3")


def pending(ticket):
    return [one for one in ticket["line_items"] if not one["converted"]]


def pending_stale(world):
    for ticket in world.tickets:
        if not is_resolved(ticket) or business_days_since(at(ticket["resolved_at"]), world.now) <= 5:
            continue
        swept = any(
            one["invoice_unbilled_ticket_charges"] and not one["paused"] and at(one["next_run"]) > world.now
            for one in world.schedules_of[ticket["customer_id"]]
        )
        for line in [] if swept else pending(ticket):
            direction = world.direction(at(line["created_at"]))
            yield Finding("pending-stale", ticket, None, None, of_line(line), direction, [("line", line["id"])])


def invoiced_unproven(world):
    for ticket in world.tickets:
        said = ticket["status"] == "Invoiced" or "invoiced" in (ticket["billing_status"] or "")
        if not said or world.invoices_of[ticket["id"]]:
            continue
        lines, timers = pending(ticket), uncharged(ticket)
        if lines or timers:
            amount = sum(map(of_line, lines)) + sum(money(hours_of(one), world.rate(one)) for one in timers)
            dollars = [("line", one["id"]) for one in lines] + [("timer", one["id"]) for one in timers]
            yield Finding("invoiced-unproven", ticket, None, None, amount, dollars=dollars)


def same_lines(invoice):
    return Counter(
        (one["product_id"], one["quantity"], one["price"], one["item"], one["name"]) for one in invoice["line_items"]
    )


def duplicate_invoice(world):
    by_customer = defaultdict(list)
    for invoice in sorted(world.invoices, key=lambda one: one["id"]):
        by_customer[invoice["customer"]["id"]].append(invoice)
    tickets = {one["id"]: one for one in world.tickets}
    for invoices in by_customer.values():
        for first, second in combinations(invoices, 2):
            if first["schedule_id"] or second["schedule_id"] or not first["line_items"]:
                continue
            shared = same_lines(first) & same_lines(second)
            days = abs(date.fromisoformat(first["date"]) - date.fromisoformat(second["date"])).days
            whole = days <= 3 and shared == same_lines(first) == same_lines(second)
            of_ticket = first["ticket_id"] is not None and first["ticket_id"] == second["ticket_id"] and shared
            if whole or of_ticket:
                amount = sum(money(one[1], cents(one[2])) * count for one, count in shared.items())
                ticket = tickets.get(second["ticket_id"])
                dollars = [("sum", second["ticket_id"], one[0]) for one in shared] if ticket else []
                yield Finding("duplicate-invoice", ticket, second, None, amount, "over", dollars)


def invoice_vs_ticket(world):
    for ticket in world.tickets:
        invoices = world.invoices_of[ticket["id"]]
        if not invoices:
            continue
        sums = Counter()
        for line in (one for one in ticket["line_items"] if one["converted"] and not is_drawn(world, ticket, one)):
            sums[line["product_id"]] += of_line(line)
        for invoice in invoices:
            for line in (one for one in invoice["line_items"] if not is_drawn(world, ticket, one)):
                sums[line["product_id"]] -= money(line["quantity"], cents(line["price"]))
        for product, amount in sums.items():
            if amount:
                dollars = [("sum", ticket["id"], product)]
                direction = "leak" if amount > 0 else "over"
                yield Finding("invoice-vs-ticket", ticket, invoices[-1], None, abs(amount), direction, dollars)


def tax(world):
    taxed = defaultdict(set)
    tickets = {one["id"]: one for one in world.tickets}
    for invoice in world.invoices:
        if Decimal(invoice["tax"]):
            taxed[invoice["customer"]["id"]].add(invoice["id"])
    for invoice in world.invoices:
        customer = world.customers[invoice["customer"]["id"]]
        others = taxed[customer["id"]] - {invoice["id"]}
        rate = Decimal("8.7") if others or customer["tax_rate_id"] else Decimal(0)
        base = Counter()
        for line in invoice["line_items"]:
            amount = money(line["quantity"], cents(line["price"]))
            amount -= money(Decimal(line["discount_percent"] or 0) / 100, amount)
            should, does = bool(rate) and world.products[line["product_id"]]["taxable"], line["taxable"]
            if does and not Decimal(invoice["tax"]):
                does = False
            base["leak" if should else "over"] += amount * (should != (does and bool(Decimal(invoice["tax"]))))
        for direction, amount in base.items():
            if amount > 0:
                found = int((amount * Decimal("8.7") / 100).quantize(Decimal(1), ROUND_HALF_UP))
                yield Finding("tax", tickets.get(invoice["ticket_id"]), invoice, None, found, direction)


def recurring_missed(world):
    for schedule in world.schedules:
        next_run, months = at(schedule["next_run"]).date(), {"Monthly": 1, "Annually": 12}[schedule["frequency"]]
        month = next_run.year * 12 + next_run.month - 1 - months
        last = date(month // 12, month % 12 + 1, min(next_run.day, 28))
        customer = world.customers[schedule["customer_id"]]
        near = any(abs((date.fromisoformat(one["date"]) - last).days) <= 3 for one in customer["invoice_links"])
        if not schedule["paused"] and (next_run < world.now.date() or not near):
            yield Finding(
                "recurring-missed", customer=customer["business_then_name"], amount=cents(schedule["subtotal"])
            )


def no_path_to_bill(world):
    for customer in world.customers.values():
        schedules = world.schedules_of[customer["id"]]
        if not schedules or any(one["invoice_unbilled_ticket_charges"] for one in schedules):
            continue
        tickets = [one for one in world.tickets if one["customer_id"] == customer["id"]]
        lines = [line for ticket in tickets for line in pending(ticket)]
        invoices = [one for ticket in tickets for one in world.invoices_of[ticket["id"]]]
        lately = any((world.now.date() - date.fromisoformat(one["date"])).days <= 45 for one in invoices)
        if lines and not lately:
            dollars = [("line", one["id"]) for one in lines]
            amount = sum(map(of_line, lines))
            yield Finding("no-path-to-bill", None, None, customer["business_then_name"], amount, "leak", dollars)


def block_on_free_work(world):
    tickets = {one["id"]: one for one in world.tickets}
    for invoice in world.invoices:
        ticket = tickets.get(invoice["ticket_id"])
        if ticket is None or world.customers[ticket["customer_id"]]["prepay_hours"] is None:
            continue
        for line in (one for one in ticket["line_items"] if one["product_category"] == "Labor"):
            if cents(line["price_retail"]) == 0 and line["converted"]:
                yield Finding("block-on-free-work", ticket, invoice, None, money(line["quantity"], BLOCK_RATE), "over")


def paid_flags(world):
    for invoice in world.invoices:
        paid = sum(cents(one["payment_amount"]) for one in invoice["payments"] if one["success"])
        total = cents(invoice["total"])
        should = paid >= total if total > 0 else paid <= total
        if total and invoice["is_paid"] != should:
            ticket = next((one for one in world.tickets if one["id"] == invoice["ticket_id"]), None)
            missing = total - paid if invoice["is_paid"] else 0
            yield Finding("paid-flags", ticket, invoice, None, missing, "cash")
    for payment in world.payments:
        if payment["success"] and not any(payment["invoice_ids"]):
            name = payment["customer"]["business_then_name"]
            yield Finding("paid-flags", customer=name, amount=cents(payment["payment_amount"]), direction="cash")


RULES = {
    "resolved-no-time": resolved_no_time,
    "timer-running": timer_running,
    "timer-uncharged": timer_uncharged,
    "charged-no-line": charged_no_line,
    "double-charge": double_charge,
    "quantity-vs-timer": quantity_vs_timer,
    "rate-drift": rate_drift,
    "zero-line": zero_line,
    "after-hours-at-standard": after_hours,
    "unexplained-non-billable": unexplained,
    "pending-stale": pending_stale,
    "invoiced-unproven": invoiced_unproven,
    "duplicate-invoice": duplicate_invoice,
    "invoice-vs-ticket": invoice_vs_ticket,
    "tax": tax,
    "recurring-missed": recurring_missed,
    "no-path-to-bill": no_path_to_bill,
    "block-on-free-work": block_on_free_work,
    "paid-flags": paid_flags,
}


def audit(world):
    """The findings by rule; a thing whose money is claimed already is left to the rule that comes first."""
    found = [finding for rule in RULES.values() for finding in rule(world)]
    kept, claimed = defaultdict(list), {}
    for finding in sorted(found, key=lambda one: one.severity):
        if not any(dollar in claimed for dollar in finding.dollars):
            kept[finding.rule].append(finding)
            claimed |= dict.fromkeys(finding.dollars, finding.rule)
    return kept


def shown(case):
    return (case["ticket"], case["invoice"], case["customer"], case["amount_cents"], case["direction"])


def differences(world):
    """By rule, what the key has and the auditor has not, and the other way round. Estimated amounts are not compared."""
    found, wrong = audit(world), {}
    for rule in RULES:
        cases = world.answers[rule]["cases"]
        exact = all(case["exact"] for case in cases) or rule == "block-on-free-work"
        want = Counter(shown(case) if exact else (*shown(case)[:3], None, shown(case)[4]) for case in cases)
        got = Counter(finding.shown() for finding in found[rule])
        if want != got:
            wrong[rule] = {"only in the key": sorted(map(str, want - got)), "only found": sorted(map(str, got - want))}
    return wrong


@pytest.fixture(scope="module", params=WORLDS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def world(request):
    return World(Sandbox(*request.param))


def test_an_auditor_finds_what_was_planted_and_nothing_else(world):
    assert differences(world) == {}


def test_each_rule_has_cases_and_near_misses_with_a_reason(world):
    for rule, parts in world.answers.items():
        assert len(parts["cases"]) >= 3, rule
        assert parts["near_misses"] or rule == "timer-running", rule  # on a Sunday nobody is at work
        for case in parts["cases"]:
            assert {"leak", "over", "timing", "cash", "none"} >= {case["direction"]}
            assert case["why"]
            assert case["customer"]
            assert case["ids"]
        assert all(one["excused_by"] for one in parts["near_misses"])


def test_no_near_miss_is_a_case_of_the_same_rule(world):
    for parts in world.answers.values():
        cases = {(one["ticket"], one["invoice"]) for one in parts["cases"] if one["ticket"] or one["invoice"]}
        assert not cases & {(one["ticket"], one["invoice"]) for one in parts["near_misses"]}


def test_the_two_tickets_of_the_tour_are_clean(world):
    named = {case["ticket"] for parts in world.answers.values() for case in parts["cases"]}
    assert 32164 not in named
    assert world.sandbox.today != DEMO_DAY or 32182 not in named


# ---------------------------------------------------------------- prepaid hours


def control(sandbox, method, path, body=None):
    answer = sandbox.handle(method, f"/_sandbox/{path}", {}, b"" if body is None else json.dumps(body).encode())
    return answer.status, answer.body


def test_a_day_later_the_balances_show_what_was_drawn_wrongly():
    sandbox = Sandbox()
    before = World(sandbox)
    status, body = control(sandbox, "POST", "advance", {"days": 1})
    assert (status, json.loads(body)["happened"] >= 4) == (200, True)
    after, wrong = World(sandbox), Counter()
    known = {one["id"] for one in before.invoices}
    for number, customer in after.customers.items():
        moved = Decimal(customer["prepay_hours"] or 0) - Decimal(before.customers[number]["prepay_hours"] or 0)
        for invoice in after.invoices:
            if invoice["id"] not in known and invoice["customer"]["id"] == number:
                for line in invoice["line_items"]:
                    moved -= Decimal(line["quantity"]) * (line["product_category"] == "Prepay Hours")
                    moved += Decimal(line["quantity"]) * (line["product_category"] == "Labor")
        if customer["prepay_hours"] and moved:
            direction = "leak" if moved > 0 else "over"
            wrong[customer["business_then_name"], money(abs(moved), BLOCK_RATE), direction] += 1
    cases = before.answers["block-draw"]["cases"]
    assert wrong == Counter((one["customer"], one["amount_cents"], one["direction"]) for one in cases)


def test_time_that_passes_makes_the_monthly_invoices_and_moves_the_clock():
    sandbox = Sandbox()
    control(sandbox, "POST", "advance", {"days": 40})
    world = World(sandbox)
    answer = sandbox.handle("GET", "/api/v1/me?api_key=sandbox", {}, b"")
    assert "10 May 2026" in answer.headers["Date"]
    assert sum(one["date"] == "2026-04-01" and one["is_recurring"] for one in world.invoices) >= 6
    kept = Sandbox.load(json.loads(json.dumps(sandbox.dump())))
    same = kept.handle("GET", "/api/v1/me?api_key=sandbox", {}, b"")
    assert same.headers["Date"] == sandbox.handle("GET", "/api/v1/me?api_key=sandbox", {}, b"").headers["Date"]


@pytest.mark.parametrize("body", [None, {}, {"days": -1}, {"days": "1"}, {"days": True}, {"days": 10**9}, [1]])
def test_time_does_not_pass_by_nonsense(body):
    assert control(Sandbox(), "POST", "advance", body)[0] == 422


def test_answers_and_what_is_coming_outlive_a_restart_and_a_reset():
    sandbox = Sandbox()
    answers = control(sandbox, "GET", "answers")
    kept = Sandbox.load(json.loads(json.dumps(sandbox.dump())))
    assert control(kept, "GET", "answers") == answers
    control(kept, "POST", "advance", {"days": 2})
    control(kept, "POST", "reset")
    assert control(kept, "GET", "answers") == answers
    assert control(kept, "POST", "advance", {"days": 1}) == control(sandbox, "POST", "advance", {"days": 1})


# ---------------------------------------------------------------- the bookkeeper's ledger


def entries(sandbox, program):
    """By number: (customer, day, net, tax) of each time that it occurs. Xero has one row for each line."""
    status, body = control(sandbox, "GET", f"ledger.csv?format={program}")
    assert status == 200
    found = defaultdict(list)
    for row in csv.DictReader(io.StringIO(body.decode())):
        if program == "quickbooks":
            day = datetime.strptime(row["Date"], "%m/%d/%Y").date()
            amounts = [cents(row[name].replace(",", "")) for name in ("Total before sales tax", "Sales tax")]
            found[row["No."]].append((row["Customer"], day, *amounts))
        else:
            day = datetime.strptime(row["InvoiceDate"], "%d/%m/%Y").date()
            net = cents(row["Total"]) - cents(row["TaxTotal"])
            found[row["InvoiceNumber"]] = [(row["ContactName"], day, net, cents(row["TaxTotal"]))]
    return found


@pytest.mark.parametrize("program", ["quickbooks", "xero"])
def test_the_ledger_differs_as_the_key_says_and_nowhere_else(world, program):
    there, wrong = entries(world.sandbox, program), {}
    for invoice in world.invoices:
        have = there.pop(invoice["number"], [])
        net, tax = cents(invoice["total"]) - cents(invoice["tax"]), cents(invoice["tax"])
        mine = (invoice["customer"]["business_then_name"], date.fromisoformat(invoice["date"]), net, tax)
        if have != [mine]:
            month_end = bool(have) and have[0][1] - mine[1] == timedelta(days=1) and have[0][1].day == 1
            sales_tax = bool(have) and have[0][2] == net and abs(have[0][3] - tax) == 1
            wrong[int(invoice["number"])] = "S4" if month_end or sales_tax else "S1"
    wrong |= {int(number): "S1" for number in there}
    cases = world.answers["ledger-difference"]["cases"]
    assert wrong == {one["invoice"]: one["severity"] for one in cases if one["ids"].get("only", program) == program}


def test_a_ledger_of_another_program_is_refused():
    status, body = control(Sandbox(), "GET", "ledger.csv?format=abacus")
    assert (status, "abacus" in json.loads(body)["error"]) == (422, True)
