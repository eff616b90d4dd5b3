"""Rules between charge and invoice: what fires, what does not, and how much it comes to."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from shop import EMERGENCY, HOURS, SOLD, SSD, amounts, invoice, left_out, report, schedule, schedule_line, shop
from world import CUSTOMERS, HOUSE, NOW, REMOTE, agreed, comment, contract, line, ticket, timer

from syncro_nb.books import Gap
from syncro_nb.reconcile.invoices import last_run
from syncro_nb.reconcile.report import reconcile
from syncro_nb.service.records import Customer

OPEN = "In Progress"
HOUR = [(1, REMOTE, 15000, "Cleared it")]
TAXED = (Customer(10, "Anvil Works", tax_rate_id=1), *CUSTOMERS[1:])


def resolved(number=1, customer=10, days_ago=9, **more):
    """A ticket that was resolved so many days ago."""
    at = NOW - timedelta(days=days_ago)
    return ticket(number, customer, resolved_at=at, updated_at=at, created_at=at - timedelta(days=2), **more)


# ---------------------------------------------------------------- pending-stale


def test_a_line_waits_on_a_ticket_that_was_resolved_over_five_business_days_ago():
    assert amounts("pending-stale", resolved(), line(1, days_ago=40)) == [("leak", 15000)]
    assert amounts("pending-stale", resolved(), line(1, days_ago=9)) == [("timing", 15000)]


def test_five_business_days_are_not_more_than_five():
    # NOW is a Tuesday; a week before lie five business days.
    assert amounts("pending-stale", resolved(days_ago=7), line(1)) == []
    assert amounts("pending-stale", resolved(days_ago=8), line(1, days_ago=9)) == [("timing", 15000)]


def test_invoiced_lines_and_open_tickets_do_not_wait():
    assert amounts("pending-stale", resolved(), line(1, converted=True)) == []
    assert amounts("pending-stale", resolved(status=OPEN), line(1)) == []
    assert amounts("pending-stale", resolved(), line(1, price_cents=0)) == []


def test_a_recurring_invoice_that_takes_it_along_excuses_it():
    waits = [resolved(), line(1)]
    assert amounts("pending-stale", waits, schedule(1, sweeps_tickets=True)) == []
    for no_help in (
        schedule(1),
        schedule(1, sweeps_tickets=True, paused=True),
        schedule(1, sweeps_tickets=True, next_run=date(2026, 3, 30)),
        schedule(1, customer=30, sweeps_tickets=True),
    ):
        assert amounts("pending-stale", waits, no_help) == [("timing", 15000)]


def test_with_half_of_the_recurring_invoices_it_is_not_evaluated():
    assert left_out("pending-stale", resolved(), line(1), gaps=(Gap("schedules", "page 2 failed"),)) == [1]


# ---------------------------------------------------------------- invoiced-unproven


def test_a_ticket_that_only_says_that_it_is_invoiced_is_found_with_all_that_it_would_bill():
    said = resolved(status="Invoiced")
    made = report(
        ["invoiced-unproven", "pending-stale", "timer-uncharged"], said, line(1, days_ago=40), timer(1, days_ago=40)
    )
    (found,) = made.findings
    assert (found.rule, found.severity, found.amount_cents) == ("invoiced-unproven", "S1", 22500)
    assert found.evidence["also"] == ["timer-uncharged", "pending-stale"]
    assert amounts("invoiced-unproven", resolved(billing_status="invoiced"), line(1)) == [("leak", 15000)]


@pytest.mark.parametrize("words", ["not invoiced", "Uninvoiced", "Not yet invoiced", ""])
def test_words_that_deny_it_do_not_say_it(words):
    assert amounts("invoiced-unproven", resolved(billing_status=words), line(1)) == []


def test_an_invoice_converted_lines_or_free_work_prove_it():
    said = resolved(status="Invoiced")
    assert amounts("invoiced-unproven", said, line(1), invoice(7, ticket=1, lines=HOUR)) == []
    assert amounts("invoiced-unproven", said, line(1, converted=True)) == []
    assert amounts("invoiced-unproven", said, timer(1, billable=False)) == []
    covered = replace(said, customer_id=30)
    assert amounts("invoiced-unproven", covered, timer(1), contract(30)) == []


def test_without_the_details_it_is_not_said_but_asked_for():
    books = shop(resolved(status="Invoiced"), line(1), invoice(7, lines=HOUR))
    books.tables["invoices"].loc[:, "named_at"] = pd.NaT
    made = reconcile(books, HOUSE, rules=["invoiced-unproven"])
    assert made.findings == ()
    assert [one.records for one in made.not_evaluated] == [1]
    assert made.proofs_wanted.tickets == {1001}
    proved = reconcile(books, HOUSE, rules=["invoiced-unproven"], proved=[1001])
    assert [one.amount_cents for one in proved.findings] == [15000]


@pytest.mark.parametrize("rule", ["duplicate-invoice", "invoice-vs-ticket", "invoiced-but-open"])
def test_an_invoice_that_only_the_list_shows_without_a_ticket_is_not_evaluated(rule):
    books = shop(resolved(), resolved(2), invoice(7, lines=HOUR), invoice(8, lines=HOUR, days_ago=4))
    books.tables["invoices"].loc[:, "named_at"] = pd.NaT
    made = reconcile(books, HOUSE, rules=[rule])
    assert made.findings == ()
    assert [one.records for one in made.not_evaluated] == [2]


def test_with_half_of_the_invoices_nothing_is_said():
    assert left_out(
        "invoiced-unproven", resolved(status="Invoiced"), line(1), gaps=(Gap("invoices", "page 2 failed"),)
    ) == [1]


# ---------------------------------------------------------------- duplicate-invoice


def test_the_same_lines_within_three_days_are_a_duplicate_and_the_later_one_is_the_finding():
    twice = [invoice(7, lines=HOUR, days_ago=9), invoice(8, lines=HOUR, days_ago=6, rate="8.7")]
    (found,) = report("duplicate-invoice", twice).findings
    assert (found.invoice, found.direction, found.amount_cents, found.severity) == (8, "over", 15000, "S1")
    assert found.evidence["other_invoice"] == "7"


@pytest.mark.parametrize(
    "other",
    [
        {"days_ago": 5},
        {"customer": 30},
        {"lines": [(1, REMOTE, 15000, "Something else")]},
        {"lines": [(2, REMOTE, 15000, "Cleared it")]},
        {"lines": [*HOUR, (1, SSD, 9900, "")]},
        {"is_recurring": True},
        {"schedule_id": 3},
    ],
)
def test_another_time_customer_or_line_is_no_duplicate(other):
    one = invoice(7, lines=HOUR, days_ago=9)
    assert amounts("duplicate-invoice", one, invoice(8, **{"lines": HOUR, "days_ago": 9, **other})) == []


def test_where_the_list_does_not_say_what_recurs_the_schedules_do():
    twice = [invoice(number, lines=[(4, SSD, 6500, "")]) for number in (7, 8)]
    sites = [schedule(1), schedule(2), schedule_line(1, 1, SSD, 6500, "4"), schedule_line(2, 2, SSD, 6500, "4")]
    assert amounts("duplicate-invoice", twice, sites) == []
    assert amounts("duplicate-invoice", twice) == [("over", 26000)]


def test_two_invoices_of_one_ticket_that_share_a_line_are_found_at_any_distance():
    bills = [
        invoice(7, ticket=1, lines=[*HOUR, (1, SSD, 9900, "")], days_ago=50),
        invoice(8, ticket=1, lines=HOUR, days_ago=9),
    ]
    rows = [
        ticket(1),
        line(1, converted=True, description="Cleared it"),
        line(2, product_id=SSD, price_cents=9900, converted=True),
    ]
    made = report(["duplicate-invoice", "invoice-vs-ticket"], rows, bills)
    (found,) = made.findings
    assert (found.rule, found.invoice, found.amount_cents, found.evidence["also"]) == (
        "duplicate-invoice",
        8,
        15000,
        ["invoice-vs-ticket"],
    )


def test_lines_that_the_ticket_has_twice_are_no_duplicate():
    bills = [invoice(7, ticket=1, lines=HOUR, days_ago=50), invoice(8, ticket=1, lines=HOUR, days_ago=9)]
    twice = [
        replace(line(number, converted=True), name=f"product {REMOTE}", description="Cleared it") for number in (1, 2)
    ]
    assert amounts("duplicate-invoice", ticket(1), twice, bills) == []


def test_whether_two_tickets_have_the_line_each_is_not_known_before_they_were_read():
    books = shop(
        resolved(), resolved(2), invoice(7, ticket=1, lines=HOUR), invoice(8, ticket=2, lines=HOUR, days_ago=4)
    )
    books.tables["tickets"].loc[:, "detail_at"] = pd.NaT
    made = reconcile(books, HOUSE, rules=["duplicate-invoice"])
    assert (made.findings, [one.records for one in made.not_evaluated]) == ((), [1])


def test_the_price_of_a_line_that_is_a_duplicate_as_a_whole_is_no_finding_of_its_own():
    dear = [(1, REMOTE, 16000, "Cleared it")]
    taken = line(1, converted=True, price_cents=16000, description="Cleared it")
    twice = [invoice(7, ticket=1, lines=dear), invoice(8, ticket=1, lines=dear, days_ago=4)]
    made = report(["duplicate-invoice", "rate-drift"], resolved(), taken, twice)
    assert [(one.rule, one.invoice, one.amount_cents) for one in made.findings] == [
        ("duplicate-invoice", 8, 16000),
        ("rate-drift", 7, 1000),
    ]


def test_two_tickets_that_have_the_line_each_are_no_duplicate():
    bills = [invoice(7, ticket=1, lines=HOUR), invoice(8, ticket=2, lines=HOUR)]
    lines = [line(number, number, converted=True, description="Cleared it") for number in (1, 2)]
    assert amounts("duplicate-invoice", ticket(1), ticket(2), lines, bills) == []
    assert amounts("duplicate-invoice", ticket(1), ticket(2), lines[:1], bills) == [("over", 15000)]


# ---------------------------------------------------------------- invoice-vs-ticket


def converted(id, number=1, **more):
    """A line that counts as invoiced."""
    return line(id, number, converted=True, **more)


def test_per_product_the_invoices_have_what_the_ticket_has():
    bill = invoice(7, ticket=1, lines=[(1, REMOTE, 15000, ""), (2, SSD, 9900, "")])
    rows = [ticket(1), converted(1), converted(2, product_id=SSD, price_cents=9900)]
    (found,) = report("invoice-vs-ticket", rows, bill).findings
    assert (found.direction, found.amount_cents, found.invoice, found.severity) == ("over", 9900, 7, "S1")
    assert amounts("invoice-vs-ticket", ticket(1), converted(1), bill[:2]) == []


def test_what_one_product_lacks_another_does_not_make_good():
    bill = invoice(7, ticket=1, lines=[(1, REMOTE, 15000, ""), (1, SSD, 15000, "")])
    twice = [ticket(1), converted(1), converted(2)]
    found = report("invoice-vs-ticket", twice, bill).findings
    assert sorted((one.direction, one.amount_cents) for one in found) == [("leak", 15000), ("over", 15000)]


def test_a_line_that_got_lost_is_a_leak_and_pending_lines_do_not_count():
    bill = invoice(7, ticket=1, lines=HOUR)
    lost = converted(2, product_id=SSD, price_cents=9900)
    assert amounts("invoice-vs-ticket", ticket(1), converted(1), lost, bill) == [("leak", 9900)]
    assert amounts("invoice-vs-ticket", ticket(1), converted(1), replace(lost, converted=False), bill) == []


def test_two_invoices_of_a_ticket_are_taken_together_and_none_is_nothing_to_compare():
    bills = [invoice(7, ticket=1, lines=HOUR), invoice(8, ticket=1, lines=[(1, SSD, 9900, "")])]
    rows = [ticket(1), converted(1), converted(2, product_id=SSD, price_cents=9900)]
    assert amounts("invoice-vs-ticket", rows, bills) == []
    assert amounts("invoice-vs-ticket", rows) == []


def test_hours_drawn_from_a_block_are_not_compared():
    assert amounts("invoice-vs-ticket", ticket(1, 20), converted(1), invoice(7, 20, 1, [(1, REMOTE, 0, "")])) == []


def test_discounts_count_on_both_sides():
    head, one = invoice(7, ticket=1, lines=HOUR)
    cheaper = [head, replace(one, discount_percent=Decimal(10))]
    assert amounts("invoice-vs-ticket", ticket(1), converted(1), cheaper) == [("leak", 1500)]
    assert amounts("invoice-vs-ticket", ticket(1), converted(1, discount_percent=Decimal(10)), cheaper) == []


def test_a_price_that_was_changed_on_the_invoice_is_one_finding():
    bill = invoice(7, ticket=1, lines=[(1, REMOTE, 13500, "")])
    (found,) = report(["rate-drift", "invoice-vs-ticket"], ticket(1), converted(1), bill).findings
    assert (found.rule, found.amount_cents, found.evidence["also"]) == ("invoice-vs-ticket", 1500, ["rate-drift"])


def test_what_a_recurring_invoice_took_along_is_not_lost():
    bill = invoice(7, ticket=1, lines=HOUR)
    rows = [ticket(1), converted(1), converted(2, product_id=SSD, price_cents=9900)]
    assert amounts("invoice-vs-ticket", rows, bill, invoice(8, lines=[(1, SSD, 9900, "")], schedule_id=3)) == []


# ---------------------------------------------------------------- tax


def bills(*some, rate="8.7"):
    """A taxed invoice of before, which shows the rate, and these."""
    return [invoice(1, lines=HOUR, days_ago=60, rate=rate), *some]


def untaxed(made, *places):
    """An invoice whose lines (or those at these places) are not taxable, its tax accordingly."""
    head, *lines = made
    lines = [replace(one, taxable=place not in (places or range(9))) for place, one in enumerate(lines)]
    return [head, *lines]


def test_a_line_that_lost_its_tax_leaks_it():
    assert amounts("tax", TAXED, bills(untaxed(invoice(2, lines=[(0.5, REMOTE, 15000, "")])))) == [("leak", 653)]


def test_no_tax_at_all_is_a_leak_of_all_of_it():
    assert amounts("tax", TAXED, bills(invoice(2, lines=[(0.5, REMOTE, 15000, "")]))) == [("leak", 653)]


def test_goods_that_are_not_taxable_and_were_taxed_are_too_much():
    sold = [replace(one, taxable=one.id != SSD) for one in SOLD]
    both = invoice(2, lines=[(1, REMOTE, 15000, ""), (1, SSD, 9900, "")], rate="8.7")
    assert amounts("tax", TAXED, sold, bills(both)) == [("over", 861)]
    assert amounts("tax", TAXED, sold, bills(untaxed(both, 1))) == []


def test_the_house_says_which_labour_is_taxed_and_the_product_only_where_it_does_not():
    house = replace(agreed(taxable={"remote": False}), tax_rates={"default": Decimal(10)})
    assert amounts("tax", TAXED, invoice(7, lines=HOUR, rate="10"), house=house) == [("over", 1500)]
    assert amounts("tax", TAXED, invoice(7, lines=[(1, SSD, 9900, "")], rate="10"), house=house) == []
    assert amounts("tax", TAXED, invoice(7, lines=[(1, EMERGENCY, 22500, "")], rate="10"), house=house) == []


def test_the_rate_of_the_house_comes_first():
    house = replace(HOUSE, tax_rates={"default": Decimal(10)})
    one = invoice(2, lines=[(1, REMOTE, 15000, "")])
    assert amounts("tax", TAXED, one, house=house) == [("leak", 1500)]
    assert amounts("tax", TAXED, bills(one), house=house) == [("leak", 1500)]


def test_a_customer_without_rate_and_tax_is_exempt():
    plain = invoice(2, 30, lines=HOUR)
    assert amounts("tax", plain) == []
    assert amounts("tax", TAXED, plain, invoice(3, 30, lines=HOUR, rate="8.7")) == [("over", 1305)]


def test_where_no_customer_has_a_rate_a_single_taxed_invoice_is_not_evaluated():
    assert left_out("tax", invoice(3, 30, lines=HOUR, rate="8.7")) == [1]


def test_a_customer_with_tax_on_other_invoices_is_not_exempt():
    taxed = [invoice(number, 30, lines=HOUR, rate="8.7") for number in (2, 3)]
    assert amounts("tax", taxed) == []
    assert amounts("tax", taxed, invoice(4, 30, lines=HOUR)) == [("leak", 1305)]


def test_where_nothing_tells_the_rate_it_is_not_evaluated():
    assert left_out("tax", TAXED, invoice(2, lines=HOUR)) == [1]


def test_lines_that_do_not_say_whether_they_are_taxable_are_not_evaluated():
    head, one = invoice(2, lines=HOUR)
    assert left_out("tax", TAXED, bills(), [head, replace(one, taxable=None)]) == [1]


# ---------------------------------------------------------------- recurring-missed


def earlier(day, customer=10, number=1):
    """An invoice of that day, so that the books reach back."""
    return [replace(invoice(number, customer, lines=HOUR)[0], dated_on=day)]


def test_a_run_that_is_past_or_made_no_invoice_was_missed():
    before = earlier(date(2025, 1, 1))
    assert amounts("recurring-missed", before, schedule(1, next_run=date(2026, 3, 30))) == [("leak", 6500)]
    assert amounts("recurring-missed", before, schedule(1, next_run=date(2026, 4, 15))) == [("leak", 6500)]


@pytest.mark.parametrize(("day", "missed"), [(11, True), (12, False), (15, False), (18, False), (19, True)])
def test_an_invoice_within_three_days_of_the_last_run_is_it(day, missed):
    made = [earlier(date(2025, 1, 1)), earlier(date(2026, 3, day), number=2)]
    assert amounts("recurring-missed", made, schedule(1)) == [("leak", 6500)] * missed


def test_paused_and_due_today_and_before_the_customer_came_is_not_missed():
    before = earlier(date(2025, 1, 1))
    assert amounts("recurring-missed", before, schedule(1, next_run=date(2026, 3, 1), paused=True)) == []
    assert amounts("recurring-missed", before, schedule(1, cents=0)) == []
    new = (replace(CUSTOMERS[0], created_at=NOW - timedelta(days=10)), *CUSTOMERS[1:])
    assert amounts("recurring-missed", before, new, schedule(1)) == []
    assert amounts("recurring-missed", schedule(1)) == []
    today = schedule(1, next_run=date(2026, 3, 31))
    assert amounts("recurring-missed", before, earlier(date(2026, 2, 28), number=2), today) == []


def test_a_frequency_in_strange_words_is_not_evaluated():
    assert left_out("recurring-missed", schedule(1, frequency="Every blue moon")) == [1]


@pytest.mark.parametrize(
    ("words", "day"),
    [("Monthly", "2026-02-28"), ("Quarterly", "2025-12-31"), ("Annually", "2025-03-31"), ("Weekly", "2026-03-24")],
)
def test_the_run_before(words, day):
    assert last_run(pd.Timestamp("2026-03-31"), words) == pd.Timestamp(day)


# ---------------------------------------------------------------- no-path-to-bill


def test_charges_of_a_customer_whose_recurring_invoices_leave_them_out_have_no_way_to_a_bill():
    rows = [ticket(1, status=OPEN), ticket(2, status=OPEN), line(1), line(2, 2, product_id=SSD, price_cents=9900)]
    (found,) = report("no-path-to-bill", rows, schedule(1)).findings
    assert (found.customer, found.ticket, found.amount_cents, found.direction) == ("Anvil Works", None, 24900, "leak")


@pytest.mark.parametrize(
    "help",
    [
        [],
        [schedule(1), schedule(2, sweeps_tickets=True)],
        [schedule(1, customer=30)],
        [schedule(1), invoice(7, ticket=2, lines=HOUR, days_ago=45)],
    ],
)
def test_without_a_schedule_with_a_sweeping_one_or_a_late_invoice_there_is_a_way(help):
    assert amounts("no-path-to-bill", ticket(1, status=OPEN), ticket(2), line(1), help) == []


@pytest.mark.parametrize(
    "no_help",
    [
        [schedule(1, sweeps_tickets=True, paused=True)],
        [schedule(1), invoice(7, ticket=2, lines=HOUR, days_ago=46)],
        [schedule(1), invoice(7, lines=HOUR, days_ago=3)],
    ],
)
def test_a_paused_schedule_an_old_invoice_or_one_without_a_ticket_is_no_way(no_help):
    assert amounts("no-path-to-bill", ticket(1, status=OPEN), ticket(2), line(1), no_help) == [("leak", 15000)]


def test_what_waits_on_a_resolved_ticket_is_only_counted_once():
    rows = [resolved(1), ticket(2, status=OPEN), line(1, days_ago=40), line(2, 2, product_id=SSD, price_cents=9900)]
    made = report(["pending-stale", "no-path-to-bill"], rows, schedule(1))
    assert [(one.rule, one.amount_cents) for one in made.findings] == [
        ("pending-stale", 15000),
        ("no-path-to-bill", 9900),
    ]
    assert made.totals["leak_cents"] == 24900


assert HOURS
assert comment
