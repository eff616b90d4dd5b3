"""The sandbox answers as Syncro does, oddities included."""

import json
from decimal import Decimal

import pytest

from syncro_nb.sandbox import Sandbox, Switches

FRESH = Sandbox().dump()
REMOTE, INTERNAL, TRAVEL, PREPAID = 1190473, 9269124, 26117, 7210455
NOTE = {"subject": "Update", "body": "Done", "hidden": True, "do_not_email": True}
LINE = {"name": "Labor", "description": "Remote work", "quantity": 0.5, "price_retail": 150, "product_id": REMOTE}
TIME = {"start_at": "2026-03-31T17:00:00Z", "duration_minutes": 30, "notes": "Remote work", "product_id": REMOTE}


class Api:
    """A sandbox of its own, and requests to it."""

    def __init__(self, **switches):
        self.sandbox = Sandbox.load(FRESH)
        if switches:
            self.control("switches", switches)

    def control(self, name, body=None):
        method = "GET" if body is None else "POST"
        return json.loads(self.sandbox.handle(method, f"/_sandbox/{name}", {}, json.dumps(body).encode()).body)

    def answer(self, method, path, body=None, headers=None):
        content = b"" if body is None else json.dumps(body).encode()
        sent = {"Authorization": "Bearer sandbox", "Content-Type": "application/json", **(headers or {})}
        return self.sandbox.handle(method, f"/api/v1{path}", sent, content)

    def ask(self, method, path, body=None, status=200):
        answer = self.answer(method, path, body)
        assert answer.status == status, answer.body
        return json.loads(answer.body) if answer.body else None

    def get(self, path, status=200):
        return self.ask("GET", path, status=status)

    def post(self, path, body, status=200):
        return self.ask("POST", path, body, status)

    def put(self, path, body, status=200):
        return self.ask("PUT", path, body, status)

    def ticket(self, number=32164):
        row = self.get(f"/tickets?number={number}")["tickets"][0]
        return self.get(f"/tickets/{row['id']}")["ticket"]

    def customer(self, name):
        row = self.get(f"/customers?query={name}")["customers"][0]
        return self.get(f"/customers/{row['id']}")["customer"]

    def new_ticket(self, customer, **fields):
        body = {"customer_id": self.customer(customer)["id"], "subject": "A test", **fields}
        return self.post("/tickets", body)["ticket"]

    def bill(self, ticket):
        body = {"ticket_id": ticket["id"], "customer_id": ticket["customer_id"], "category": "Standard"}
        made = self.post("/invoices", body)["invoice"]
        return self.get(f"/invoices/{made['id']}")["invoice"]


@pytest.fixture
def api():
    return Api()


# ---------------------------------------------------------------- the key


@pytest.mark.parametrize(
    ("target", "headers", "body"),
    [
        ("/api/v1/me?api_key=sandbox", {}, b""),
        ("/api/v1/me?page=1&api_key=sandbox", {}, b""),
        ("/api/v1/me", {"Authorization": "Bearer sandbox"}, b""),
        ("/api/v1/me", {"authorization": "sandbox"}, b""),
        ("/api/v1//me.json", {"Authorization": "Bearer sandbox"}, b"[]"),
    ],
)
def test_the_key_is_taken_in_every_place_in_which_syncro_takes_it(api, target, headers, body):
    assert api.sandbox.handle("GET", target, headers, body).status == 200


def test_the_key_is_taken_from_the_body_of_a_post(api):
    body = json.dumps({"api_key": "sandbox", "subject": "no customer"}).encode()
    answer = api.sandbox.handle("POST", "/api/v1/tickets", {"Content-Type": "application/json"}, body)
    assert answer.status == 422


@pytest.mark.parametrize("target", ["/api/v1/me", "/api/v1/me?api_key=wrong", "/api/v1/no_such_route"])
def test_without_the_right_key_there_is_a_401(api, target):
    answer = api.sandbox.handle("GET", target, {}, b"")
    assert (answer.status, json.loads(answer.body)) == (401, {"error": "Unauthorized"})


def test_a_missing_permission_is_a_401_too_and_shows_in_me():
    api = Api(denied=["invoice", "customer.write", "global_admin"])
    said = {"error": "Not authorized. Please ask account admin to update your group permissions."}
    assert api.get("/invoices", status=401) == said
    assert api.get("/line_items", status=401) == said
    assert api.post("/customers", {"business_name": "X"}, status=401) == said
    assert api.get("/customers")["customers"]
    permissions = api.get("/me")["permissions"]
    assert permissions["invoice"] == {"read": False, "write": False, "delete": False}
    assert permissions["customer"] == {"read": True, "write": False, "delete": True}


def test_the_key_is_in_no_answer_and_not_in_the_log():
    sandbox = Sandbox(key="a-long-and-secret-key")
    said = b""
    for target in ("/me", "/settings", "/users", "/customers", "/tickets", "/tickets/settings"):
        for asked in (f"{target}?api_key=a-long-and-secret-key", f"{target}?page=1&api_key=a-long-and-secret-key"):
            said += sandbox.handle("GET", f"/api/v1{asked}", {}, b"").body
    body = {"api_key": "a-long-and-secret-key", "email": "no mail", "notes": "the key is a-long-and-secret-key"}
    kind = {"Content-Type": "application/json"}
    sandbox.handle("POST", "/api/v1/tickets", kind, json.dumps(body).encode())
    said += sandbox.handle("GET", "/_sandbox/log", {}, b"").body
    assert b"a-long-and-secret-key" not in said


# ---------------------------------------------------------------- transport


def test_a_json_text_that_is_sent_as_a_form_is_refused_with_a_page(api):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = api.answer("POST", "/tickets", {"subject": "x"}, form)
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_genuine_form_is_taken(api):
    ticket = api.ticket()
    headers = {"Authorization": "Bearer sandbox", "Content-Type": "application/x-www-form-urlencoded"}
    body = b"subject=Update&body=From+a+form&hidden=1"
    answer = api.sandbox.handle("POST", f"/api/v1/tickets/{ticket['id']}/comment", headers, body)
    assert json.loads(answer.body)["comment"]["hidden"] is True


def test_every_answer_carries_the_sandboxs_own_date(api):
    assert api.answer("GET", "/me").headers["Date"] == "Tue, 31 Mar 2026 23:30:00 GMT"
    assert api.answer("GET", "/me").headers["Date"] == "Tue, 31 Mar 2026 23:30:01 GMT"
    assert api.answer("GET", "/nowhere").headers["Date"] == "Tue, 31 Mar 2026 23:30:02 GMT"


@pytest.mark.parametrize("operation", ["DELETE /tickets/1/comment", "GET /nowhere", "GET /", "BREW /tickets"])
def test_what_syncro_has_no_route_for_is_a_404(api, operation):
    api.ask(*operation.split(), status=404)


def test_the_api_is_found_below_its_prefix_only(api):
    assert api.sandbox.handle("GET", "/me", {"Authorization": "Bearer sandbox"}, b"").status == 404


def test_over_the_rate_limit_there_is_a_429_that_is_not_json():
    api = Api(rate_limit=[3, 10])
    assert [api.answer("GET", "/me").status for _ in range(4)] == [200, 200, 200, 429]
    answer = api.answer("GET", "/me")
    assert answer.headers["Retry-After"] == "6"
    assert not answer.headers["Content-Type"].startswith("application/json")


def test_a_429_may_come_without_retry_after():
    api = Api(rate_limit=[1, 60], retry_after=False)
    api.get("/me")
    assert "Retry-After" not in api.answer("GET", "/me").headers


def test_a_switch_that_does_not_exist_is_refused_by_name(api):
    assert api.control("switches", {"colour": "red"}) == {"error": "the sandbox has no switch 'colour'"}
    assert "time_zone" in api.control("switches", {"time_zone": "Mars/Base"})["error"]


# ---------------------------------------------------------------- tickets and comments


def test_a_ticket_needs_a_customer(api):
    assert api.post("/tickets", {"subject": "x"}, status=422) == {"error": "Customer required field"}


def test_a_new_ticket_has_syncros_defaults(api):
    ticket = api.new_ticket("Hobnail", start_at="2026-04-01T10:00:00Z", line_items=[LINE])
    got = {name: ticket[name] for name in ("status", "user_id", "priority", "start_at", "line_items", "resolved_at")}
    assert got == {
        "status": "New",
        "user_id": None,
        "priority": None,
        "start_at": None,
        "line_items": [],
        "resolved_at": None,
    }
    assert ticket["number"] == 32186


def test_the_first_comment_of_a_new_ticket_has_no_author(api):
    ticket = api.new_ticket("Hobnail", comments_attributes=[NOTE])
    assert [(one["user_id"], one["tech"]) for one in ticket["comments"]] == [(None, None)]


def test_a_change_changes_only_what_it_names(api):
    before = api.ticket()
    after = api.put(f"/tickets/{before['id']}", {"priority": "1 High"})["ticket"]
    assert {name for name in before if before[name] != after[name]} == {"priority", "updated_at"}


def test_resolved_sets_the_time_of_it_and_another_status_takes_it_back(api):
    ticket = api.ticket()
    resolved = api.put(f"/tickets/{ticket['id']}", {"status": "Resolved"})["ticket"]
    assert resolved["resolved_at"] == resolved["updated_at"]
    assert (
        api.put(f"/tickets/{ticket['id']}", {"status": "Invoiced"})["ticket"]["resolved_at"] == resolved["resolved_at"]
    )
    assert api.put(f"/tickets/{ticket['id']}", {"status": "Any Other"})["ticket"]["resolved_at"] is None


def test_a_list_row_shows_the_first_comment_only(api):
    row = api.get("/tickets?number=32164")["tickets"][0]
    assert [one["subject"] for one in row["comments"]] == ["Initial Issue"]
    assert len(api.get("/tickets?number=32164&all_comments=true")["tickets"][0]["comments"]) > 1


def test_unknown_filters_and_senseless_values_are_ignored(api):
    everything = api.get("/tickets")["meta"]
    assert api.get("/tickets?colour=red&created_after=yesterday&page=-7")["meta"] == everything


def test_a_page_past_the_end_is_empty(api):
    assert api.get("/tickets?page=99")["tickets"] == []


def test_pages_hold_every_ticket_once(api):
    numbers, page = [], 1
    while True:
        data = api.get(f"/tickets?page={page}")
        numbers += [row["number"] for row in data["tickets"]]
        if page >= data["meta"]["total_pages"]:
            break
        page += 1
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == 260


def test_per_page_is_kept_within_the_lists_own_size(api):
    assert len(api.get("/tickets?per_page=3")["tickets"]) == 3
    assert len(api.get("/tickets?per_page=5000")["tickets"]) == 50
    assert len(Api(page_sizes={"tickets": 7}).get("/tickets")["tickets"]) == 7


def test_a_comment_is_flat_and_its_author_is_who_holds_the_key(api):
    made = api.post(f"/tickets/{api.ticket()['id']}/comment", {**NOTE, "minutes_spent": 30})["comment"]
    assert (made["tech"], made["user_id"]) == ("Dana Whitlock", api.get("/me")["user_id"])
    assert api.ticket()["line_items"] == []


def test_a_wrapped_comment_is_refused_as_blank(api):
    said = api.post(f"/tickets/{api.ticket()['id']}/comment", {"comment": NOTE}, status=422)
    assert said == {"success": False, "message": ["Body can't be blank", "Subject can't be blank"]}


def test_two_identical_posts_make_two_records(api):
    path = f"/tickets/{api.ticket()['id']}/comment"
    headers = {"Idempotency-Key": "1"}
    first, second = (json.loads(api.answer("POST", path, NOTE, headers).body)["comment"] for _ in range(2))
    assert first["id"] != second["id"]
    assert first["body"] == second["body"]


def test_a_public_comment_answers_the_customer_and_a_hidden_one_does_not(api):
    row = next(one for one in api.get("/tickets")["tickets"] if one["customer_reply"])
    path = f"/tickets/{row['id']}/comment"
    api.post(path, NOTE)
    assert api.get(f"/tickets?number={row['number']}")["tickets"][0]["customer_reply"] is True
    api.post(path, {**NOTE, "hidden": False})
    assert api.get(f"/tickets?number={row['number']}")["tickets"][0]["customer_reply"] is False


def test_comments_come_newest_first_ten_to_a_page(api):
    ticket = api.new_ticket("Hobnail")
    for number in range(12):
        api.post(f"/tickets/{ticket['id']}/comment", {**NOTE, "body": str(number)})
    data = api.get(f"/tickets/{ticket['id']}/comments")
    assert [one["body"] for one in data["comments"]] == [str(number) for number in range(11, 1, -1)]
    assert data["meta"] == {"total_pages": 2, "per_page": 10, "page": 1}


# ---------------------------------------------------------------- line items


@pytest.mark.parametrize("name", ["price", "retail_price", "rate", "price_cents", "retail_cents"])
def test_a_price_under_another_name_is_lost(api, name):
    line = api.post(
        f"/tickets/{api.ticket()['id']}/add_line_item",
        {"name": "Labor", "description": "x", "product_id": REMOTE, name: 150},
    )
    assert line["price_retail"] == 0.0


def test_each_missing_name_of_a_line_adds_its_own_message(api):
    path = f"/tickets/{api.ticket()['id']}/add_line_item"
    assert api.post(path, {}, status=422)["errors"] == "Name can't be blank, Description can't be blank"
    assert api.post(path, {"description": "x", "product_id": REMOTE}, status=422)["errors"] == "Name can't be blank"


def test_money_keeps_the_odd_types_of_each_place(api):
    ticket = api.new_ticket("Hobnail")
    line = api.post(f"/tickets/{ticket['id']}/add_line_item", LINE)
    kept = {name: line[name] for name in ("quantity", "price_retail", "retail_cents", "cost_cents", "price_cost")}
    assert kept == {
        "quantity": "0.5",
        "price_retail": 150.0,
        "retail_cents": 15000,
        "cost_cents": None,
        "price_cost": 0.0,
    }
    invoice = api.bill(ticket)
    assert [type(invoice[name]) for name in ("subtotal", "tax", "total", "balance_due")] == [str] * 4
    shown = {name: invoice["line_items"][0][name] for name in ("item", "name", "price", "cost", "quantity")}
    assert shown == {"item": "Labor", "name": "Remote work", "price": "150.0", "cost": "0.0", "quantity": "0.5"}
    assert isinstance(api.get("/invoices")["invoices"][0]["balance_due"], float)


# ---------------------------------------------------------------- timers


def test_billable_in_a_timer_entry_is_ignored_unless_the_switch_says_otherwise(api):
    path = f"/tickets/{api.ticket(32182)['id']}/timer_entry"
    assert api.post(path, {**TIME, "billable": False})["billable"] is True
    assert Api(timer_billable="honour").post(path, {**TIME, "billable": False})["billable"] is False


def test_billable_is_set_by_a_patch_in_the_body_or_in_the_query(api):
    timer = api.ticket(32182)["ticket_timers"][0]
    assert api.ask("PATCH", f"/ticket_timers/{timer['id']}", {"billable": False})["ticket_timer"]["billable"] is False
    assert api.ask("PATCH", f"/ticket_timers/{timer['id']}?billable=true")["ticket_timer"]["billable"] is True
    api.ask("PATCH", f"/ticket_timers/{timer['id']}", {"billable": "maybe"}, status=422)


def test_new_minutes_do_not_change_a_timer_but_an_override_does(api):
    ticket = api.ticket(32182)
    timer = ticket["ticket_timers"][0]
    body = {"timer_entry_id": timer["id"], "duration_minutes": 90, "billable_override": 2700}
    changed = api.put(f"/tickets/{ticket['id']}/update_timer_entry", body)
    assert (changed["active_duration"], changed["end_time"]) == (1800, timer["end_time"])
    assert changed["billable_override"] == 2700


def test_a_charge_makes_a_line_that_only_the_ticket_shows(api):
    ticket = api.ticket(32182)
    timer = ticket["ticket_timers"][0]
    charged = api.post(f"/tickets/{ticket['id']}/charge_timer_entry", {"timer_entry_id": timer["id"]})
    assert (charged["recorded"], charged["ticket_line_item_id"]) == (True, None)
    ticket = api.ticket(32182)
    (line,) = ticket["line_items"]
    assert (line["name"], line["quantity"], line["price_retail"]) == ("Labor - Remote", "0.5", 150.0)
    assert (line["description"], line["taxable"]) == (timer["notes"], True)
    assert ticket["ticket_timers"][0]["ticket_line_item_id"] == line["id"]


@pytest.mark.parametrize(("seconds", "hours"), [(2700, "0.75"), (3600, "1.0"), (600, "0.166667"), (0, "0.0")])
def test_a_charge_bills_the_override(api, seconds, hours):
    ticket = api.ticket(32182)
    named = {"timer_entry_id": ticket["ticket_timers"][0]["id"]}
    api.put(f"/tickets/{ticket['id']}/update_timer_entry", {**named, "billable_override": seconds})
    api.post(f"/tickets/{ticket['id']}/charge_timer_entry", named)
    assert api.ticket(32182)["line_items"][0]["quantity"] == hours


def test_a_second_charge_makes_a_second_line_or_a_404():
    for behaviour, status, lines in (("duplicate", 200, 2), ("404", 404, 1)):
        api = Api(double_charge=behaviour)
        ticket = api.ticket(32182)
        named = {"timer_entry_id": ticket["ticket_timers"][0]["id"]}
        api.post(f"/tickets/{ticket['id']}/charge_timer_entry", named)
        api.post(f"/tickets/{ticket['id']}/charge_timer_entry", named, status=status)
        assert len(api.ticket(32182)["line_items"]) == lines


def test_the_answer_to_a_charge_may_name_the_line():
    api = Api(charge_link_in_response=True)
    ticket = api.ticket(32182)
    named = {"timer_entry_id": ticket["ticket_timers"][0]["id"]}
    charged = api.post(f"/tickets/{ticket['id']}/charge_timer_entry", named)
    assert charged["ticket_line_item_id"] == api.ticket(32182)["line_items"][0]["id"]


def test_a_live_timer_runs_pauses_and_stops(api):
    ticket = api.new_ticket("Hobnail")
    timer = api.post("/ticket_timers", {"ticket_id": ticket["id"], "product_id": REMOTE}, status=201)["ticket_timer"]
    assert (timer["status"], timer["end_time"]) == ("status_running", None)
    path = f"/ticket_timers/{timer['id']}"
    assert api.post("/ticket_timers", {"ticket_id": ticket["id"]})["ticket_timer"]["id"] == timer["id"]
    paused = api.post(f"{path}/pause", {})["ticket_timer"]
    assert (paused["status"], paused["elapsed_seconds"]) == ("status_paused", 2)
    said = api.post(f"{path}/pause", {}, status=422)
    assert said == {"errors": ["Ticket timer cannot transition from status 'status_paused'"]}
    assert api.post(f"{path}/start", {})["ticket_timer"]["status"] == "status_running"
    stopped = api.post(f"{path}/stop", {})["ticket_timer"]
    assert (stopped["status"], stopped["active_duration"]) == ("status_stopped", 3)
    assert timer["id"] not in [one["id"] for one in api.get("/ticket_timers?status=running")["ticket_timers"]]


def test_the_list_of_timers_can_be_cut_by_ticket_only_since_autumn(api):
    ticket = api.ticket(32182)
    assert len(api.get(f"/ticket_timers?ticket_id={ticket['id']}")["ticket_timers"]) == 2
    api = Api(spec_profile="2026-04")
    assert len(api.get(f"/ticket_timers?ticket_id={ticket['id']}")["ticket_timers"]) > 50


# ---------------------------------------------------------------- invoices


def test_half_an_hour_at_150_with_tax_comes_to_81_53(api):
    ticket = api.ticket()
    api.post(f"/tickets/{ticket['id']}/add_line_item", {**LINE, "taxable": True})
    invoice = api.bill(ticket)
    assert (invoice["subtotal"], invoice["tax"], invoice["total"]) == ("75.0", "6.53", "81.53")


def test_an_invoice_takes_the_lines_of_its_ticket_but_never_its_timers(api):
    ticket = api.ticket(32182)
    assert api.bill(ticket)["line_items"] == []
    api.post(f"/tickets/{ticket['id']}/add_line_item", LINE)
    assert len(api.bill(ticket)["line_items"]) == 1
    assert [one["converted"] for one in api.ticket(32182)["line_items"]] == [True]
    assert [one["recorded"] for one in api.ticket(32182)["ticket_timers"]] == [False, False]


def test_a_second_invoice_of_a_ticket_is_another_one_without_lines(api):
    ticket = api.ticket()
    api.post(f"/tickets/{ticket['id']}/add_line_item", LINE)
    first, second = api.bill(ticket), api.bill(ticket)
    assert (len(first["line_items"]), len(second["line_items"])) == (1, 0)
    assert first["number"] != second["number"]


def test_invoicing_leaves_the_status_but_shows_on_the_list(api):
    ticket = api.ticket()
    api.post(f"/tickets/{ticket['id']}/add_line_item", LINE)
    api.bill(ticket)
    row = api.get("/tickets?number=32164")["tickets"][0]
    assert (row["status"], row["billing_status"]) == ("In Progress", "invoiced")


def test_deleting_an_invoice_frees_the_lines_of_its_ticket(api):
    ticket = api.ticket()
    api.post(f"/tickets/{ticket['id']}/add_line_item", LINE)
    invoice = api.bill(ticket)
    api.ask("DELETE", f"/invoices/{invoice['id']}")
    assert api.get(f"/invoices/{invoice['id']}", status=404) is None
    assert [one["converted"] for one in api.ticket()["line_items"]] == [False]
    assert api.get("/tickets?number=32164")["tickets"][0]["billing_status"] is None
    assert len(api.bill(ticket)["line_items"]) == 1


def test_an_invoice_with_payments_is_not_deleted_and_says_200_all_the_same(api):
    invoice = next(one for one in api.get("/invoices?paid=true")["invoices"] if one["amount_paid"])
    api.ask("DELETE", f"/invoices/{invoice['id']}")
    assert api.get(f"/invoices/{invoice['number']}")["invoice"]["id"] == invoice["id"]


def test_a_paid_invoice_is_not_edited_and_says_200_all_the_same(api):
    row = next(one for one in api.get("/invoices?paid=true")["invoices"] if one["amount_paid"])
    before = api.get(f"/invoices/{row['id']}")["invoice"]
    assert api.post(f"/invoices/{row['id']}/line_items", {"item": "x", "price": 5}) == {
        "message": "Invoice is already paid"
    }
    assert api.get(f"/invoices/{row['id']}")["invoice"] == before


def test_labour_of_a_customer_with_prepaid_hours_is_free_and_draws_them(api):
    ticket = api.new_ticket("Bluefinch")
    before = Decimal(api.customer("Bluefinch")["prepay_hours"])
    api.post(f"/tickets/{ticket['id']}/add_line_item", {**LINE, "quantity": 40})
    api.post(f"/tickets/{ticket['id']}/add_line_item", {"name": "Cable", "description": "x", "price_retail": 10})
    invoice = api.bill(ticket)
    assert [one["price"] for one in invoice["line_items"]] == ["0.0", "10.0"]
    assert Decimal(api.customer("Bluefinch")["prepay_hours"]) == before - 40 < 0


def test_without_prepaid_hours_left_labour_costs_money_again(api):
    test_labour_of_a_customer_with_prepaid_hours_is_free_and_draws_them(api)
    ticket = api.new_ticket("Bluefinch")
    api.post(f"/tickets/{ticket['id']}/add_line_item", LINE)
    assert api.bill(ticket)["subtotal"] == "75.0"


def test_hours_that_are_sold_are_added_and_a_deleted_invoice_gives_back_what_it_drew(api):
    customer = api.customer("Bluefinch")
    made = api.post("/invoices", {"customer_id": customer["id"]})["invoice"]
    api.post(f"/invoices/{made['id']}/line_items", {"product_id": PREPAID, "quantity": 10})
    sold = Decimal(api.customer("Bluefinch")["prepay_hours"])
    assert sold == Decimal(customer["prepay_hours"]) + 10
    api.ask("DELETE", f"/invoices/{made['id']}")
    assert api.customer("Bluefinch")["prepay_hours"] == customer["prepay_hours"]


def test_the_price_of_a_product_wins_over_the_price_in_an_invoice_line(api):
    made = api.post("/invoices", {"customer_id": api.customer("Hobnail")["id"]})["invoice"]
    body = {"item": "Cheap", "product_id": REMOTE, "quantity": 2, "price": 1, "taxable": False}
    line = api.post(f"/invoices/{made['id']}/line_items", body)["line_item"]
    assert (line["item"], line["price"], line["taxable"]) == ("Cheap", "150.0", False)


def test_lines_in_the_body_of_a_new_invoice_are_a_switch():
    body = {"line_items": [{"product_id": TRAVEL, "quantity": 1, "price": 60}]}
    for behaviour, prices in (("honour", ["60.0"]), ("ignore", [])):
        api = Api(invoice_create_line_items=behaviour)
        made = api.post("/invoices", {**body, "customer_id": api.customer("Hobnail")["id"]})["invoice"]
        detail = api.get(f"/invoices/{made['id']}")["invoice"]
        assert [one["price"] for one in detail["line_items"]] == prices


def test_computed_fields_of_an_invoice_cannot_be_set(api):
    invoice = api.get("/invoices?unpaid=true")["invoices"][0]
    body = {"total": "1.0", "balance_due": "0.0", "is_paid": True, "note": "kept"}
    changed = api.put(f"/invoices/{invoice['id']}", body)["invoice"]
    assert (changed["total"], changed["is_paid"], changed["note"]) == (invoice["total"], False, "kept")


def test_the_list_of_invoices_knows_no_customer_and_may_lack_the_ticket(api):
    customer = api.customer("Hobnail")
    assert api.get(f"/invoices?customer_id={customer['id']}")["meta"] == api.get("/invoices")["meta"]
    assert "ticket_id" not in Api(invoice_rows_with_ticket_id=False).get("/invoices")["invoices"][0]


def test_the_discount_of_a_line_counts(api):
    made = api.post("/invoices", {"customer_id": api.customer("Osgood Free")["id"]})["invoice"]
    body = {"item": "Cable", "name": "x", "price": 20, "quantity": 1, "line_discount_percent": 10}
    api.post(f"/invoices/{made['id']}/line_items", body)
    assert api.get(f"/invoices/{made['id']}")["invoice"]["total"] == "18.0"


# ---------------------------------------------------------------- payments


def test_cents_go_in_and_dollars_come_out(api):
    ticket = api.ticket()
    api.post(f"/tickets/{ticket['id']}/add_line_item", LINE)
    invoice = api.bill(ticket)
    body = {"customer_id": ticket["customer_id"], "invoice_number": invoice["number"], "payment_method": "Check"}
    payment = api.post("/payments", {**body, "amount_cents": 1025})["payment"]
    assert (payment["payment_amount"], payment["invoice_ids"]) == (10.25, [invoice["id"]])
    paid = api.get(f"/invoices/{invoice['id']}")["invoice"]
    assert (paid["is_paid"], paid["balance_due"]) == (False, "71.28")
    api.post("/payments", {**body, "apply_payments": {str(invoice["id"]): 7128}})
    paid = api.get(f"/invoices/{invoice['id']}")["invoice"]
    assert (paid["is_paid"], paid["balance_due"], len(paid["payments"])) == (True, "0.0", 2)


def test_a_payment_without_invoice_holds_a_null(api):
    customer = api.customer("Hobnail")
    payment = api.post("/payments", {"customer_id": customer["id"], "amount_cents": 500})["payment"]
    assert payment["invoice_ids"] == [None]


# ---------------------------------------------------------------- customers, contacts, the rest


def test_a_customer_by_itself_shows_more_than_in_the_list(api):
    row = api.get("/customers?query=Pinewhistle")["customers"][0]
    detail = api.get(f"/customers/{row['id']}")["customer"]
    assert detail.keys() - row.keys() >= {"prepay_hours", "invoice_links", "ticket_links", "phones", "contracts"}
    link = detail["invoice_links"][0]
    assert [type(link[name]) for name in ("number", "total", "took_payment")] == [str, str, bool]


def test_phone_numbers_are_kept_as_digits(api):
    made = api.post("/customers", {"business_name": "Test", "phone": "(509) 555-0177"})["customer"]
    assert made["phone"] == "5095550177"
    assert [one["number"] for one in made["phones"]] == ["5095550177"]


def test_a_bad_mail_address_is_refused_with_the_request_in_the_answer(api):
    said = api.post("/customers", {"business_name": "Test", "email": "x", "latitude": 1.5}, status=422)
    assert said["message"][0] == "Email is not an email"
    assert said["params"] == {"business_name": "Test", "email": "x", "latitude": 1.5}


def test_customers_can_be_sorted_chosen_and_hidden(api):
    names = [one["business_name"] for one in api.get("/customers?sort=business_name%20DESC")["customers"]]
    assert names == sorted(names, reverse=True)
    first, second, *_ = (one["id"] for one in api.get("/customers")["customers"])
    assert [one["id"] for one in api.get(f"/customers?id[]={first}&id[]={second}")["customers"]] == [first, second]
    api.ask("DELETE", f"/customers/{first}")
    assert first not in [one["id"] for one in api.get("/customers")["customers"]]
    assert first in [one["id"] for one in api.get("/customers?include_disabled=true")["customers"]]


def test_a_contact_is_a_flat_object_and_goes_without_its_tickets(api):
    ticket = api.ticket()
    contact = api.get(f"/contacts/{ticket['contact']['id']}")
    assert contact["customer_id"] == ticket["customer_id"]
    assert api.put(f"/contacts/{contact['id']}", {"name": "New Name", "title": "Boss"})["properties"] == {
        "title": "Boss"
    }
    assert (
        api.put(f"/contacts/{contact['id']}", {"email": "x@example.com"}, status=422)["errors"] == "Name can't be blank"
    )
    assert api.ask("DELETE", f"/contacts/{contact['id']}") == {"success": True}
    assert api.ticket()["contact"] is None


def test_users_are_pairs_and_the_owner_is_an_administrator(api):
    me = api.get("/me")
    assert [me["user_id"], me["user_name"]] in api.get("/users")["users"]
    assert api.get(f"/users/{me['user_id']}")["user"]["admin"] is True


def test_the_search_finds_tickets_and_customers(api):
    kinds = {one["table"]["_type"] for one in api.get("/search?query=hobnail")["results"]}
    assert kinds == {"customer", "contact"}
    assert [one["table"]["_type"] for one in api.get("/search?query=32164")["results"]] == ["ticket"]
    assert api.get("/search")["results"] == []


def test_a_price_of_a_product_can_change(api):
    assert api.put(f"/products/{REMOTE}", {"price_retail": "155.50"})["product"]["price_retail"] == 155.5


def test_all_comments_can_be_listed_since_autumn(api):
    data = api.get("/ticket_comments?status=Not%20Closed&comment_created_after=2026-03-01")
    assert data["meta"]["per_page"] == 25
    assert {one["ticket_id"] for one in data["comments"]} != set()
    Api(spec_profile="2026-04").get("/ticket_comments", status=404)


def test_april_prints_times_in_utc_and_dates_as_midnight():
    api = Api(spec_profile="2026-04")
    assert api.ticket()["created_at"].endswith("Z")
    assert api.get("/invoices")["invoices"][0]["date"].endswith("T00:00:00.000Z")
    assert "balance_due" not in api.get("/invoices")["invoices"][0]


def test_the_time_zone_is_a_switch():
    api = Api(time_zone="Asia/Kolkata")
    assert api.ticket()["created_at"].endswith("+05:30")
    assert api.get("/settings")["locale"]["time_offset"] == "+05:30"


def test_the_switches_can_be_given_at_the_beginning():
    sandbox = Sandbox(switches=Switches(statuses=("New", "Done")))
    answer = sandbox.handle("GET", "/api/v1/tickets/settings?api_key=sandbox", {}, b"")
    assert json.loads(answer.body)["ticket_status_list"] == ["New", "Done"]
