"""Rules on cash and ledger."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from shop import amounts, invoice, left_out, payment, report
from world import REMOTE, line, ticket, timer

from syncro_nb.books import Gap

HOUR = [(1, REMOTE, 15000, "")]


# ---------------------------------------------------------------- paid-flags


def test_an_invoice_that_says_paid_and_is_not_misses_the_money():
    assert amounts("paid-flags", invoice(7, lines=HOUR, is_paid=True)) == [("cash", 15000)]
    assert amounts("paid-flags", invoice(7, lines=HOUR, is_paid=True), payment(1, 5000, 7)) == [("cash", 10000)]
    refused = payment(1, 15000, 7, success=False)
    assert amounts("paid-flags", invoice(7, lines=HOUR, is_paid=True), refused) == [("cash", 15000)]


def test_an_invoice_that_is_paid_and_does_not_say_so_has_a_wrong_flag():
    assert amounts("paid-flags", invoice(7, lines=HOUR), payment(1, 15000, 7)) == [("cash", 0)]
    halves = [payment(1, 7500, 7), payment(2, 7500, 7)]
    assert amounts("paid-flags", invoice(7, lines=HOUR), halves) == [("cash", 0)]


def test_agreement_is_silent():
    assert amounts("paid-flags", invoice(7, lines=HOUR)) == []
    assert amounts("paid-flags", invoice(7, lines=HOUR, is_paid=True), payment(1, 15000, 7)) == []
    assert amounts("paid-flags", invoice(7, lines=HOUR), payment(1, 5000, 7)) == []
    for flag in (True, False):
        assert amounts("paid-flags", invoice(7, lines=[(1, REMOTE, 0, "")], is_paid=flag)) == []
    note = invoice(7, lines=[(-1, REMOTE, 15000, "")], is_paid=True)
    assert amounts("paid-flags", note, payment(1, -15000, 7)) == []


def test_a_payment_without_an_invoice_is_unassigned():
    (found,) = report("paid-flags", payment(1, 5000)).findings
    assert (found.direction, found.amount_cents, found.evidence["payment_id"]) == ("cash", 5000, 1)
    assert amounts("paid-flags", payment(1, 5000, success=False)) == []


def test_a_payment_of_several_invoices_is_judged_by_their_balances():
    both = payment(1, 30000, 7, 8)
    some = [invoice(number, lines=HOUR, is_paid=True) for number in (7, 8)]
    assert left_out("paid-flags", some, both) == [2]
    told = [[replace(head, balance_due_cents=0), one] for head, one in some]
    assert amounts("paid-flags", told, both) == []


def test_half_of_the_payments_prove_nothing():
    some = invoice(7, lines=HOUR, is_paid=True)
    assert left_out("paid-flags", some, gaps=(Gap("payments", "page 3 failed"),)) == [1]


# ---------------------------------------------------------------- ledger-difference


def ledger(*rows):
    """A bookkeeper's list: number, day, customer, total, tax."""
    return pd.DataFrame(
        {
            "invoice_number": pd.Series([one[0] for one in rows], dtype="str"),
            "dated_on": pd.Series([pd.Timestamp(one[1]) for one in rows], dtype="datetime64[ms]"),
            "customer": pd.Series([one[2] for one in rows], dtype="str"),
            "total_cents": pd.array([one[3] for one in rows], dtype="Int64"),
            "tax_cents": pd.array([one[4] for one in rows], dtype="Int64"),
            "line": pd.array(range(2, len(rows) + 2), dtype="int64"),
        }
    )


def bill(number, day="2026-03-10", rate="8.7"):
    """An invoice of $150.00 and $13.05 of tax."""
    head, *lines = invoice(number, lines=HOUR, rate=rate)
    return [replace(head, dated_on=date.fromisoformat(day)), *lines]


SAME = ("7", "2026-03-10", "Anvil Works", 16305, 1305)


def causes(*rows, some=None, **more):
    found = report("ledger-difference", some or bill(7), ledger=ledger(*rows), **more)
    assert {(one.direction, one.amount_cents) for one in found.findings} <= {("none", 0)}
    return [(one.invoice, one.severity, one.evidence["causes"]) for one in found.findings]


def test_what_agrees_is_silent_also_in_another_spelling():
    assert causes(SAME) == []
    assert causes(("#007", "2026-03-10", "ANVIL  WORKS.", 16305, 1305)) == []
    assert causes(("7", "2026-03-10", "", None, None)) == []


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (("7", "2026-03-10", "Anvil Works", 17305, 1305), "total differs"),
        (("7", "2026-03-10", "Anvil Works", 16305, 1205), "tax differs"),
        (("7", "2026-03-10", "Cedar", 16305, 1305), "customer differs"),
        (("7", "2026-03-19", "Anvil Works", 16305, 1305), "date differs"),
    ],
)
def test_what_differs_is_named(row, cause):
    assert causes(row) == [(7, "S1", [cause])]


def test_missing_on_a_side_and_twice():
    assert causes(SAME, ("8", "2026-03-10", "Walk-in", 100, 0)) == [(8, "S1", ["missing in Syncro"])]
    assert causes(SAME, some=[*bill(7), *bill(8)]) == [(8, "S1", ["missing in the ledger"])]
    assert causes(SAME, SAME) == [(7, "S1", ["number occurs twice"])]


def test_known_causes_are_hygiene():
    late = ("7", "2026-04-01", "Anvil Works", 16305, 1305)
    assert causes(late, some=bill(7, "2026-03-31")) == [(7, "S4", ["a day's delay at month end"])]
    cent = ("7", "2026-03-10", "Anvil Works", 16306, 1306)
    assert causes(cent) == [(7, "S4", ["automatic sales tax"])]
    no_tax = ("7", "2026-03-10", "Anvil Works", 15000, 0)
    assert causes(no_tax) == [(7, "S1", ["total differs", "tax differs"])]


def test_the_difference_keeps_its_sign():
    (found,) = report(
        "ledger-difference", bill(7), ledger=ledger(("7", "2026-03-10", "Anvil Works", 15305, 1305))
    ).findings
    assert found.evidence["difference_cents"] == -1000


def test_invoices_outside_of_the_ledger_are_not_evaluated():
    made = report("ledger-difference", bill(7), bill(8, "2026-02-10"), ledger=ledger(SAME))
    assert made.findings == ()
    assert [one.records for one in made.not_evaluated] == [1]


def test_without_a_ledger_it_is_not_evaluated():
    assert left_out("ledger-difference", bill(7)) == [1]


# ---------------------------------------------------------------- receivable-overdue


@pytest.mark.parametrize(
    ("due", "age"),
    [
        (date(2026, 3, 31), "0"),
        (date(2026, 3, 30), "1-30"),
        (date(2026, 3, 1), "1-30"),
        (date(2026, 2, 28), "31-60"),
        (date(2026, 1, 1), "61-90"),
        (date(2025, 12, 30), "90+"),
    ],
)
def test_what_is_due_by_age(due, age):
    some = invoice(7, lines=HOUR, due_on=due, balance_due_cents=12000)
    (found,) = report("receivable-overdue", some).findings
    assert (found.severity, found.direction, found.amount_cents, found.evidence["age"]) == ("S3", "cash", 12000, age)


def test_what_is_not_due_or_paid_is_silent_and_an_unknown_balance_is_said():
    assert amounts("receivable-overdue", invoice(7, lines=HOUR, due_on=date(2026, 4, 1), balance_due_cents=1)) == []
    past = {"due_on": date(2026, 3, 1)}
    assert amounts("receivable-overdue", invoice(7, lines=HOUR, is_paid=True, balance_due_cents=15000, **past)) == []
    assert amounts("receivable-overdue", invoice(7, lines=HOUR, balance_due_cents=0, **past)) == []
    missing = (Gap("payments", "page 2 failed"),)
    assert left_out("receivable-overdue", invoice(7, lines=HOUR, **past), gaps=missing) == [1]


def test_where_an_invoice_does_not_tell_its_balance_its_payments_do():
    owed = invoice(7, lines=HOUR, due_on=date(2026, 3, 1))
    assert amounts("receivable-overdue", owed) == [("cash", 15000)]
    assert amounts("receivable-overdue", owed, payment(1, 5000, 7)) == [("cash", 10000)]
    assert amounts("receivable-overdue", owed, payment(1, 5000, 7, success=False)) == [("cash", 15000)]
    assert left_out("receivable-overdue", owed, payment(1, 20000, 7, 8)) == [1]


# ---------------------------------------------------------------- cut-off


def test_work_of_a_closed_month_on_an_invoice_of_a_later_one():
    worked = [ticket(1), line(1, days_ago=33, converted=True), invoice(7, ticket=1, lines=HOUR, days_ago=5)]
    (found,) = report("cut-off", worked).findings
    assert (found.severity, found.direction, found.amount_cents, found.on) == ("S4", "timing", 15000, "2026-02-26")
    assert len(report("cut-off", worked, timer(1, days_ago=6, line_item_id=1, recorded=True)).findings) == 0


def test_the_same_month_and_a_month_that_is_still_open_are_fine():
    worked = [ticket(1), line(1, days_ago=9, converted=True), invoice(7, ticket=1, lines=HOUR, days_ago=5)]
    assert amounts("cut-off", worked) == []
    early = [ticket(1), line(1, days_ago=62, converted=True), invoice(7, ticket=1, lines=HOUR, days_ago=5)]
    assert amounts("cut-off", early, to=date(2026, 1, 27)) == []
    assert amounts("cut-off", early, to=date(2026, 1, 31)) == [("timing", 15000)]
