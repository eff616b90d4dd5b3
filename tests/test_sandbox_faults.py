"""Each fault does what it says, as often as it says; and no input whatever brings the sandbox to its knees."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncro_nb.clock import StillClock
from syncro_nb.sandbox import Sandbox
from syncro_nb.sandbox.routes import ROUTES

FRESH = Sandbox().dump()
NOTE = {"subject": "Update", "body": "Done", "hidden": True}
CUSTOMER = FRESH["account"]["tables"]["customers"]["rows"][0]["id"]
COMMENT = "POST /tickets/*/comment"


class Desk:
    """A sandbox with a clock that stands still, and ticket 32164 in it."""

    def __init__(self):
        self.clock = StillClock(datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
        self.sandbox = Sandbox.load(FRESH, clock=self.clock.now)
        self.ticket_id = self.ask("GET", "/tickets?number=32164")["tickets"][0]["id"]

    def answer(self, method, path, body=None):
        headers = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}
        return self.sandbox.handle(method, f"/api/v1{path}", headers, json.dumps(body).encode() if body else b"")

    def ask(self, method, path, body=None):
        return json.loads(self.answer(method, path, body).body)

    def control(self, name, body):
        answer = self.sandbox.handle("POST", f"/_sandbox/{name}", {}, json.dumps(body).encode())
        return answer.status, json.loads(answer.body)

    def fault(self, kind, match=COMMENT, **more):
        assert self.control("faults", [{"match": match, "kind": kind, **more}])[0] == 200

    def comment(self, **fields):
        return self.answer("POST", f"/tickets/{self.ticket_id}/comment", {**NOTE, **fields})

    def comments(self):
        return len(self.ask("GET", f"/tickets/{self.ticket_id}/comments?per_page=100")["comments"])


@pytest.fixture
def desk():
    return Desk()


@pytest.mark.parametrize(
    ("kind", "more", "status", "made"),
    [
        ("drop_before", {}, 0, 0),
        ("drop_after", {}, 0, 1),
        ("status", {"status": 503}, 503, 0),
        ("status", {"status": 422}, 422, 0),
        ("status", {"status": 204}, 204, 0),
        ("status_after", {"status": 502}, 502, 1),
        ("truncate", {}, 200, 1),
        ("garbage", {}, 200, 1),
        ("late_commit", {"seconds": 20}, 0, 0),
        ("drop_fields", {"fields": ["hidden"]}, 200, 1),
        ("alter_fields", {"fields": {"body": "Other"}}, 200, 1),
    ],
)
def test_a_fault_answers_so_and_does_so_much(desk, kind, more, status, made):
    before = desk.comments()
    desk.fault(kind, **more)
    assert desk.comment().status == status
    assert desk.comments() == before + made
    assert desk.comment().status == 200


def test_a_dropped_connection_has_no_answer_at_all(desk):
    desk.fault("drop_after")
    answer = desk.comment()
    assert (answer.status, answer.headers, answer.body) == (0, {}, b"")


def test_a_truncated_answer_promises_more_than_it_holds(desk):
    desk.fault("truncate")
    answer = desk.comment()
    assert len(answer.body) == int(answer.headers["Content-Length"]) // 2


def test_garbage_is_a_page(desk):
    desk.fault("garbage")
    answer = desk.comment()
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_a_late_write_lands_when_its_time_has_come(desk):
    before = desk.comments()
    desk.fault("late_commit", seconds=20)
    assert desk.comment().status == 0
    desk.clock.sleep(19)
    assert desk.comments() == before
    desk.clock.sleep(1)
    assert desk.comments() == before + 1
    desk.clock.sleep(60)
    assert desk.comments() == before + 1


def test_a_late_write_keeps_its_amounts(desk):
    desk.fault("late_commit", match="POST /tickets/*/add_line_item", seconds=5)
    body = {"name": "Labor", "description": "x", "quantity": 0.5, "price_retail": 150.25}
    desk.answer("POST", f"/tickets/{desk.ticket_id}/add_line_item", body)
    desk.clock.sleep(5)
    (line,) = desk.ask("GET", f"/tickets/{desk.ticket_id}")["ticket"]["line_items"]
    assert (line["quantity"], line["retail_cents"]) == ("0.5", 15025)


def test_a_late_write_outlives_a_restart():
    desk = Desk()
    before = desk.comments()
    desk.fault("late_commit", seconds=20)
    desk.comment()
    desk.sandbox = Sandbox.load(json.loads(json.dumps(desk.sandbox.dump())), clock=desk.clock.now)
    desk.clock.sleep(21)
    assert desk.comments() == before + 1


def test_without_the_key_nothing_lands_later(desk):
    before = desk.comments()
    desk.fault("late_commit", seconds=5)
    path = f"/api/v1/tickets/{desk.ticket_id}/comment"
    desk.sandbox.handle("POST", path, {"Content-Type": "application/json"}, json.dumps(NOTE).encode())
    desk.clock.sleep(10)
    assert desk.comments() == before


def test_a_delay_waits_and_then_does_it():
    waits = []
    sandbox = Sandbox(sleep=waits.append)
    fault = {"match": "GET /me", "kind": "delay", "seconds": 30}
    sandbox.handle("POST", "/_sandbox/faults", {}, json.dumps(fault).encode())
    answer = sandbox.handle("GET", "/api/v1/me?api_key=sandbox", {}, b"")
    assert (answer.status, waits) == (200, [30])
    assert answer.headers["Date"] == "Tue, 31 Mar 2026 23:30:30 GMT"


def test_fields_are_lost_or_changed_before_it_is_done(desk):
    desk.fault("drop_fields", fields=["hidden"])
    assert json.loads(desk.comment().body)["comment"]["hidden"] is False
    desk.fault("alter_fields", match="POST /tickets/*/add_line_item", fields={"price_retail": 0.5})
    body = {"name": "Labor", "description": "x", "price_retail": 150}
    assert desk.ask("POST", f"/tickets/{desk.ticket_id}/add_line_item", body)["retail_cents"] == 50


def test_the_log_shows_what_was_sent_not_what_the_fault_made_of_it(desk):
    desk.fault("alter_fields", fields={"body": "Other"})
    desk.comment()
    log = json.loads(desk.sandbox.handle("GET", "/_sandbox/log", {}, b"").body)
    assert log[-1]["body"] == NOTE
    assert log[-1]["path"] == f"/tickets/{desk.ticket_id}/comment"
    assert (log[-1]["method"], log[-1]["query"], log[-1]["status"]) == ("POST", {}, 200)
    assert log[-1]["at"] == "2026-03-31T16:30:00.000-07:00"


def test_a_fault_can_strike_twice_or_always_or_after_some_that_pass(desk):
    desk.fault("status", times=2, skip=1)
    assert [desk.comment().status for _ in range(4)] == [200, 503, 503, 200]
    desk.fault("status", times=None)
    assert [desk.comment().status for _ in range(3)] == [503] * 3


def test_a_fault_strikes_only_what_it_names(desk):
    desk.fault("status", match="POST /tickets/*/comment")
    assert desk.answer("GET", f"/tickets/{desk.ticket_id}/comments").status == 200
    assert desk.answer("PUT", f"/tickets/{desk.ticket_id}", {"priority": "3 Low"}).status == 200


def test_a_star_stands_for_one_part_of_the_path(desk):
    desk.fault("status", match="GET /*", times=None)
    assert desk.answer("GET", "/tickets").status == 503
    assert desk.answer("GET", f"/tickets/{desk.ticket_id}").status == 200


def test_a_reset_brings_back_the_first_day(desk):
    desk.fault("status", times=None)
    desk.control("switches", {"double_charge": "404"})
    desk.comment()
    desk.control("reset", None)
    log = json.loads(desk.sandbox.handle("GET", "/_sandbox/log", {}, b"").body)
    assert log == []
    assert desk.comment().status == 200
    assert desk.sandbox.dump()["switches"]["double_charge"] == "duplicate"


@pytest.mark.parametrize(
    "fault",
    [
        "text",
        {"match": "POST /x", "kind": "explode"},
        {"match": "everything", "kind": "status"},
        {"match": "POST /x", "kind": "status", "status": "many"},
        {"match": "POST /x", "kind": "delay", "seconds": -1},
        {"match": "POST /x", "kind": "alter_fields", "fields": ["a"]},
        {"match": "POST /x", "kind": "status", "colour": "red"},
    ],
)
def test_a_fault_that_cannot_be_is_refused(desk, fault):
    status, body = desk.control("faults", fault)
    assert status == 422
    assert "fault" in body["error"]


# ---------------------------------------------------------------- lists that lag, fields that are always lost


def test_a_list_may_lag_behind_and_a_detail_never_does(desk):
    desk.control("switches", {"list_lag": 30})
    made = json.loads(desk.answer("POST", "/tickets", {"customer_id": CUSTOMER, "subject": "New"}).body)["ticket"]
    desk.answer("PUT", f"/tickets/{desk.ticket_id}", {"priority": "0 Urgent"})
    assert desk.ask("GET", f"/tickets?number={made['number']}")["tickets"] == []
    assert desk.ask("GET", "/tickets?number=32164")["tickets"][0]["priority"] == "2 Normal"
    assert desk.ask("GET", f"/tickets/{made['id']}")["ticket"]["subject"] == "New"
    desk.clock.sleep(31)
    assert desk.ask("GET", f"/tickets?number={made['number']}")["tickets"][0]["id"] == made["id"]
    assert desk.ask("GET", "/tickets?number=32164")["tickets"][0]["priority"] == "0 Urgent"


def test_a_field_may_be_lost_on_a_route_for_ever(desk):
    desk.control("switches", {"dropped_fields": {COMMENT: ["hidden"]}})
    assert [json.loads(desk.comment().body)["comment"]["hidden"] for _ in range(3)] == [False] * 3
    assert desk.sandbox.dump()["switches"]["dropped_fields"] == {COMMENT: ("hidden",)}


def test_prepaid_hours_may_be_unknown_to_an_account(desk):
    desk.control("switches", {"prepaid_draws": False})
    customer = desk.ask("GET", "/customers?query=Bluefinch")["customers"][0]
    made = desk.ask("POST", "/invoices", {"customer_id": customer["id"], "line_items": [{"product_id": 1190473}]})
    assert made["invoice"]["subtotal"] == "150.0"


@pytest.mark.parametrize(
    ("area", "paths"),
    [
        ("payment", ["/payments"]),
        ("schedule", ["/schedules"]),
        ("timelog", ["/timelogs"]),
        ("timer", ["/ticket_timers"]),
        ("global_admin", ["/line_items?invoice_id_not_null=true"]),
        ("contract", ["/contracts"]),
        ("estimate", ["/estimates"]),
        ("product", ["/products"]),
        ("invoice", ["/invoices"]),
        ("ticket", ["/tickets", "/ticket_comments"]),
        ("customer", ["/customers", "/contacts", "/search?query=a"]),
    ],
)
def test_each_area_can_be_denied_by_itself(desk, area, paths):
    desk.control("switches", {"denied": [area]})
    assert {desk.answer("GET", path).status for path in paths} == {401}
    assert desk.answer("GET", "/me").status == 200
    assert desk.answer("GET", "/tickets").status == (401 if area == "ticket" else 200)


# ---------------------------------------------------------------- any input

TABLES = {name: [row["id"] for row in table["rows"]] for name, table in FRESH["account"]["tables"].items()}
OF_FIELD = {"ticket_line_item_id": "ticket_lines", "timer_entry_id": "timers", "ticket_timers": "timers"}
ANY_ID = [number for ids in TABLES.values() for number in ids[:3]]
NAMES = sorted(
    {
        "customer_id",
        "ticket_id",
        "invoice_id",
        "product_id",
        "user_id",
        "contact_id",
        "subject",
        "body",
        "hidden",
        "name",
        "description",
        "quantity",
        "price",
        "price_retail",
        "price_cost",
        "taxable",
        "start_at",
        "end_at",
        "duration_minutes",
        "billable",
        "notes",
        "timer_entry_id",
        "number",
        "date",
        "due_date",
        "ticket_line_item_id",
        "amount_cents",
        "apply_payments",
        "line_items",
        "comments_attributes",
        "properties",
        "tag_list",
        "status",
        "email",
        "phone",
        "business_name",
        "tax_rate_id",
        "billable_override",
        "line_discount_percent",
        "discount_dollars",
        "took_payment",
    }
)
QUERY = [
    "page",
    "per_page",
    "sort",
    "query",
    "status",
    "number",
    "customer_id",
    "created_after",
    "since_updated_at",
    "id[]",
]
odd = st.sampled_from(
    [None, True, -1, 0, 10**30, 1e308, 1.5, "", "abc", "-1", "9" * 40, "1e9", "2026-03-31", "0001-01-01", [], {}, [[]]]
)
ids = st.sampled_from(ANY_ID)
values = st.one_of(
    odd, ids, ids.map(str), st.text(max_size=5), st.dictionaries(st.sampled_from(NAMES), odd, max_size=3)
)
bodies = st.dictionaries(st.sampled_from(NAMES), st.one_of(values, st.lists(values, max_size=3)), max_size=8)
queries = st.dictionaries(st.sampled_from(QUERY), st.one_of(odd, ids).map(str), max_size=3)
SANDBOX = Sandbox.load(FRESH)
careful = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def id_of(name):
    """Ids of a table, by its own name or by that of a field that holds them."""
    table = OF_FIELD.get(name, name if name in TABLES else name.replace("_id", "s"))
    return st.sampled_from(TABLES.get(table, ANY_ID))


def send(method, target, headers, raw):
    answer = SANDBOX.handle(method, target, {"Authorization": "Bearer sandbox", **headers}, raw)
    assert 200 <= answer.status < 500
    if "json" in answer.headers["Content-Type"] and answer.body:
        json.loads(answer.body, parse_constant=lambda name: pytest.fail(name))


@careful
@given(st.sampled_from(sorted(ROUTES)), st.data(), bodies, queries)
def test_no_operation_breaks_whatever_it_is_given(operation, data, body, query):
    method, path = operation.split()
    first, *rest = path[1:].split("/")
    rest = [str(data.draw(st.one_of(id_of(first), id_of(first), odd))) if part == "{id}" else part for part in rest]
    for name in body.keys() & {"ticket_id", "customer_id", "invoice_id", "ticket_line_item_id", "timer_entry_id"}:
        body[name] = data.draw(st.one_of(id_of(name), odd))
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    raw = json.dumps(body).replace("1e+308", "1e999999999").encode()
    send(method, f"/api/v1/{'/'.join([first, *rest])}?{asked}", {"Content-Type": "application/json"}, raw)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_of_more_than_ten_megabytes_is_refused_on_every_route(method):
    raw = b'{"subject": "' + b"x" * 10_000_000 + b'"}'
    headers = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}
    for operation in ROUTES:
        if operation.startswith(f"{method} "):
            path = f"/api/v1{operation.split()[1].replace('{id}', '1')}"
            assert SANDBOX.handle(method, path, headers, raw).status == 413


@pytest.mark.parametrize("depth", [65, 300, 900, 5_000, 100_000])
@pytest.mark.parametrize("form", ['{"properties": %s}', '{"line_items": %s}', '{"apply_payments": {"1": %s}}'])
def test_deep_nesting_is_a_bad_request(form, depth):
    raw = (form % ("[" * depth + "]" * depth)).encode()
    headers = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}
    for path in ("/tickets", "/invoices", "/payments", "/customers"):
        assert SANDBOX.handle("POST", f"/api/v1{path}", headers, raw).status == 400
    for name in ("switches", "faults", "advance"):
        assert SANDBOX.handle("POST", f"/_sandbox/{name}", {}, raw).status == 422


@careful
@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    st.sampled_from(["log", "answers", "ledger.csv", "advance", "faults", "nothing", ""]),
    st.one_of(odd, bodies, st.lists(bodies, max_size=2)),
)
def test_no_control_breaks_whatever_it_is_given(method, name, body):
    if name == "advance" and isinstance(body, dict):
        body = {"days": next(iter(body.values()), None)} if body != {"days": 0} else body
    answer = SANDBOX.handle(method, f"/_sandbox/{name}?format=%00", {}, json.dumps(body).encode())
    assert answer.status in (200, 404, 422)
    SANDBOX._faults.clear()


@careful
@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "", "é"]),
    st.one_of(
        st.text(max_size=30), st.sampled_from(["/api/v1/tickets?page=%ff", "http://[x/api/v1/me", "*", "//", "?"])
    ),
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "", "é"]),
    st.one_of(st.binary(max_size=30), st.sampled_from([b"[" * 100_000, b"\xff", b'{"a": NaN}', b"9" * 5000, b"&&=;"])),
)
def test_no_rubbish_breaks_it(method, target, kind, raw):
    send(method, target, {"Content-Type": kind}, raw)
    send("POST", "/api/v1/tickets", {"Content-Type": kind}, raw)


def test_after_all_that_the_state_is_still_plain_json_and_can_be_loaded():
    kept = json.dumps(SANDBOX.dump(), allow_nan=False)
    assert json.dumps(Sandbox.load(json.loads(kept)).dump()) == kept
