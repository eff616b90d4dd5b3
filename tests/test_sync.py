"""The sync: the mirror is the account, row by row; whatever is missing is said, and nothing is asked for twice."""

import collections
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from email.utils import format_datetime

import pytest
from churn import ChurnDesk, pay
from everything import read_everything
from mirrored import MirrorDesk, latest_hours, wrong_now

from syncro_nb.clock import StillClock
from syncro_nb.errors import InputError, Refused, Unreachable
from syncro_nb.mirror import sync as syncing
from syncro_nb.mirror.store import Batch, Store
from syncro_nb.mirror.sync import IDLE_REQUESTS
from syncro_nb.sandbox import Sandbox, serve
from syncro_nb.sandbox.emulator import Answer
from syncro_nb.summary.unbilled import NEEDS
from syncro_nb.tables import TABLES


@pytest.fixture
def desk(tmp_path):
    made = MirrorDesk(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def first_sync(tmp_path_factory):
    """The mirror after a full sync, made once; each test has a copy."""
    home = tmp_path_factory.mktemp("first")
    made = MirrorDesk(home)
    made.pull(full=True)
    made.close()
    return home / "mirror"


@pytest.fixture
def synced(first_sync, tmp_path):
    shutil.copytree(first_sync, tmp_path / "mirror")
    made = MirrorDesk(tmp_path)
    made.clock.sleep(60)
    yield made
    made.close()


def switch(desk, **switches):
    desk.ask("POST", "/_sandbox/switches", switches)


def wrong_tables(desk):
    """The tables that differ from the account, which is read without faults."""
    desk.sandbox._faults = []
    return wrong_now(desk)


def answering(desk, wanted, status):
    """From now on this path is answered so, without a body, for good."""
    answer = desk.sandbox.handle

    def handle(method, target, headers, body):
        if target.partition("?")[0] == f"/api/v1{wanted}":
            return Answer(status, {}, b"")
        return answer(method, target, headers, body)

    desk.sandbox.handle = handle
    desk.restart()


def a_ticket(desk):
    return desk.ask("GET", "/api/v1/tickets?number=32164")["tickets"][0]["id"]


def test_after_a_full_sync_everything_is_there_row_by_row(synced):
    assert wrong_now(synced) == {}
    assert synced.ws.mirror.gaps() == ()
    assert latest_hours(synced.ws.books()) == latest_hours(read_everything(synced.ws.client))
    hours = synced.ws.customers.set_index("customer_id")["prepaid_millionths"].dropna().to_dict()
    assert hours == {key: value for key, value in latest_hours(synced.ws.books()).items() if value is not None}


def test_every_table_is_an_attribute_with_its_age(synced):
    for name in TABLES:
        frame = getattr(synced.ws, name)
        assert len(frame) > 0
        assert frame.attrs["as_of"] is not None
    assert synced.ws.freshness["complete"].all()


def test_before_the_first_sync_nothing_passes_for_an_empty_account(desk):
    with pytest.raises(InputError, match="nothing was read from Syncro yet"):
        desk.ws.books()
    with pytest.raises(InputError, match="tickets was not read yet"):
        _ = desk.ws.tickets


@pytest.mark.parametrize("full", [False, True])
def test_the_progress_counts_the_details_that_are_still_to_come(full, desk):
    told = []
    done = desk.ws.sync(full=full, progress=told.append)
    known = next(
        place for place, one in enumerate(told) if one.what == "timers"
    )  # by then the first page of tickets is, too
    assert all(one.left >= 0.7 * (done.requests - one.done) for one in told[known + 6 :])
    assert all(one.left <= 1.3 * (done.requests - one.done) + 10 for one in told[known:])


def test_a_first_sync_has_all_lists_and_says_whose_details_are_missing(desk):
    asked = desk.pull()
    books = desk.ws.books()
    tickets = books.table("tickets", ["ticket_id", "status", "detail_at"])
    unread = tickets[tickets["detail_at"].isna()]
    assert not unread["status"].map(desk.ws.house.is_resolved).eq(False).any()  # open ones are all read
    loose = books.table("invoices").query("ticket_id.isna() and schedule_id.isna() and not is_recurring")
    assert {gap.table: gap.records for gap in books.gaps} == {
        "comments": len(unread),
        "charges": len(unread),
        "invoices": loose["named_at"].isna().sum(),
        "prepaid": 2,
    }
    assert asked["/tickets/N"] == len(tickets) - len(unread) > 0
    assert asked["/invoices/N"] == loose["named_at"].notna().sum()
    desk.pull(full=True)
    assert wrong_now(desk) == {}


def test_when_nothing_has_changed_a_sync_is_twelve_requests_at_most(synced):
    for _ in range(5):
        assert synced.pull().total() <= IDLE_REQUESTS == 12
        assert synced.changed() == {}


def test_what_changed_comes_with_the_next_sync(synced):
    ticket = a_ticket(synced)
    synced.ask("PUT", f"/api/v1/tickets/{ticket}", {"status": "Resolved"})
    synced.ask("POST", f"/api/v1/tickets/{ticket}/comment", {"subject": "Update", "body": "done"})
    synced.ask(
        "POST", f"/api/v1/tickets/{ticket}/timer_entry", {"start_at": "2026-03-31T20:00:00Z", "duration_minutes": 30}
    )
    synced.pull()
    assert synced.changed() == {"tickets": (0, 1, 0), "comments": (1, 0, 0), "timers": (1, 0, 0)}
    assert wrong_now(synced) == {}


def test_a_bill_reaches_every_table_that_it_touches(synced):
    synced.bill()
    synced.pull()
    assert {"tickets", "comments", "charges", "invoices", "invoice_lines"} <= set(synced.changed())
    assert wrong_now(synced) == {}


def test_what_hung_on_a_ticket_vanishes_with_its_new_detail(synced):
    frame = synced.ws.charges
    row = frame[~frame["converted"]].iloc[0]
    body = {"ticket_line_item_id": int(row["line_id"])}
    synced.ask("POST", f"/api/v1/tickets/{row['ticket_id']}/remove_line_item", body)
    timer = synced.ws.timers.iloc[3]
    body = {"timer_entry_id": int(timer["timer_id"])}
    synced.ask("POST", f"/api/v1/tickets/{timer['ticket_id']}/delete_timer_entry", body)
    synced.pull()
    assert synced.changed()["charges"] == (0, 0, 1)
    assert synced.changed()["timers"] == (0, 0, 1)
    assert wrong_now(synced) == {}


def test_a_deleted_ticket_is_proved_gone_with_all_that_hung_on_it(synced):
    invoice = synced.ws.invoices.dropna(subset=["ticket_id"]).iloc[0]
    synced.ask("DELETE", f"/api/v1/tickets/{invoice['ticket_id']}")
    asked = synced.pull()
    assert synced.changed()["tickets"] == (0, 0, 1)
    assert asked["/tickets/N"] >= 1
    assert wrong_now(synced) == {}


def test_a_deleted_invoice_is_proved_gone_with_its_lines(synced):
    paid = synced.ws.invoices
    row = paid[~paid["is_paid"] & (paid["balance_due_cents"] == paid["total_cents"])].iloc[0]
    synced.ask("DELETE", f"/api/v1/invoices/{row['invoice_id']}")
    synced.pull()
    assert synced.changed()["invoices"] == (0, 0, 1)
    assert wrong_now(synced) == {}


def test_a_deleted_row_of_a_long_list_is_found_without_reading_it_through(synced):
    switch(synced, page_sizes={"tickets": 3, "invoices": 3})
    synced.pull(full=True)
    synced.clock.sleep(60)
    tickets = sorted(synced.ws.tickets["ticket_id"])
    for place in (20, 133):
        synced.ask("DELETE", f"/api/v1/tickets/{tickets[place]}")
    asked = synced.pull()
    assert asked["/tickets"] <= 25 < 87
    assert synced.changed()["tickets"] == (0, 0, 2)
    assert wrong_now(synced) == {}


def test_a_row_that_a_list_has_and_that_cannot_be_read_stays_and_is_told(synced):
    ticket = a_ticket(synced)
    synced.ask("PUT", f"/api/v1/tickets/{ticket}", {"subject": "Changed"})
    answering(synced, f"/tickets/{ticket}", 404)
    synced.pull()
    assert ticket in set(synced.ws.tickets["ticket_id"])
    assert "answers 404" in " ".join(synced.gaps("comments"))


def test_what_hung_on_a_deleted_customer_goes_with_it(synced):
    """Its payments may be far from the newest, and its contacts are on no customer's row."""
    used = {*synced.ws.tickets["customer_id"], *synced.ws.invoices["customer_id"], *synced.ws.payments["customer_id"]}
    contacts = synced.ws.contacts
    row = contacts[~contacts["customer_id"].isin(used)].iloc[0]
    synced.ask("DELETE", f"/api/v1/customers/{row['customer_id']}")
    synced.pull()
    assert synced.changed()["customers"] == (0, 0, 1)
    assert synced.changed()["contacts"][2] > 0
    assert wrong_now(synced) == {}


def test_what_could_not_be_proved_in_one_sync_is_told_and_proved_in_the_next(synced, monkeypatch):
    products = synced.sandbox._account.products
    for row in list(products)[:5]:
        products.remove(row)
    monkeypatch.setattr(syncing, "MOST_PROOFS", 3)
    synced.pull(full=True)
    assert synced.changed()["products"] == (0, 0, 3)
    assert "2 rows are on no list any more" in " ".join(synced.gaps("products"))
    synced.pull()
    assert synced.changed()["products"] == (0, 0, 2)
    assert wrong_now(synced) == {}


def test_a_proof_that_fails_is_asked_for_again(synced):
    product = synced.sandbox._account.products.rows[min(synced.sandbox._account.products.rows)]
    synced.sandbox._account.products.remove(product)
    synced.fault(f"GET /products/{product['id']}", "status", status=500, times=4)
    synced.pull(full=True)
    assert "not yet proved gone" in " ".join(synced.gaps("products"))
    synced.pull()
    assert synced.gaps("products") == []
    assert wrong_now(synced) == {}


def test_a_row_that_only_a_list_has_lost_stays(synced):
    """A list that lags behind shows fewer rows than there are: the GET says that they are there."""
    before = set(synced.ws.products["product_id"])
    gone = min(before)
    products = synced.sandbox._account.products
    row = products.rows[gone]
    kept = list(products)
    synced.sandbox._account.products.__class__.__iter__, iterate = (
        lambda table: iter([one for one in iterate(table) if table is not products or one is not row]),
        synced.sandbox._account.products.__class__.__iter__,
    )
    try:
        asked = synced.pull(full=True)
    finally:
        products.__class__.__iter__ = iterate
    assert asked["/products/N"] == 1
    assert set(synced.ws.products["product_id"]) == before == {one["id"] for one in kept}


def test_a_small_list_that_was_cut_off_is_read_from_its_beginning(synced):
    """Else its first pages were of an earlier hour than what is read now, which shows the customers' names."""
    switch(synced, page_sizes={"customers": 5})
    synced.pull(full=True)
    answer, billed = synced.sandbox.handle, set(synced.ws.invoices["customer_id"])
    first_page = synced.ask("GET", "/api/v1/customers?include_disabled=true")["customers"]
    customer = next(row["id"] for row in first_page if row["id"] in billed)

    def handle(method, target, headers, body):
        if "/customers?" in target and "page=4" in target:
            raise Cut
        return answer(method, target, headers, body)

    synced.sandbox.handle = handle
    synced.clock.sleep(25 * 3600)
    synced.restart()
    with pytest.raises(Cut):
        synced.pull()
    synced.sandbox.handle = answer
    synced.restart()
    synced.ask("PUT", f"/api/v1/customers/{customer}", {"business_name": "Renamed"})
    synced.clock.sleep(60)
    synced.pull()
    assert wrong_now(synced) == {}


def test_lines_of_an_invoice_that_came_and_went_between_two_looks_go_with_it(desk):
    """Made after the invoices were read and before their lines were, deleted before the next sync."""
    answer, made = desk.sandbox.handle, []
    ticket = a_ticket(desk)
    customer = desk.ask("GET", f"/api/v1/tickets/{ticket}")["ticket"]["customer_id"]
    charge = {"name": "Cable", "description": "A cable", "quantity": 1, "price_retail": 9}
    desk.ask("POST", f"/api/v1/tickets/{ticket}/add_line_item", charge)

    def handle(method, target, headers, body):
        if "/line_items?" in target and not made:
            made.append(desk.ask("POST", "/api/v1/invoices", {"ticket_id": ticket, "customer_id": customer}))
        return answer(method, target, headers, body)

    desk.sandbox.handle = handle
    desk.restart()
    desk.pull(full=True)
    desk.ask("DELETE", f"/api/v1/invoices/{made[0]['invoice']['id']}")
    desk.clock.sleep(60)
    desk.pull()
    assert wrong_now(desk) == {}


def test_timers_of_a_ticket_that_no_list_ever_showed_go_with_it(desk):
    """The list of tickets did not answer and the one of timers did; before the tickets came, one of them was deleted."""
    switch(desk, page_sizes={"ticket_timers": 25})
    answer = desk.sandbox.handle
    answering(desk, "/tickets", 500)
    desk.pull(full=True)
    ticket = int(desk.ws.timers.sort_values("created_at")["ticket_id"].iloc[0])
    desk.sandbox.handle = answer
    desk.restart()
    desk.ask("DELETE", f"/api/v1/tickets/{ticket}")
    desk.clock.sleep(60)
    desk.pull()
    assert wrong_now(desk) == {}


def test_a_charge_that_an_invoice_gave_back_is_read_again_though_the_invoices_came_later(desk):
    """A line was taken off an invoice before any invoice could be read; its ticket's own time does not tell."""
    answer = desk.sandbox.handle
    answering(desk, "/invoices", 500)
    desk.pull(full=True)
    desk.sandbox.handle = answer
    desk.restart()
    desk.clock.sleep(60)
    line = next(row for row in desk.sandbox._account.invoice_lines if row["ticket_line_id"] and row["invoice_id"])
    desk.ask("DELETE", f"/api/v1/invoices/{line['invoice_id']}/line_items/{line['id']}")
    desk.clock.sleep(60)
    desk.pull()
    assert wrong_now(desk) == {}


def test_a_charge_is_open_again_when_its_invoice_lost_it_before_it_was_ever_seen(desk):
    """Invoiced after the invoices were read and before its ticket was; the only line is off again before the next sync."""
    answer, made, ticket = desk.sandbox.handle, [], a_ticket(desk)
    customer = desk.ask("GET", f"/api/v1/tickets/{ticket}")["ticket"]["customer_id"]
    desk.pull(full=True)
    charge = {"name": "Cable", "description": "A cable", "quantity": 1, "price_retail": 9}
    desk.ask("POST", f"/api/v1/tickets/{ticket}/add_line_item", charge)
    desk.clock.sleep(60)

    def handle(method, target, headers, body):
        if f"/tickets/{ticket}?" in target and not made:
            made.append(desk.ask("POST", "/api/v1/invoices", {"ticket_id": ticket, "customer_id": customer}))
            desk.clock.sleep(10)
        return answer(method, target, headers, body)

    desk.sandbox.handle = handle
    desk.restart()
    desk.pull()
    invoice = made[0]["invoice"]["id"]
    for line in desk.sandbox._account.invoice_lines.where("invoice_id", invoice):
        desk.ask("DELETE", f"/api/v1/invoices/{invoice}/line_items/{line['id']}")
    desk.clock.sleep(60)
    desk.pull()
    assert wrong_now(desk) == {}


def test_contacts_of_a_customer_who_was_deleted_before_the_customers_could_be_read_are_gone(desk):
    answer = desk.sandbox.handle
    answering(desk, "/customers", 500)
    desk.pull(full=True)
    desk.sandbox.handle = answer
    desk.restart()
    used = {*desk.ws.tickets["customer_id"], *desk.ws.invoices["customer_id"], *desk.ws.payments["customer_id"]}
    customer = next(one for one in desk.ws.contacts["customer_id"] if one not in used)
    desk.ask("DELETE", f"/api/v1/customers/{customer}")
    desk.clock.sleep(60)
    desk.pull()
    assert wrong_now(desk) == {}


def test_contacts_and_customers_change_without_a_time_of_their_own(synced):
    contact = synced.ws.contacts.iloc[5]
    synced.ask("PUT", f"/api/v1/contacts/{contact['contact_id']}", {"name": "Someone Else"})
    customer = synced.ws.customers.iloc[3]
    synced.ask("PUT", f"/api/v1/customers/{customer['customer_id']}", {"business_name": "Renamed & Sons"})
    synced.ask("DELETE", f"/api/v1/contacts/{synced.ws.contacts.iloc[9]['contact_id']}")
    synced.pull()
    assert wrong_now(synced) == {}


def test_prepaid_hours_are_kept_whenever_they_differ(synced):
    before = latest_hours(synced.ws.books())
    synced.ask("POST", "/_sandbox/advance", {"days": 40})
    synced.clock.sleep(40 * 86400)
    synced.pull()
    after = latest_hours(synced.ws.books())
    assert after == latest_hours(read_everything(synced.ws.client))
    moved = [key for key in after if after[key] != before.get(key)]
    assert moved
    assert synced.changed()["prepaid"][0] >= len(moved)


@pytest.mark.parametrize(
    ("area", "table"),
    [("payment", "payments"), ("contract", "contracts"), ("timelog", "timelogs"), ("product", "products")],
)
def test_a_missing_permission_is_a_gap_and_the_rest_goes_on(area, table, desk):
    switch(desk, denied=[area])
    desk.pull(full=True)
    assert "401" in " ".join(desk.gaps(table))
    assert table not in desk.ws.books().known
    assert len(desk.ws.tickets) == 260
    with pytest.raises(InputError, match="401"):
        getattr(desk.ws, table)
    switch(desk, denied=[])
    desk.pull()
    assert wrong_now(desk) == {}


@pytest.mark.parametrize(("path", "name"), [("settings", "settings"), ("tickets/settings", "ticket_settings")])
def test_settings_that_could_not_be_read_are_a_gap(path, name, synced):
    synced.fault(f"GET /{path}", "status", status=403, times=50)
    synced.pull(full=True)
    (why,) = synced.gaps(name)
    fresh = synced.ws.freshness.set_index("table").loc[name]
    assert (fresh["rows"], fresh["complete"], fresh["why"]) == (1, False, why)
    synced.sandbox._faults = []
    synced.pull(full=True)
    assert synced.gaps(name) == []
    assert synced.ws.freshness["complete"].all()


def test_settings_that_fail_for_good_do_not_keep_the_rest_out(synced):
    synced.clock.sleep(30 * 3600)
    for path in ("settings", "tickets/settings"):
        synced.fault(f"GET /{path}", "status", status=500, times=100)
    synced.ask("PUT", f"/api/v1/tickets/{a_ticket(synced)}", {"subject": "Changed"})
    synced.pull()
    assert synced.changed()["tickets"] == (0, 1, 0)
    assert "answers 500" in synced.gaps("settings")[0]
    assert wrong_tables(synced) == {}


def test_what_vanished_and_came_back_as_it_was_is_read_again(synced):
    account = synced.sandbox._account
    ticket = account.tickets.rows[a_ticket(synced)]
    invoice = next(row for row in account.invoices if row["id"] in {one["invoice_id"] for one in account.invoice_lines})
    for table, row in ((account.tickets, ticket), (account.invoices, invoice)):
        table.remove(row)
    account.found.clear()
    synced.pull()
    assert ticket["id"] not in set(synced.ws.comments["ticket_id"])
    assert invoice["id"] not in set(synced.ws.invoice_lines["invoice_id"])
    for table, row in ((account.tickets, ticket), (account.invoices, invoice)):
        table.add(row)
        table.rows, table._in_order = dict(sorted(table.rows.items())), None
    account.found.clear()
    synced.clock.sleep(60)
    synced.pull()
    assert synced.ws.mirror.gaps() == ()
    assert wrong_now(synced) == {}


def test_one_detail_that_is_refused_does_not_keep_the_others_out(desk):
    answering(desk, f"/tickets/{a_ticket(desk)}", 403)
    for _ in range(2):
        desk.pull(full=True)
        assert desk.ws.tickets["detail_at"].isna().sum() == 1
        assert all("the details of 1 tickets" in one and "403" in one for one in desk.gaps("comments"))
        desk.clock.sleep(60)
    desk.pull()
    assert desk.synced.requests <= 13  # an idle sync, and that ticket once more


@pytest.mark.parametrize(
    ("path", "table"), [("tickets", "tickets"), ("payments", "payments"), ("customers", "customers")]
)
def test_a_page_that_repeats_another_is_no_page_of_the_list(path, table, desk):
    answer = desk.sandbox.handle

    def handle(method, target, headers, body):
        repeats = method == "GET" and target.startswith(f"/api/v1/{path}?") and "page=2" in target
        return answer(method, target.replace("page=2", "page=1") if repeats else target, headers, body)

    switch(desk, page_sizes={path: 20})
    desk.sandbox.handle = handle
    desk.restart()
    desk.pull(full=True)
    assert desk.gaps(table) != []
    desk.sandbox.handle = answer
    desk.restart()
    desk.clock.sleep(60)
    desk.pull()
    desk.pull(full=True)
    assert desk.gaps(table) == []
    assert wrong_now(desk) == {}


def test_hours_that_are_left_are_read_again_by_turns(synced):
    account = synced.sandbox._account
    for row in list(account.customers)[:9]:
        row["prepay_hours"] = "7.0"
    synced.pull(full=True)
    for row in list(account.customers)[:9]:
        row["prepay_hours"] = "6.5"  # by hand, without a sign
    synced.clock.sleep(25 * 3600)
    synced.pull()
    for _ in range(12):
        synced.clock.sleep(3600)
        asked = synced.pull()
        assert asked.total() <= 12
        assert asked["/customers/N"] <= 2
    assert wrong_now(synced) == {}


def test_whether_somebody_has_prepaid_hours_is_read_wherever_work_is_unbilled_however_old(desk):
    desk.clock.sleep(200 * 24 * 3600)
    desk.ws.sync(only=NEEDS)
    found = desk.ws.unbilled()
    books = desk.ws.books()
    details = books.table("customers").set_index("customer_id")["detail_at"]
    assert details.isna().any()
    assert details[found.rows["customer_id"].unique()].notna().all()
    assert not found.problems["problem"].str.contains("was not read").any()


def test_without_the_list_of_lines_they_come_from_the_invoices(desk):
    switch(desk, denied=["global_admin"])
    desk.pull()
    gap = next(gap for gap in desk.ws.mirror.gaps() if gap.table == "invoice_lines")
    invoices = desk.ws.invoices
    assert gap.records == invoices["detail_at"].isna().sum() > 0
    assert not invoices[~invoices["is_paid"]]["detail_at"].isna().any()
    desk.pull(full=True)
    assert desk.gaps("invoice_lines") == []
    switch(desk, denied=[])
    assert wrong_now(desk) == {}


def test_a_list_of_invoices_that_names_no_ticket_is_no_proof_so_each_invoice_is_asked_once(desk):
    """Rows of the list may lack ticket_id; the invoice itself has it."""
    switch(desk, invoice_rows_with_ticket_id=False)
    desk.pull()
    assert any("the list says none, which proves nothing" in one for one in desk.gaps("invoices"))
    desk.pull(full=True)
    assert desk.gaps("invoices") == []
    held = desk.ws.books().table("invoices").set_index("invoice_id")["ticket_id"]
    named = {row["id"]: row["ticket_id"] for row in desk.sandbox._account.invoices}
    assert held.dropna().to_dict() == {key: one for key, one in named.items() if one}
    assert sum(desk.pull().values()) <= 12
    assert desk.changed() == {}


def test_lines_that_wait_for_the_invoices_are_a_gap(desk):
    switch(desk, denied=["invoice"])
    desk.pull(full=True)
    assert desk.gaps("invoice_lines") == ["they are read after the invoices, which are not complete"]
    switch(desk, denied=[])
    desk.pull()
    assert desk.ws.mirror.gaps() == ()
    assert wrong_now(desk) == {}


@pytest.mark.parametrize(
    "paths", [("customers", "ticket_timers", "payments", "contracts"), ("tickets",), ("invoices",)]
)
def test_what_a_full_reading_could_not_read_is_made_up_for_by_the_next_sync(paths, synced):
    for path in paths:
        synced.fault(f"GET /{path}", "status", status=403, times=50)
    synced.pull(full=True)
    assert synced.ws.mirror.gaps() != ()
    synced.sandbox._faults = []
    synced.clock.sleep(60)
    synced.pull()
    assert synced.ws.mirror.gaps() == ()
    assert wrong_now(synced) == {}


def test_without_the_permission_for_details_the_lists_are_there(desk):
    desk.fault("GET /tickets/*", "status", status=401, times=500)
    desk.pull(full=True)
    assert any("details of 260 tickets" in reason for reason in desk.gaps("comments"))
    assert len(desk.ws.tickets) == 260
    assert desk.gaps("timers") == []


def test_a_page_that_fails_for_good_is_told_and_read_later(desk):
    desk.fault("GET /payments", "status", status=500, skip=3, times=4)
    desk.pull(full=True)
    assert any("could not be read" in reason for reason in desk.gaps("payments"))
    assert set(wrong_now(desk)) == {"payments"}
    desk.pull()
    assert desk.gaps("payments") == []
    assert wrong_now(desk) == {}


def test_a_ticket_that_cannot_be_read_is_told_and_read_later(desk):
    desk.fault(f"GET /tickets/{a_ticket(desk)}", "garbage", times=2)
    desk.pull(full=True)
    assert any("details of 1 tickets" in reason for reason in desk.gaps("comments"))
    desk.pull()
    assert desk.gaps("comments") == []
    assert wrong_now(desk) == {}


class Cut(BaseException):
    """The process is killed."""


@pytest.mark.parametrize("requests", [1, 2, 9, 60, 170, 330])
def test_an_interrupted_sync_goes_on_where_it_was(requests, desk):
    answer, count = desk.sandbox.handle, 0

    def handle(*words):
        nonlocal count
        count += 1
        if count == requests:
            raise Cut
        return answer(*words)

    desk.sandbox.handle = handle
    desk.restart()
    with pytest.raises(Cut):
        desk.pull(full=True)
    desk.sandbox.handle = answer
    desk.restart()
    first = desk.pull(full=False)
    desk.pull(full=True)
    assert wrong_now(desk) == {}
    assert first["/settings"] <= 1


def test_an_interrupted_history_is_not_read_again_from_its_beginning(desk):
    desk.fault("GET /payments", "drop_before", skip=6, times=16)
    desk.pull()
    assert desk.gaps("payments") != []
    assert desk.pull()["/payments"] == 8  # three pages that failed, two beside them, two more, and a count
    assert wrong_now(desk).keys() <= {"comments", "charges"}


def test_a_key_that_is_refused_is_no_gap(desk):
    desk.sandbox.key = "another"
    with pytest.raises(Refused):
        desk.pull()


def test_where_nobody_answers_nothing_is_said_to_be_complete(desk):
    for path in ("settings", "tickets/settings", "me"):
        desk.fault(f"GET /{path}", "drop_before", times=100)
    with pytest.raises(Unreachable):
        desk.pull()


def test_when_syncro_goes_away_in_the_middle_what_was_read_is_kept(desk):
    answer, count = desk.sandbox.handle, 0

    def handle(*words):
        nonlocal count
        count += words[1].startswith("/api/v1/tickets/1")
        return answer(*words) if count < 20 else Answer(0, {}, b"")

    desk.sandbox.handle = handle
    desk.restart()
    with pytest.raises(Unreachable, match="what was read is kept"):
        desk.pull()
    assert len(desk.ws.customers) == 29
    assert desk.ws.tickets["detail_at"].notna().sum() == 19


def test_details_that_fail_for_good_do_not_keep_the_lists_out(desk):
    desk.fault("GET /tickets/*", "status", status=500, times=None)
    desk.pull(full=True)
    assert any("details of 260 tickets" in reason for reason in desk.gaps("comments"))
    assert set(wrong_tables(desk)) == {"comments", "charges"}


def test_a_damaged_file_is_set_aside_and_read_again(synced, tmp_path):
    path = synced.ws.mirror.file("charges")
    path.write_bytes(path.read_bytes()[:-50])
    synced.restart()
    synced.pull()
    assert any("damaged" in problem for problem in synced.synced.problems)
    assert list(path.parent.glob("*.damaged"))
    synced.pull(full=True)
    assert wrong_now(synced) == {}


def test_the_lines_of_many_new_invoices_come_from_the_end_of_their_list(synced):
    tickets = synced.ws.tickets.sort_values("ticket_id")["ticket_id"].tolist()
    customers = synced.ws.tickets.set_index("ticket_id")["customer_id"].to_dict()
    for ticket in tickets[-40:]:
        body = {"name": "Cable", "description": "A cable", "quantity": 2, "price_retail": 9.99}
        synced.ask("POST", f"/api/v1/tickets/{ticket}/add_line_item", body)
        synced.ask("POST", "/api/v1/invoices", {"ticket_id": ticket, "customer_id": int(customers[ticket])})
    synced.clock.sleep(60)
    asked = synced.pull()
    assert synced.changed()["invoices"][0] == 40
    assert asked["/line_items"] <= 4
    assert asked["/invoices/N"] == 0
    assert synced.gaps("invoice_lines") == []
    assert wrong_now(synced) == {}


def test_a_full_sync_finds_what_changed_without_a_sign(synced):
    comment = next(iter(synced.sandbox._account.comments))
    comment["body"] = "Something else"
    synced.pull()
    assert wrong_now(synced).keys() == {"comments"}
    synced.pull(full=True)
    assert wrong_now(synced) == {}


def test_an_interrupted_full_sync_goes_on_and_does_not_begin_again(synced):
    whole = synced.pull(full=True).total()
    synced.clock.sleep(60)
    answer, count = synced.sandbox.handle, 0

    def handle(*words):
        nonlocal count
        count += 1
        if count == 200:
            raise Cut
        return answer(*words)

    synced.sandbox.handle = handle
    synced.restart()
    with pytest.raises(Cut):
        synced.pull(full=True)
    synced.sandbox.handle = answer
    synced.restart()
    assert synced.pull(full=True).total() < whole - 200 + 40
    assert wrong_now(synced) == {}


@pytest.mark.parametrize(("obeyed", "days"), [(True, 0), (False, 1)])
def test_a_payment_that_was_corrected_far_from_the_newest_is_found(obeyed, days, tmp_path):
    """At once where the account obeys since_updated_at, which no document names for payments; else within a day."""
    desk = ChurnDesk(tmp_path, 1)
    desk.habits.size["payments"], desk.habits.meta["payments"], desk.habits.order["payments"] = 2, "pages", "given"
    desk.habits.obeyed["payments"] = obeyed
    for _ in range(12):
        pay(desk)
    desk.pull(full=True)
    desk.clock.sleep(3600)
    oldest = min(desk.account.payments.rows)
    now = int(desk.clock.now().timestamp() * 1000)
    desk.account.payments.rows[oldest] |= {"ref_num": "Corrected", "updated_at": now}
    desk.lists.clear()
    desk.clock.sleep(60 + days * 25 * 3600)
    desk.pull()
    assert desk.ws.payments.set_index("payment_id").loc[oldest, "reference"] == "Corrected"
    desk.close()


def test_several_requests_at_once_give_the_same_rows(desk):
    desk.bill()
    for full in (True, False):
        with contextlib.closing(Store(desk.ws.config.mirror)) as store:
            done = syncing.sync(store, desk.ws.client, desk.ws.house, full=full, workers=4)
        assert done.problems == ()
    assert desk.ws.mirror.gaps() == ()
    assert wrong_now(desk) == {}


def test_a_column_that_a_later_version_keeps_is_read_for_every_row(synced):
    with contextlib.closing(Store(synced.ws.config.mirror)) as store:
        kept = store.state("columns")
        for name, column in (("payments", "reference"), ("comments", "hidden")):
            kept[name].remove(column)
        store.commit(Batch(states={"columns": kept}))
    asked = synced.pull()
    assert asked["/payments"] >= 9
    assert asked["/tickets/N"] == 260
    assert synced.ws.mirror.gaps() == ()


def test_a_page_that_never_answers_leaves_a_gap_and_everything_else_goes_on(tmp_path):
    desk = ChurnDesk(tmp_path, 5)
    desk.habits.size["tickets"], desk.habits.meta["tickets"], desk.habits.order["tickets"] = 3, "pages", "given"
    desk.habits.obeyed["tickets"] = True
    desk.broken = lambda path, page: path == "/api/v1/tickets" and page == "3"
    desk.pull(full=True)
    assert "page 3 of 7" in " ".join(desk.gaps("tickets"))
    assert 14 <= len(desk.ws.tickets) < 20
    made = desk.do("POST", "/tickets", {"customer_id": desk.one("customers")["id"], "subject": "New"})["ticket"]["id"]
    desk.lists.clear()
    desk.clock.sleep(60)
    desk.pull()
    assert made in set(desk.ws.tickets["ticket_id"])
    assert desk.gaps("tickets") != []
    desk.broken = lambda path, page: False
    desk.clock.sleep(60)
    desk.pull()
    assert desk.ws.mirror.gaps() == ()
    assert wrong_now(desk) == {}
    desk.close()


@pytest.mark.parametrize("meta", ["pages", "entries"])
def test_a_count_that_wavers_does_not_keep_a_reading_from_its_end(meta, tmp_path):
    """As with two servers of which one is behind: now a row more, now a row less, from one page to the next."""
    desk = ChurnDesk(tmp_path, 5)
    desk.habits.size["tickets"], desk.habits.meta["tickets"], desk.habits.order["tickets"] = 3, meta, "given"
    desk.habits.obeyed["tickets"] = True
    page, looks = desk.habits.page, 0

    def waver(wrapper, rows, query):
        nonlocal looks
        shown = page(wrapper, rows, query)
        if wrapper == "tickets" and "status" not in query:
            looks += 1
            for name in shown["meta"].keys() & {"total_pages", "total_entries"}:
                shown["meta"][name] += looks % 2
        return shown

    desk.habits.page = waver
    desk.pull(full=True)
    assert len(desk.ws.tickets) == 20
    assert looks <= 4 * 2 * 7  # four readings, each of which steps back as often as there are pages
    for ticket in [row["id"] for row in desk.account.tickets][:10]:  # four pages of them
        desk.do("PUT", f"/tickets/{ticket}", {"subject": "Changed"})
    desk.lists.clear()
    desk.clock.sleep(60)
    looks = 0
    desk.pull()
    assert desk.changed()["tickets"] == (0, 10, 0)
    assert looks <= 4 * 2 * 7
    desk.close()


def test_an_account_that_ignores_the_filter_is_read_through(synced):
    answer = synced.sandbox.handle

    def handle(method, target, headers, body):
        head, _, query = target.partition("?")
        rest = "&".join(part for part in query.split("&") if not part.startswith(("since_updated_at", "created_at_gt")))
        return answer(method, f"{head}?{rest}", headers, body)

    synced.sandbox.handle = handle
    synced.restart()
    ticket = a_ticket(synced)
    synced.ask("PUT", f"/api/v1/tickets/{ticket}", {"status": "Waiting on Customer"})
    synced.pull()
    assert synced.changed()["tickets"] == (0, 1, 0)
    assert wrong_now(synced) == {}


@pytest.mark.parametrize("hours", [-48, 48])
def test_a_clock_that_was_set_does_not_matter(hours, synced):
    ticket = a_ticket(synced)
    server = StillClock(synced.clock.now())
    synced.sandbox._given_clock = synced.sandbox._clock = server.now
    synced.clock.elapsed += hours * 3600  # ours, while the server's goes on as before
    synced.restart()
    for _ in range(3):
        server.sleep(30)
        synced.ask("PUT", f"/api/v1/tickets/{ticket}", {"subject": f"At {server.elapsed}"})
        server.sleep(30)
        synced.pull()
        assert synced.changed()["tickets"] == (0, 1, 0)
    assert wrong_now(synced) == {}


@pytest.mark.parametrize("hours", [-2, 0, 2])
def test_an_account_that_does_not_tell_the_time_loses_nothing_by_our_clock(hours, desk):
    answer, server = desk.sandbox.handle, StillClock(desk.clock.now())
    desk.sandbox._given_clock = desk.sandbox._clock = server.now

    def handle(*words):
        told = answer(*words)
        return Answer(told.status, {name: text for name, text in told.headers.items() if name != "Date"}, told.body)

    desk.sandbox.handle = handle
    desk.clock.elapsed += hours * 3600
    desk.restart()
    desk.pull(full=True)
    server.sleep(60)
    desk.clock.sleep(60)
    desk.ask("PUT", f"/api/v1/tickets/{a_ticket(desk)}", {"subject": "Changed"})
    desk.pull()
    assert desk.changed()["tickets"] == (0, 1, 0)
    assert wrong_now(desk) == {}


def test_payments_that_stand_last_are_read_from_the_end_of_their_list(desk):
    answer = desk.sandbox.handle

    def handle(method, target, headers, body):
        told = answer(method, target, headers, body)
        if target.partition("?")[0] != "/api/v1/payments" or method != "GET":
            return told
        page = json.loads(told.body)
        number, pages = page["meta"]["page"], page["meta"]["total_pages"]
        rows = desk_answer(f"/api/v1/payments?page={pages + 1 - number}")["payments"]
        return Answer(200, told.headers, json.dumps({**page, "payments": rows[::-1]}).encode())

    def desk_answer(target):
        return json.loads(answer("GET", target, {"Authorization": "Bearer sandbox"}, b"").body)

    switch(desk, page_sizes={"payments": 2})  # of 218
    desk.sandbox.handle = handle
    desk.restart()
    desk.pull(full=True)
    for invoice in desk.ws.invoices[-3:].itertuples():
        body = {"customer_id": int(invoice.customer_id), "invoice_id": int(invoice.invoice_id), "amount_cents": 100}
        desk.ask("POST", "/api/v1/payments", {**body, "payment_method": "Check"})
        desk.ask("POST", "/api/v1/payments", {**body, "payment_method": "Check"})
    desk.clock.sleep(60)
    assert desk.pull()["/payments"] / 2 <= 8  # `handle` asks twice for each
    assert desk.changed()["payments"] == (6, 0, 0)
    assert wrong_now(desk) == {}


def test_the_april_document_and_odd_page_sizes_give_the_same_rows(desk):
    sizes = {"tickets": 7, "invoices": 13, "payments": 3, "ticket_timers": 11, "line_items": 17, "customers": 5}
    switch(desk, spec_profile="2026-04", page_sizes=sizes)
    desk.pull(full=True)
    assert wrong_now(desk) == {}
    desk.bill()
    desk.pull()
    assert wrong_now(desk) == {}


def test_the_sync_of_a_terminal(capsys, tmp_path, monkeypatch):
    from syncro_nb import cli

    monkeypatch.setenv("SYNCRO_NB_HOME", str(tmp_path))
    assert cli.main(["sync", "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["changes"]["tickets"]["new"] > 200
    assert {row["table"] for row in document["incomplete"]} == {"comments", "charges", "invoices", "prepaid"}
    assert err == ""  # no bar where nobody looks
    assert cli.main(["sync", "--full"]) == 0
    assert "Everything is in." in capsys.readouterr().out
    (file,) = tmp_path.rglob("users-*.parquet")
    file.unlink()
    assert cli.main(["sync"]) == 0
    told = capsys.readouterr().out
    assert "Everything is in.\nMet on the way:\n  users: a damaged file with 4 rows was set aside" in told


def test_ctrl_c_loses_nothing_and_the_next_sync_goes_on(isolated, tmp_path):
    """The rate limit lets thirty requests through; the rest wait for minutes, and yet Ctrl-C ends it at once."""
    sandbox = Sandbox()
    answer, enough = sandbox.handle, threading.Event()

    def handle(*words):
        if len(sandbox._log) >= 28:
            enough.set()
        return answer(*words)

    sandbox.handle = handle
    command = [sys.executable, "-m", "syncro_nb", "sync"]
    with serve(sandbox) as server:
        account = {"SYNCRO_NB_URL": server.url, "SYNCRO_NB_API_KEY": server.key, "SYNCRO_NB_RATE": "60/600"}
        environment = {**isolated(tmp_path), **account}
        environment.pop("SYNCRO_NB_PROFILE")
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as one:
            came = enough.wait(60)
            one.send_signal(signal.SIGINT)
            out, err = one.communicate(timeout=20)
        assert came
        assert (one.returncode, out) == (130, "")
        assert "what was read is kept" in err
        assert "Traceback" not in err
        before = len(sandbox._log)
        (tmp_path / "syncro" / "limiter.sqlite").unlink()
        environment["SYNCRO_NB_RATE"] = "100000/1"
        done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        paths = [row["path"] for row in list(sandbox._log)]
    assert {row["table"] for row in json.loads(done.stdout)["incomplete"]} == {
        "comments",
        "charges",
        "invoices",
        "prepaid",
    }
    first, second = collections.Counter(paths[:before]), collections.Counter(paths[before:])
    again = {path: second[path] for path in first if path.startswith("/tickets/") and second[path]}
    assert len(again) <= 6, again  # those that were under way, and the settings


# ---------------------------------------------------------------- the account's clock is set back


def set_back(desk, hours):
    """The server's clock; ours stays."""
    answer, behind = desk.sandbox.handle, timedelta(hours=hours)
    desk.sandbox._clock = lambda: desk.clock.now() - behind

    def handle(method, target, headers, body):
        told = answer(method, target, headers, body)
        at = format_datetime(desk.clock.now() - behind, usegmt=True)
        return Answer(told.status, {**told.headers, "Date": at}, told.body)

    desk.sandbox.handle = handle
    desk.restart()


def test_after_the_clock_was_set_back_a_full_sync_reads_everything(desk):
    desk.pull(full=True)
    set_back(desk, 6)
    line = next(iter(desk.sandbox._account.invoice_lines))
    line["name"] = "Changed without a sign"
    asked = desk.pull(full=True)
    assert any("clock" in one and "set back" in one for one in desk.synced.problems)
    assert asked["/line_items"] > 0
    assert wrong_now(desk) == {}
    assert desk.ws.mirror.gaps() == ()
    desk.clock.sleep(60)
    assert desk.pull().total() <= 12
    assert desk.synced.problems == ()


def test_what_was_changed_and_deleted_after_the_clock_was_set_back_is_found(desk):
    desk.pull(full=True)
    account = desk.sandbox._account
    invoices = sorted(row["id"] for row in account.invoices)[-60:]
    for number in invoices:  # more than a page of times that will lie ahead
        desk.ask("PUT", f"/api/v1/invoices/{number}", {"note": "Looked at"})
    desk.clock.sleep(60)
    desk.pull()
    set_back(desk, 6)
    next(iter(account.invoice_lines))["name"] = "Changed without a sign"
    next(iter(account.contacts))["mobile"] = "555-0100"
    for number in invoices[:2]:
        desk.ask("DELETE", f"/api/v1/invoices/{number}")
    desk.ask("PUT", f"/api/v1/invoices/{invoices[5]}", {"note": "Once more"})
    desk.clock.sleep(60)
    desk.pull()
    assert wrong_now(desk) == {}
    assert desk.gaps("invoices") == []
    desk.clock.sleep(60)
    assert desk.pull()["/invoices/N"] == 0


def test_a_list_that_fits_into_no_turn_waits_a_day_at_most(synced):
    synced.pull()
    synced.ws.mirror._store.close()
    answer = synced.sandbox.handle

    def handle(method, target, headers, body):  # attendance in pages and without `meta`: two requests, which never fit
        told = answer(method, target, headers, body)
        path, _, query = target.partition("?")
        if path != "/api/v1/timelogs":
            return told
        rows = json.loads(told.body)["timelogs"][:40]
        return Answer(200, told.headers, json.dumps({"timelogs": [] if "page=2" in query else rows}).encode())

    synced.sandbox.handle = handle
    synced.restart()
    ages = []
    for _ in range(30):
        synced.clock.sleep(2 * 3600)
        synced.pull()
        ages.append(synced.clock.now() - synced.ws.mirror.as_of_table("timelogs"))
    assert max(ages[1:]) <= timedelta(hours=26, minutes=10)
    synced.ask("PUT", f"/api/v1/tickets/{a_ticket(synced)}", {"subject": "Changed"})
    synced.clock.sleep(60)
    synced.pull()  # while something happens, every list is read
    assert synced.clock.now() - synced.ws.mirror.as_of_table("timelogs") < timedelta(minutes=5)


# ---------------------------------------------------------------- days that are written as times


def test_due_days_are_those_of_the_accounts_calendar_however_they_are_written(synced, tmp_path):
    expected = synced.ws.tickets.set_index("ticket_id")["due_on"].dropna()
    other = MirrorDesk(tmp_path / "other")
    switch(other, spec_profile="2026-04")
    other.pull(full=True)
    held = other.ws.tickets.set_index("ticket_id")["due_on"].dropna()
    assert held.to_dict() == expected.to_dict()
    number = int(other.ws.tickets.set_index("ticket_id").loc[expected.index[0], "number"])
    assert str(other.ws.ticket(number).ticket.due_on) == f"{expected.iloc[0]:%Y-%m-%d}"
    other.close()


def test_due_days_that_were_read_without_the_accounts_zone_are_read_again(synced, tmp_path):
    expected = synced.ws.tickets.set_index("ticket_id")["due_on"].dropna()
    other = MirrorDesk(tmp_path / "other")
    switch(other, spec_profile="2026-04")
    other.fault("GET /settings", "status", status=500, times=50)
    other.pull()
    assert other.ws.tickets.set_index("ticket_id")["due_on"].dropna().to_dict() != expected.to_dict()
    other.sandbox._faults = []
    other.clock.sleep(60)
    other.pull()
    assert other.ws.tickets.set_index("ticket_id")["due_on"].dropna().to_dict() == expected.to_dict()
    other.close()
