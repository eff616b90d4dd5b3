"""The audit: what it must notice, in worlds of a bill or two, and that it is silent about a clean one."""

import argparse
import json
from dataclasses import replace

import pytest
from desk import HALF_AN_HOUR, Desk
from everything import read_everything

from syncro_nb.writes.correction import UnbillDraft


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def colleague(tmp_path, desk):
    machine = Desk(tmp_path / "colleague", desk.sandbox)
    machine.clock = desk.clock
    machine.restart()
    yield machine
    machine.close()


def problems(desk, **more):
    return [(one.problem, one.ticket, one.run) for one in desk.ws.audit(**more)]


def both(desk):
    """What the audit says live, which must be what it says of the whole account as books."""
    live, mirrored = problems(desk), problems(desk, books=read_everything(desk.ws.client))
    assert set(live) <= set(mirrored)
    return live


def comment(desk, body):
    return desk.ask("POST", f"/api/v1/tickets/{desk.ticket().ticket.id}/comment", {"subject": "x", "body": body})


def test_a_clean_bill_leaves_nothing_to_say(desk):
    assert desk.bill().is_verified
    assert both(desk) == []
    assert problems(desk, books=read_everything(desk.ws.client)) == []


def test_an_empty_journal_has_nothing_to_say(desk):
    assert problems(desk) == []


def test_a_reference_that_stands_twice(desk):
    receipt = desk.bill()
    comment(desk, receipt.run.plan.requests[0].body["body"])
    assert both(desk) == [("twice", 32164, receipt.run.id)]
    assert "a write may have been made twice" in desk.ws.audit()[0].message


def test_a_customer_who_quotes_a_reference_is_no_second_write(desk):
    receipt = desk.bill()
    comment(desk, receipt.run.plan.requests[0].body["body"])
    max(desk.sandbox._account.comments, key=lambda row: row["id"])["user_id"] = None
    assert both(desk) == []


def test_a_reference_of_another_machine_and_one_of_another_ticket(desk, colleague):
    receipt = desk.bill()
    assert problems(colleague, books=read_everything(colleague.ws.client)) == [("unknown", 0, ""), ("unknown", 0, "")]
    other = desk.ws.ticket(32182).ticket
    copied = {"subject": "x", "body": receipt.run.plan.requests[0].body["body"]}
    desk.ask("POST", f"/api/v1/tickets/{other.id}/comment", copied)
    assert ("elsewhere", 0, "") in problems(desk, books=read_everything(desk.ws.client))
    assert problems(desk) == []  # live, only the tickets of its own runs


def test_a_record_that_somebody_removed(desk):
    receipt = desk.bill(replace(HALF_AN_HOUR, invoice=False))
    line = desk.ticket().ticket.lines[0]
    path = f"/api/v1/tickets/{line.ticket_id}/remove_line_item"
    desk.ask("POST", path, {"ticket_line_item_id": line.id})
    assert both(desk) == [("missing", 32164, receipt.run.id)]


def test_an_invoice_that_somebody_deleted(desk):
    receipt = desk.bill()
    desk.ask("DELETE", f"/api/v1/invoices/{desk.ticket().invoices[0].id}")
    assert both(desk) == [("no invoice", 32164, receipt.run.id)]


def test_an_invoice_that_we_took_back_is_not_missed(desk):
    receipt = desk.bill()
    plan = desk.ws.plan(UnbillDraft(invoice_number=receipt.invoice["number"]))
    assert desk.ws.apply(plan, confirm=plan.confirmation).is_verified
    assert both(desk) == []


def test_a_run_that_is_not_finished(desk):
    desk.fault("POST /tickets/*/add_line_item", "drop_before")
    receipt = desk.bill()
    assert both(desk) == [("unfinished", 32164, receipt.run.id)]


def test_what_arrives_after_the_settling_time_and_was_sent_again_is_there_twice(desk):
    desk.fault("POST /tickets/*/add_line_item", "drop_before")
    run = desk.bill(replace(HALF_AN_HOUR, invoice=False)).run
    receipt = desk.restart().resume(run.id)
    assert receipt.is_verified
    assert both(desk) == []
    late = run.plan.requests[1]
    desk.ask("POST", f"/api/v1{late.path}", dict(late.body))
    assert both(desk) == [("twice", 32164, run.id)]


def test_a_line_without_a_reference_that_says_the_same(desk):
    receipt = desk.bill(replace(HALF_AN_HOUR, invoice=False))
    line = desk.ticket().ticket.lines[0]
    body = {"name": line.name, "description": "cleared the print queue", "quantity": 0.5, "price_retail": 150}
    desk.ask("POST", f"/api/v1/tickets/{line.ticket_id}/add_line_item", {**body, "product_id": line.product_id})
    assert both(desk) == [("look-alike", 32164, receipt.run.id)]
    desk.ask("POST", f"/api/v1/tickets/{line.ticket_id}/add_line_item", {**body, "description": "Other work"})
    assert len(problems(desk)) == 1


def test_the_verb_says_it_in_lines_and_in_json_and_by_its_status(desk):
    from syncro_nb.actions import audit_runs

    live, mirror = argparse.Namespace(mirror=False), argparse.Namespace(mirror=True)
    receipt = desk.bill()
    clean = audit_runs(desk.ws, live, None)
    assert (clean.exit_status, clean.document) == (0, [])
    assert "Nothing is amiss. Looked at 1 tickets" in clean.lines[0]
    comment(desk, receipt.run.plan.requests[0].body["body"])
    found = audit_runs(desk.ws, live, None)
    assert found.exit_status == 6
    desk.ws.sync(full=True)
    assert audit_runs(desk.ws, mirror, None).exit_status == 6
    row = json.loads(json.dumps(found.document))[0]
    assert (row["problem"], row["ticket"], row["run"]) == ("twice", 32164, receipt.run.id)
    assert len(row["records"]) == 3


def test_what_is_newer_than_the_mirror_is_not_missed_in_it(desk):
    from syncro_nb.actions import audit_runs

    desk.ws.sync(full=True)
    desk.bill()
    old = audit_runs(desk.ws, argparse.Namespace(mirror=True), None)
    assert (old.exit_status, {row["problem"] for row in old.document}) == (0, {"newer"})
    desk.clock.sleep(60)
    desk.ws.sync()
    assert audit_runs(desk.ws, argparse.Namespace(mirror=True), None).document == []
