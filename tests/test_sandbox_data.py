"""The invented account: the same every time, consistent to the cent, and with ticket 32164."""

import json
import re
from collections import Counter
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from syncro_nb.errors import ConfigError
from syncro_nb.sandbox import DEMO_DAY, Sandbox

WORLDS = [(DEMO_DAY, 1), (DEMO_DAY, 2), (date(2026, 7, 5), 3), (date(2027, 1, 2), 7)]
CENT = Decimal("0.01")
CLOSED = {"Resolved", "Invoiced", "Closed"}


class World:
    """Everything that the lists and details of an account show."""

    def __init__(self, today, seed):
        self.sandbox = Sandbox(today, seed)
        self.tickets = [self.get(f"tickets/{row['id']}")["ticket"] | {"row": row} for row in self.all("tickets")]
        self.invoices = [self.get(f"invoices/{row['id']}")["invoice"] | {"row": row} for row in self.all("invoices")]
        self.customers = [self.get(f"customers/{row['id']}")["customer"] for row in self.all("customers")]
        self.timers = self.all("ticket_timers")
        self.products = {one["id"]: one for one in self.all("products")}
        self.users = {one[0]: one[1] for one in self.get("users")["users"]}
        self.answers = json.loads(self.sandbox.handle("GET", "/_sandbox/answers", {}, b"").body)
        self.open = [one for one in self.tickets if one["status"] not in CLOSED]

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

    def ticket(self, number):
        return next(one for one in self.tickets if one["number"] == number)

    def showcase(self):
        return self.ticket(32164)

    def customer(self, customer_id):
        return next(one for one in self.customers if one["id"] == customer_id)


@pytest.fixture(scope="module", params=WORLDS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def world(request):
    return World(*request.param)


def cents(value):
    return int((Decimal(str(value)) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def line_cents(line):
    full = int((Decimal(line["quantity"]) * cents(line["price"])).quantize(Decimal(1), ROUND_HALF_UP))
    return full - int((Decimal(line["discount_percent"] or 0) * full / 100).quantize(Decimal(1), ROUND_HALF_UP))


def planted(world, *rules):
    """The numbers of tickets and invoices on which something was planted, by these rules or by any."""
    kept = [parts for rule, parts in world.answers.items() if not rules or rule in rules]
    rows = [row for parts in kept for rows in parts.values() for row in rows]
    return {row["ticket"] for row in rows} | {row["invoice"] for row in rows} - {None}


def test_the_same_day_and_seed_give_the_same_account_to_the_byte():
    assert json.dumps(Sandbox().dump()) == json.dumps(Sandbox().dump())
    assert json.dumps(Sandbox().dump()) != json.dumps(Sandbox(seed=2).dump())


def test_the_same_requests_get_the_same_answers_to_the_byte():
    def play():
        sandbox = Sandbox()
        target = "/api/v1/tickets?page=2&api_key=sandbox"
        return [sandbox.handle("GET", target, {}, b"") for _ in range(3)]

    assert play() == play()


def test_a_dump_goes_through_a_file_and_gives_the_same_sandbox():
    one = Sandbox()
    kind = {"Content-Type": "application/json"}
    body = json.dumps({"api_key": "sandbox", "customer_id": 312540029, "subject": "x", "properties": {"a": 1.5}})
    one.handle("POST", "/api/v1/tickets", kind, body.encode())
    other = Sandbox.load(json.loads(json.dumps(one.dump())))
    assert json.dumps(other.dump()) == json.dumps(one.dump())
    for target in ("/api/v1/tickets?api_key=sandbox", "/api/v1/invoices/10420?api_key=sandbox", "/_sandbox/log"):
        assert one.handle("GET", target, {}, b"") == other.handle("GET", target, {}, b"")


def test_another_size_is_a_plain_error():
    with pytest.raises(ConfigError, match="no size 'huge'"):
        Sandbox(size="huge")


# ---------------------------------------------------------------- ticket 32164


def test_ticket_32164_is_open_in_progress_and_among_the_newest(world):
    ticket = world.showcase()
    numbers = sorted(one["number"] for one in world.tickets)
    assert (ticket["status"], ticket["priority"], ticket["resolved_at"]) == ("In Progress", "2 Normal", None)
    assert len(numbers) - numbers.index(32164) == 22
    assert numbers[-1] == 32185


def test_ticket_32164_has_no_time_no_line_and_no_invoice(world):
    ticket = world.showcase()
    assert (ticket["ticket_timers"], ticket["line_items"]) == ([], [])
    assert [one for one in world.invoices if one["ticket_id"] == ticket["id"]] == []


def test_ticket_32182_has_half_an_hour_and_three_quarters_of_remote_work_that_nobody_has_charged(world):
    ticket = world.ticket(32182)
    assert (ticket["status"], ticket["line_items"]) == ("In Progress", [])
    first, second = sorted(ticket["ticket_timers"], key=lambda one: one["id"])
    assert (first["billable_time"], second["billable_time"]) == (1800, 2700)
    assert first["start_time"][:10] < second["start_time"][:10]
    for timer in (first, second):
        assert (timer["product_id"], timer["billable"], timer["recorded"]) == (1190473, True, False)
    assert [one for one in world.invoices if one["ticket_id"] == ticket["id"]] == []
    customer = world.customer(ticket["customer_id"])
    assert (customer["tax_rate_id"], customer["prepay_hours"], customer["contracts"]) == (21746, None, [])


def test_ticket_32164_belongs_to_a_taxed_customer_without_prepaid_hours_who_was_billed_before(world):
    customer = world.customer(world.showcase()["customer_id"])
    assert customer["tax_rate_id"] is not None
    assert customer["prepay_hours"] is None
    assert customer["contracts"] == []
    assert any(Decimal(one["total"]) for one in customer["invoice_links"])


def test_ticket_32164_has_a_talk_on_it_that_the_technician_ended(world):
    talk = sorted(world.showcase()["comments"], key=lambda one: one["id"])
    assert 4 <= len(talk) <= 8
    assert {one["user_id"] is None for one in talk} == {True, False}
    assert [one["hidden"] for one in talk].count(True) == 1
    assert talk[-1]["user_id"] is not None
    assert world.showcase()["row"]["customer_reply"] is False


# ---------------------------------------------------------------- money


def test_every_invoice_adds_up_to_the_cent(world):
    for invoice in world.invoices:
        subtotal = sum(line_cents(line) for line in invoice["line_items"])
        assert subtotal == cents(invoice["subtotal"])
        if int(invoice["number"]) in planted(world, "tax"):
            continue
        rate = Decimal("8.7") if invoice["customer"]["tax_rate_id"] else Decimal(0)
        taxable = sum(line_cents(line) for line in invoice["line_items"] if line["taxable"])
        tax = (rate * taxable / 100).quantize(Decimal(1), ROUND_HALF_UP)
        assert cents(invoice["tax"]) == tax
        assert cents(invoice["total"]) == subtotal + tax


def test_payments_balances_and_paid_flags_agree(world):
    for invoice in world.invoices:
        paid = sum(cents(one["payment_amount"]) for one in invoice["payments"] if one["success"])
        total = cents(invoice["total"])
        assert cents(invoice["balance_due"]) == total - paid
        assert cents(invoice["row"]["amount_paid"]) == paid
        if int(invoice["number"]) not in planted(world, "paid-flags"):
            assert invoice["is_paid"] is (0 < paid >= total)


def test_converted_lines_are_exactly_those_on_invoices(world):
    invoiced = Counter(invoice["ticket_id"] for invoice in world.invoices for _ in invoice["line_items"])
    for ticket in world.tickets:
        if ticket["number"] not in planted(world, "invoice-vs-ticket"):
            assert sum(line["converted"] for line in ticket["line_items"]) == invoiced[ticket["id"]]


def test_every_charged_timer_has_its_line_with_its_hours(world):
    for ticket in world.tickets:
        lines = {line["id"]: line for line in ticket["line_items"]}
        for timer in ticket["ticket_timers"]:
            assert timer["recorded"] is (timer["ticket_line_item_id"] is not None)
            if timer["recorded"] and ticket["number"] not in planted(world):
                line = lines[timer["ticket_line_item_id"]]
                assert Decimal(line["quantity"]) * 3600 == timer["billable_time"]
                assert line["price_retail"] == world.products[line["product_id"]]["price_retail"]


def test_prepaid_hours_are_what_was_there_and_sold_less_what_was_drawn(world):
    began = {"Pinewhistle Dental Studio": Decimal("6.5"), "Bluefinch Freight": Decimal(11)}
    for name, hours in began.items():
        customer = next(one for one in world.customers if one["business_name"] == name)
        for invoice in world.invoices:
            if invoice["customer"]["id"] == customer["id"]:
                for line in invoice["line_items"]:
                    sold = line["product_category"] == "Prepay Hours"
                    drawn = line["product_category"] == "Labor"
                    hours += Decimal(line["quantity"]) * (sold - drawn)
                    assert not (drawn and cents(line["price"]))
        assert Decimal(customer["prepay_hours"]) == hours > 0


def test_everybody_with_tickets_was_billed_before_except_the_newcomer(world):
    never = [one["business_name"] for one in world.customers if one["ticket_links"] and not one["invoice_links"]]
    assert never == ["Quillfeather Montessori"]
    for customer in world.customers:
        if customer["tax_rate_id"] and customer["invoice_links"]:
            taxes = [one["tax"] for one in world.invoices if one["customer"]["id"] == customer["id"]]
            assert any(map(Decimal, taxes))


def test_some_customers_are_exempt_and_some_have_hours_contracts_or_schedules(world):
    assert 1 <= sum(one["tax_rate_id"] is None for one in world.customers) <= 4
    assert sum(one["prepay_hours"] is not None for one in world.customers) == 4
    assert sum(bool(one["contracts"]) for one in world.customers) == 6
    assert len(world.all("schedules")) == 14


def test_contracts_schedules_and_monthly_invoices_agree(world):
    for schedule in world.all("schedules"):
        customer = world.customer(schedule["customer_id"])
        if not customer["contracts"]:
            continue
        assert cents(customer["contracts"][0]["contract_amount"]) == cents(schedule["subtotal"])
        made = [one for one in world.invoices if one["schedule_id"] == schedule["id"]]
        assert len(made) >= 5
        least = min(cents(one["subtotal"]) for one in made)
        assert least == cents(schedule["subtotal"])
        swept = [one for one in made if cents(one["subtotal"]) > least]
        assert not swept or schedule["invoice_unbilled_ticket_charges"]
        assert datetime.fromisoformat(schedule["next_run"]).date() > world.sandbox.today


# ---------------------------------------------------------------- a believable desk


def test_some_thirty_tickets_are_open_in_every_status(world):
    assert 28 <= len(world.open) <= 42
    assert {one["status"] for one in world.open} == {
        "New",
        "In Progress",
        "Waiting on Customer",
        "Waiting for Parts",
        "Waiting on Vendor",
        "Scheduled",
        "Customer Reply",
    }


def test_numbers_and_ids_rise_with_time(world):
    rising = sorted(world.tickets, key=lambda one: one["number"])
    for name in ("id", "created_at"):
        values = [one[name] if name == "id" else datetime.fromisoformat(one[name]) for one in rising]
        assert values == sorted(values)
    assert all(len(str(one["id"])) == 9 for one in rising)
    numbers = [(int(one["number"]), one["date"]) for one in reversed(world.invoices)]
    assert numbers == sorted(numbers)


def test_nothing_happens_after_the_afternoon_of_the_day(world):
    texts = json.dumps(world.sandbox.dump()["account"])
    latest = max(int(found) for found in re.findall(r'"(?:created|updated)_at": (\d+)', texts))
    afternoon = datetime.combine(world.sandbox.today, time(16, 30), ZoneInfo("America/Los_Angeles"))
    assert latest / 1000 <= afternoon.timestamp()
    for ticket in world.tickets:
        moments = [ticket["created_at"], *(one["created_at"] for one in ticket["comments"])]
        assert max(map(datetime.fromisoformat, moments)) <= datetime.fromisoformat(ticket["updated_at"])


def test_standard_work_lies_within_the_hours_of_the_desk(world):
    after_hours = {one["id"] for one in world.tickets if one["number"] in planted(world, "after-hours-at-standard")}
    for timer in world.timers:
        if timer["ticket_id"] in after_hours or timer["end_time"] is None:
            continue
        start, end = (datetime.fromisoformat(timer[name]) for name in ("start_time", "end_time"))
        assert start < end
        if world.products[timer["product_id"]]["name"] != "Labor - Emergency":
            assert start.weekday() < 5
            assert start.hour >= 8
            assert (end.hour, end.minute) <= (17, 0)


def test_nobody_works_on_two_tickets_at_once(world):
    for user_id in world.users:
        times = sorted(
            (datetime.fromisoformat(one["start_time"]), datetime.fromisoformat(one["end_time"]))
            for one in world.timers
            if one["user_id"] == user_id and one["end_time"]
        )
        assert all(end <= start for (_, end), (start, _) in pairwise(times))


def test_there_are_leaks_late_payers_and_unpaid_invoices_to_find(world):
    uncharged = [one for one in world.timers if one["billable"] and not one["recorded"]]
    unpaid = [one for one in world.invoices if not one["is_paid"] and Decimal(one["total"])]
    late = [one for one in unpaid if date.fromisoformat(one["due_date"]) < world.sandbox.today]
    assert 8 <= len(uncharged) <= 40
    assert 15 <= len(unpaid) <= 60
    assert late


def test_all_addresses_and_telephones_are_invented(world):
    texts = json.dumps(world.sandbox.dump()["account"])
    assert set(re.findall(r"@[\w.]+", texts)) <= {
        found for found in re.findall(r"@[\w.]+", texts) if found.endswith(".example.com")
    }
    phones = set(re.findall(r'"phone": "(\d+)"', texts))
    assert phones
    assert all(re.fullmatch(r"50955501\d\d", one) for one in phones)


def test_the_labour_products_have_their_ids_and_prices(world):
    prices = {
        1190473: 150.0,
        26118: 175.0,
        26184: 225.0,
        9269129: 160.0,
        9269124: 0.0,
        26117: 75.0,
        68055: 140.0,
    }
    for number, price in prices.items():
        product = world.products[number]
        assert (product["price_retail"], product["taxable"]) == (price, True)
        assert "Labor" in product["category_path"]
    assert "Prepay Hours" in {one["product_category"] for one in world.products.values()}


def test_no_text_was_left_with_a_gap_in_it(world):
    for ticket in world.tickets:
        for text in [ticket["subject"], *(one["body"] for one in ticket["comments"])]:
            assert not re.search(r"[{}]", text)
            assert text.strip() == text


# ---------------------------------------------------------------- the medium size


@pytest.fixture(scope="module")
def medium():
    return Sandbox(size="medium")


def test_the_medium_account_has_some_twenty_thousand_tickets_and_eight_hundred_open(medium):
    rows = medium.dump()["account"]["tables"]["tickets"]["rows"]
    assert 19_000 <= len(rows) <= 21_000
    assert 700 <= sum(one["status"] not in CLOSED for one in rows) <= 950
    assert {32164, 32182} <= {one["number"] for one in rows if one["status"] == "In Progress"}
    assert sorted(one["number"] for one in rows) == list(range(32262 - len(rows) + 1, 32263))
    assert sum(one["status"] == "New" for one in rows) > 20


def test_rows_that_were_written_have_the_form_of_rows_that_were_played(medium):
    played = Sandbox().dump()["account"]["tables"]
    for name, table in medium.dump()["account"]["tables"].items():
        assert {tuple(row) for row in table["rows"]} <= {tuple(row) for row in played[name]["rows"]}, name


def test_a_medium_account_is_the_same_each_time(medium):
    again = Sandbox(size="medium")
    for target in (
        "/api/v1/tickets?page=200",
        "/api/v1/line_items?page=400",
        "/api/v1/payments?page=9",
        "/_sandbox/answers",
    ):
        asked = f"{target}{'&' if '?' in target else '?'}api_key=sandbox"
        assert again.handle("GET", asked, {}, b"").body == medium.handle("GET", asked, {}, b"").body


def test_an_account_has_ids_and_indexes_that_agree(medium):
    headers = {"Authorization": "Bearer sandbox"}
    row = json.loads(medium.handle("GET", "/api/v1/tickets?page=300", headers, b"").body)["tickets"][0]
    ticket = json.loads(medium.handle("GET", f"/api/v1/tickets/{row['id']}", headers, b"").body)["ticket"]
    asked = f"/api/v1/ticket_timers?ticket_id={row['id']}"
    timers = json.loads(medium.handle("GET", asked, headers, b"").body)["ticket_timers"]
    assert {one["id"] for one in timers} == {one["id"] for one in ticket["ticket_timers"]}
