"""The report: every dollar once, directions never netted, periods that fit together, and what is said where nothing was seen."""

import json
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import SSD, invoice, payment, report, schedule, shop
from world import HOUSE, NOW, REMOTE, comment, line, ticket, timer

from syncro_nb import books as books_module
from syncro_nb.books import Gap
from syncro_nb.errors import InputError
from syncro_nb.reconcile.proof import amend
from syncro_nb.reconcile.registry import ORDER, STARRED, every_rule
from syncro_nb.reconcile.report import reconcile
from syncro_nb.service.records import Invoice, Ticket

DAY = timedelta(days=1)


def busy():
    """A shop with several things wrong, and some of them twice."""
    at = NOW - 9 * DAY
    stale = {"resolved_at": at, "updated_at": at, "created_at": at - 2 * DAY}
    return [
        ticket(1, status="Invoiced", **stale),
        line(1, days_ago=40),
        timer(1, days_ago=41, minutes=45),
        ticket(2, **stale),
        line(2, 2, days_ago=9, price_cents=13500),
        line(3, 2, days_ago=9, price_cents=13500),
        ticket(3, status="In Progress", created_at=NOW - 80 * DAY),
        timer(3, 3, days_ago=70),
        timer(4, 3, days_ago=4, minutes=90),
        timer(5, 3, None, days_ago=33),
        ticket(4, **stale),
        comment(4, 4),
        ticket(5, **stale),
        line(5, 5, converted=True, days_ago=50),
        invoice(7, ticket=5, lines=[(1, REMOTE, 15000, "Cleared it")], days_ago=45),
        invoice(8, ticket=5, lines=[(1, REMOTE, 15000, "Cleared it")], days_ago=9),
        invoice(9, 30, lines=[(1, SSD, 9900, "")], days_ago=33, is_paid=True),
        payment(1, 500),
        schedule(1, next_run=date(2026, 2, 20)),
    ]


def found(books, **more):
    return {(one.key, one.rule, one.direction, one.amount_cents) for one in reconcile(books, HOUSE, **more).findings}


# ---------------------------------------------------------------- every dollar once


def test_no_dollar_is_claimed_twice():
    made = report(STARRED, busy())
    claims = [
        (name, number)
        for one in made.findings
        for name in ("line_id", "timer_id")
        for number in [one.evidence.get(name), *one.evidence.get(f"{name}s", ())]
        if number is not None and one.amount_cents and one.rule not in ("rate-drift", "quantity-vs-timer")
    ]
    assert len(claims) == len(set(claims))


def test_the_first_in_the_order_stands_and_names_the_other():
    made = report(STARRED, busy())
    (unproven,) = [one for one in made.findings if one.rule == "invoiced-unproven"]
    assert (unproven.amount_cents, unproven.evidence["also"]) == (26250, ["timer-uncharged", "pending-stale"])
    (double,) = [one for one in made.findings if one.rule == "double-charge"]
    assert (double.evidence["line_id"], double.evidence["also"]) == (3, ["rate-drift", "pending-stale"])


def test_directions_are_never_netted():
    made = report(STARRED, busy())
    by = {
        name: sum(one.amount_cents for one in made.findings if one.direction == name)
        for name in ("leak", "over", "cash")
    }
    assert {f"{name}_cents": cents for name, cents in by.items()}.items() <= made.totals.items()
    assert made.totals["timing_cents"] > 0
    assert min(one.amount_cents for one in made.findings) >= 0


def test_totals_by_rule_customer_and_technician_are_the_same_dollars():
    made = report(STARRED, busy())
    for name in ("rule", "customer", "technician", "severity"):
        table = made.by(name)
        assert table["findings"].sum() == len(made.findings)
        assert {one: int(table[one].sum()) for one in made.totals} == made.totals
    assert "Dana" in set(made.by("technician")["technician"])


def test_a_key_is_the_same_from_run_to_run_and_different_for_each_finding():
    one, other = (report(STARRED, busy()).findings for _ in range(2))
    assert [row.key for row in one] == [row.key for row in other]
    assert len({row.key for row in one}) == len(one)


# ---------------------------------------------------------------- properties


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_order_of_the_rows_changes_nothing(random):
    books = shop(busy())
    for name, rows in books.tables.items():
        books.tables[name] = rows.sample(frac=1, random_state=random.randint(0, 2**31)).reset_index(drop=True)
    assert found(books, rules=STARRED) == found(shop(busy()), rules=STARRED)


@given(st.integers(1, 20))
@settings(max_examples=5)
def test_clean_tickets_change_nothing(number):
    clean = [
        [
            ticket(place, 30, problem_type="clean", created_at=NOW - 90 * DAY, resolved_at=NOW - 80 * DAY),
            timer(place, place, days_ago=85, recorded=True, line_item_id=place),
            line(place, place, hours="0.5", converted=True, days_ago=84),
            invoice(place, 30, place, [(0.5, REMOTE, 15000, f"work {place}")], days_ago=80),
        ]
        for place in range(100, 100 + number)
    ]
    assert found(shop(busy(), clean), rules=STARRED) == found(shop(busy()), rules=STARRED)


@pytest.mark.parametrize("cut", [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28)])
def test_a_period_split_at_a_month_end_has_the_same_findings(cut):
    first, last = date(2025, 1, 1), date(2026, 3, 31)
    books = shop(busy())
    whole = found(books, rules=STARRED, from_=first, to=last)
    one = found(books, rules=STARRED, from_=first, to=cut)
    other = found(books, rules=STARRED, from_=cut + DAY, to=last)
    assert (one | other, one & other) == (whole, set())


# ---------------------------------------------------------------- period and cut-off


def test_the_cut_off_is_the_end_of_last_month_in_the_accounts_zone():
    made = report(STARRED, busy())
    assert made.cut_off.isoformat() == "2026-03-01T08:00:00+00:00"
    assert report(STARRED, busy(), to=date(2026, 3, 8)).cut_off.isoformat() == "2026-03-09T07:00:00+00:00"


def test_later_work_is_timing_and_a_period_leaves_it_out():
    alone = report(["timer-uncharged"], busy(), to=date(2026, 2, 28)).totals
    assert (alone["leak_cents"], alone["timing_cents"]) == (7500 + 11250, 22500)
    month = report(["timer-uncharged"], busy(), from_=date(2026, 1, 1), to=date(2026, 1, 31)).totals
    assert (month["leak_cents"], month["timing_cents"]) == (7500, 0)


def test_a_period_that_ends_before_it_begins_and_a_rule_that_is_none_are_refused():
    with pytest.raises(InputError, match="before it begins"):
        report(STARRED, busy(), from_=date(2026, 3, 1), to=date(2026, 2, 1))
    with pytest.raises(InputError, match="no rule 'rate-drfit'"):
        report(["rate-drfit"], busy())


def test_a_month_without_data_is_no_all_clear():
    made = report(STARRED, busy(), from_=date(2031, 1, 1), to=date(2031, 1, 31))
    assert (made.findings, made.has_data) == ((), False)
    assert any("no data in this period" in one for one in made.text())
    assert not any("No findings" in one for one in made.text())


# ---------------------------------------------------------------- honesty


def test_what_was_not_looked_at_is_in_the_document_and_in_the_text():
    made = report(["rate-drift"], busy(), gaps=(Gap("invoice_lines", "page 7 failed", 100),))
    assert made.as_json()["not_evaluated"] == [
        {"rule": "rate-drift", "reason": "invoice lines: page 7 failed", "records": 100}
    ]
    assert any("page 7 failed (100 records)" in one for one in made.text())


def test_every_rule_speaks_of_a_table_that_is_missing():
    for name in ("products", "tickets", "customers", "invoices"):
        made = report(STARRED, busy(), without=(name,))
        silent = {one.rule for one in made.not_evaluated}
        assert {one.name for one in every_rule().values() if name in one.reads and one.name in STARRED} <= silent
        assert not silent & {one.rule for one in made.findings if name in every_rule()[one.rule].reads}


def test_empty_books_have_no_findings_and_say_that_there_is_no_data():
    made = reconcile(shop(), HOUSE)
    assert (made.findings, made.has_data) == ((), False)


def test_the_document_is_json_and_has_what_the_interface_says():
    document = json.loads(json.dumps(report(STARRED, busy()).as_json()))
    assert list(document) == ["from", "to", "as_of", "findings", "not_evaluated", "totals"]
    assert list(document["totals"]) == ["leak_cents", "over_cents", "timing_cents", "cash_cents"]
    assert list(document["findings"][0]) == [
        *("rule", "severity", "direction", "amount_cents", "exact", "customer", "ticket", "invoice", "key", "message"),
        "evidence",
    ]
    assert {type(one["ticket"]) for one in document["findings"]} <= {int, type(None)}


# ---------------------------------------------------------------- rules as such


def test_every_starred_rule_is_there_and_each_rule_says_what_it_looks_for():
    rules = every_rule()
    assert set(rules) >= STARRED
    assert list(rules) == [name for name in ORDER if name in rules]
    assert all(len(one.said) > 30 for one in rules.values())


# ---------------------------------------------------------------- proofs


def test_books_amended_by_details_that_were_read_live_prove_it():
    at = NOW - 9 * DAY
    said = ticket(1, status="Invoiced", resolved_at=at, updated_at=at, created_at=at - DAY)
    books = shop(said, line(1, days_ago=40))
    books.tables["tickets"].loc[:, "detail_at"] = pd.NaT
    made = reconcile(books, HOUSE, rules=["invoiced-unproven"])
    assert (made.findings, made.proofs_wanted.tickets) == ((), {1001})
    detail = Ticket(1001, 1, status="Invoiced", updated_at=at, comments=(), timers=(), lines=(line(1, days_ago=40),))
    amended = amend(books, [detail], [], NOW)
    assert [
        one.amount_cents for one in reconcile(amended, HOUSE, rules=["invoiced-unproven"], proved=[1001]).findings
    ] == [15000]
    bill = Invoice(5007, 15000, 15000, number="7", customer_id=10, ticket_id=1001, lines=())
    amended = amend(books, [detail], [bill], NOW)
    assert reconcile(amended, HOUSE, rules=["invoiced-unproven"], proved=[1001]).findings == ()
    assert isinstance(amended, books_module.Books)


def test_the_evidence_has_a_link_to_each_record_where_the_account_has_an_address():
    made = reconcile(shop(busy()), HOUSE, rules=STARRED, site="https://shop.syncromsp.com")
    (unproven,) = [one for one in made.findings if one.rule == "invoiced-unproven"]
    assert unproven.evidence["links"] == {
        "ticket": "https://shop.syncromsp.com/tickets/1001",
        "customer": "https://shop.syncromsp.com/customers/10",
    }
    assert all("links" not in one.evidence for one in reconcile(shop(busy()), HOUSE, rules=STARRED).findings)


def test_a_report_says_in_a_line_what_it_holds():
    made = report(STARRED, busy())
    assert repr(made).startswith(
        f"<{len(made.findings)} findings: leak ${made.totals['leak_cents'] / 100:,.2f}, over $"
    )
