"""The sync: the mirror is the account, row by row; whatever is missing is said, and nothing is asked for twice."""

import json

import pytest
from everything import read_everything
from mirrored import MirrorDesk, latest_hours, wrong_now

from syncro_nb.clock import StillClock
from syncro_nb.errors import InputError, Refused, Unreachable
from syncro_nb.mirror.sync import IDLE_REQUESTS
from syncro_nb.tables import TABLES


@pytest.fixture
def desk(tmp_path):
    made = MirrorDesk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def synced(desk):
    desk.pull(full=True)
    desk.clock.sleep(60)
    return desk


def switch(desk, **switches):
    desk.ask("POST", "/_sandbox/switches", switches)


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


def test_a_first_sync_has_all_lists_and_says_whose_details_are_missing(desk):
    asked = desk.pull()
    books = desk.ws.books()
    tickets = books.table("tickets", ["ticket_id", "status", "detail_at"])
    unread = tickets[tickets["detail_at"].isna()]
    assert not unread["status"].map(desk.ws.house.is_resolved).eq(False).any()  # open ones are all read
    assert {gap.table: gap.records for gap in books.gaps} == {
        "comments": len(unread),
        "charges": len(unread),
        "prepaid": 2,
    }
    assert asked["/tickets/N"] == len(tickets) - len(unread) > 0
    assert asked["/invoices/N"] == 0
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


@pytest.mark.parametrize("requests", [1, 2, 9, 25, 60, 100, 170, 200, 300, 330])
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
    assert desk.pull()["/payments"] == 5
    assert wrong_now(desk).keys() <= {"comments", "charges"}


def test_a_key_that_is_refused_is_no_gap(desk):
    desk.sandbox.key = "another"
    with pytest.raises(Refused):
        desk.pull()


def test_where_nobody_answers_nothing_is_said_to_be_complete(desk):
    desk.fault("GET /settings", "drop_before", times=100)
    desk.fault("GET /tickets/settings", "drop_before", times=100)
    with pytest.raises(Unreachable):
        desk.pull()


def test_when_syncro_goes_away_in_the_middle_what_was_read_is_kept(desk):
    desk.fault("GET /tickets/*", "drop_before", skip=20, times=1000)
    with pytest.raises(Unreachable, match="what was read is kept"):
        desk.pull()
    assert len(desk.ws.customers) == 29
    assert desk.ws.tickets["detail_at"].notna().sum() == 19


def test_a_damaged_file_is_set_aside_and_read_again(synced, tmp_path):
    path = synced.ws.mirror.file("charges")
    path.write_bytes(path.read_bytes()[:-50])
    synced.restart()
    synced.pull()
    assert any("damaged" in problem for problem in synced.synced.problems)
    assert list(path.parent.glob("*.damaged"))
    synced.pull(full=True)
    assert wrong_now(synced) == {}


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
    assert {row["table"] for row in document["incomplete"]} == {"comments", "charges", "prepaid"}
    assert err == ""  # no bar where nobody looks
    assert cli.main(["sync", "--full"]) == 0
    assert "Everything is in." in capsys.readouterr().out
