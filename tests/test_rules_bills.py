"""Rules on invoices and agreements that need a second look."""

from dataclasses import replace
from datetime import date

import pytest
from shop import SSD, amounts, invoice, left_out, report, schedule, shop
from world import HOUSE, REMOTE, contract, line, ticket, timer

from syncro_nb.books import Gap
from syncro_nb.reconcile.bills import amount_of
from syncro_nb.reconcile.report import reconcile

HOUR = [(1, REMOTE, 15000, "")]


# ---------------------------------------------------------------- invoiced-but-open


def test_an_open_ticket_with_an_invoice_and_later_work():
    still = ticket(1, status="In Progress")
    (found,) = report("invoiced-but-open", still, invoice(7, ticket=1, lines=HOUR), timer(1, days_ago=2)).findings
    assert (found.severity, found.direction, found.ticket, found.invoice) == ("S3", "none", 1, 7)
    assert len(report("invoiced-but-open", still, invoice(7, ticket=1, lines=HOUR), line(1)).findings) == 1


def test_earlier_work_a_later_invoice_and_a_resolved_ticket_are_fine():
    still, bill = ticket(1, status="In Progress"), invoice(7, ticket=1, lines=HOUR)
    assert amounts("invoiced-but-open", still, bill, timer(1, days_ago=9)) == []
    assert amounts("invoiced-but-open", still, bill, invoice(8, ticket=1, days_ago=1), timer(1, days_ago=2)) == []
    assert amounts("invoiced-but-open", ticket(1), bill, timer(1, days_ago=2)) == []


# ---------------------------------------------------------------- invoice-arithmetic


def test_an_invoice_that_asks_for_less_than_its_lines_is_a_leak_and_for_more_over():
    less = invoice(7, lines=HOUR)
    head = replace(less[0], total_cents=14000)
    assert amounts("invoice-arithmetic", head, less[1:]) == [("leak", 1000)]
    head = replace(less[0], subtotal_cents=16000, total_cents=16000)
    assert amounts("invoice-arithmetic", head, less[1:]) == [("over", 1000)]
    head = replace(less[0], subtotal_cents=16000)
    (found,) = report("invoice-arithmetic", head, less[1:]).findings
    assert (found.severity, found.direction, found.amount_cents) == ("S1", "none", 0)


def test_a_cent_of_rounding_and_a_discount_are_right():
    some = invoice(7, lines=HOUR)
    assert amounts("invoice-arithmetic", some) == []
    assert amounts("invoice-arithmetic", replace(some[0], total_cents=15001), some[1:]) == []
    off = replace(some[1], discount_percent=10)
    assert amounts("invoice-arithmetic", replace(some[0], subtotal_cents=13500, total_cents=13500), off) == []


def test_lines_that_were_not_read_are_no_wrong_sum():
    head, *lines = invoice(7, lines=[*HOUR, (1, SSD, 9900, "")])
    torn = shop(head, lines[:1], gaps=(Gap("invoice_lines", "not read", 1),))
    rows = torn.table("invoices")
    rows["detail_at"] = rows["detail_at"].mask(rows["detail_at"].notna())
    made = reconcile(torn, HOUSE, rules=["invoice-arithmetic"])
    assert (made.findings, [one.records for one in made.not_evaluated]) == ((), [1])


# ---------------------------------------------------------------- empty-invoice


def test_an_invoice_of_nothing_for_a_line_with_a_price_is_one_finding():
    free = invoice(7, ticket=1, lines=[(1, REMOTE, 0, "")])
    both = report(["invoice-vs-ticket", "empty-invoice"], ticket(1), line(1, converted=True), free)
    assert [(one.rule, one.amount_cents) for one in both.findings] == [("invoice-vs-ticket", 15000)]


def test_an_invoice_without_lines():
    (found,) = report("empty-invoice", invoice(7)).findings
    assert (found.severity, found.direction, found.amount_cents, found.exact) == ("S2", "leak", 0, False)
    lost = [ticket(1), line(1, converted=True), invoice(7, ticket=1)]
    assert amounts("empty-invoice", lost) == [("leak", 15000)]


def test_labour_at_nothing_on_an_invoice_of_nothing():
    assert amounts("empty-invoice", invoice(7, lines=[(2, REMOTE, 0, "")])) == [("leak", 30000)]
    assert amounts("empty-invoice", invoice(7, 20, lines=[(2, REMOTE, 0, "")])) == []  # drawn from a block
    assert amounts("empty-invoice", invoice(7, lines=[(2, REMOTE, 0, "courtesy")])) == []
    assert amounts("empty-invoice", invoice(7, lines=[(2, REMOTE, 0, "")]), contract(10)) == []
    assert amounts("empty-invoice", invoice(7, lines=[(1, SSD, 0, "")])) == []
    made = report(["empty-invoice", "zero-line"], invoice(7, lines=[(2, REMOTE, 0, "")]))
    assert [(one.rule, one.evidence.get("also")) for one in made.findings] == [("zero-line", ["empty-invoice"])]


# ---------------------------------------------------------------- contract-vs-schedule


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        *(("730.00", 73000), ("$1,250", 125000), ("30k", 3000000), ("1.5k", 150000), ("405 / month", 40500)),
        *(("USD 500", 50000), (".50", 50), ("0", 0), ("", None), ("call me", None), ("12 x 30", None), ("1,25", None)),
    ],
)
def test_amounts_as_people_write_them(text, cents):
    assert amount_of(text) == cents


def test_a_contract_without_a_recurring_invoice_or_with_another_amount():
    care = contract(10, amount_text="650")
    assert amounts("contract-vs-schedule", care) == [("leak", 65000)]
    assert amounts("contract-vs-schedule", care, schedule(1, cents=65000)) == []
    assert amounts("contract-vs-schedule", care, schedule(1, cents=60000)) == [("leak", 5000)]
    assert amounts("contract-vs-schedule", care, schedule(1, cents=70000)) == [("over", 5000)]
    assert amounts("contract-vs-schedule", care, schedule(1, cents=780000, frequency="Annually")) == []
    assert amounts("contract-vs-schedule", care, [schedule(1, cents=25000), schedule(2, cents=40000)]) == []
    assert amounts("contract-vs-schedule", care, schedule(1, cents=65000, paused=True)) == [("leak", 65000)]


def test_contracts_of_nothing_of_others_and_of_words():
    assert amounts("contract-vs-schedule", contract(10, amount_text="0.00")) == []
    assert amounts("contract-vs-schedule", contract(10, amount_text="650", status="Canceled")) == []
    assert left_out("contract-vs-schedule", contract(10, amount_text="as agreed")) == [1]
    assert left_out("contract-vs-schedule", contract(10, amount_text="")) == [1]
    half = (Gap("schedules", "page 2 failed"),)
    assert left_out("contract-vs-schedule", contract(10, amount_text="650"), gaps=half) == [1]


def test_a_contract_that_ended_and_is_still_used():
    ended = contract(10, amount_text="650", ends_on=date(2026, 2, 28))
    (found,) = report("contract-vs-schedule", ended, ticket(1), timer(1, days_ago=2)).findings
    assert (found.severity, found.direction, found.evidence["contract_id"]) == ("S2", "none", 1000)
    assert amounts("contract-vs-schedule", ended, ticket(1), timer(1, days_ago=60)) == []
