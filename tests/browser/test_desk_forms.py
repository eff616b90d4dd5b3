"""A person comments on a ticket, closes it, changes several, and brings a run in doubt to its end; all in JupyterLab."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import expect

ATTACK = "<img src=x onerror=alert(1)>\"'</td></script><script>alert(2)</script>\u202egnp"
CELLS = {
    "comment": "comment_form(ws, 32164)",
    "close": "close_form(ws, 32182)",
    "create": "create_form(ws)",
    "correct": "correct_form(ws, 32182)",
    "update": "update_form(ws, 32164)",
    "timer": "timer_form(ws, 32164)",
    "bulk": "bulk_form(ws)",
    "journal": "journal_form(ws)",
}
SET_UP = "from syncro_nb import connect\nfrom syncro_nb.forms import *\n\nws = connect()"


@pytest.fixture
def control(lab):
    """The sandbox's control routes, on a fresh account."""
    root = lab.sandbox.url.removesuffix("/api/v1")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(method, path, body=None):
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {lab.sandbox.key}"}
        request = urllib.request.Request(f"{root}{path}", content, headers, method=method)
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read())

    ask("POST", "/_sandbox/reset", {})
    return ask


@pytest.fixture
def show(page, lab, open_notebook, run_all, control):
    """`show(name, ...)`: a notebook with these forms, run; gives their boxes."""
    page.set_viewport_size({"width": 1400, "height": 1700})

    def shown(*names, before=""):
        sources = [SET_UP + before, *(CELLS[name] for name in names)]
        cells = [
            {
                "cell_type": "code",
                "id": f"c{place}",
                "metadata": {},
                "source": one,
                "outputs": [],
                "execution_count": None,
            }
            for place, one in enumerate(sources)
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        name = f"forms-{'-'.join(names)}.ipynb"
        (lab.folder / name).write_text(json.dumps(book))
        open_notebook(page, lab, name)
        run_all(page)
        boxes = page.locator(".jp-OutputArea-output > .jupyter-widgets.widget-vbox")
        expect(boxes).to_have_count(len(names))
        return [boxes.nth(place) for place in range(len(names))]

    return shown


def ticket(control, number):
    row = control("GET", f"/api/v1/tickets?number={number}")["tickets"][0]
    return control("GET", f"/api/v1/tickets/{row['id']}")["ticket"]


def writes(control):
    return [row["path"].rsplit("/", 1)[-1] for row in control("GET", "/_sandbox/log") if row["method"] != "GET"]


def write(form, question):
    form.get_by_role("button", name="Preview").click()
    form.get_by_label(question).check()
    form.get_by_role("button", name="Write to Syncro").click()
    expect(form.get_by_text("read back and verified")).to_be_visible()


def test_a_comment_and_a_closed_ticket_with_hostile_text_shown_as_text(page, show, control, screenshot):
    root = f"/api/v1/tickets/{ticket(control, 32164)['id']}"
    control("PUT", root, {"subject": ATTACK})
    control("POST", f"{root}/comment", {"subject": ATTACK, "body": ATTACK})
    before = len(writes(control))
    comment, close = show("comment", "close")
    comment.get_by_label("Comment", exact=True).fill(f"Rang the office {ATTACK[:60]}")
    comment.get_by_role("button", name="Preview").click()
    expect(comment.get_by_text("the comment is mailed to")).to_be_visible()
    screenshot(page, "comment-preview", comment)
    write(comment, "Yes, put this comment on ticket 32164")
    expect(close.get_by_text("75 minutes").first).to_be_visible()
    close.get_by_label("Resolution", exact=True).fill("Docked, and shown how")
    close.get_by_role("button", name="Preview").click()
    screenshot(page, "close-preview", close)
    write(close, "Yes, close ticket 32182")
    close.get_by_role("button", name="Write the session log").click()
    expect(close.get_by_text("Session log: ")).to_be_visible()
    screenshot(page, "close-done", close)
    assert writes(control)[before:] == ["comment", "comment", str(ticket(control, 32182)["id"])]
    assert ticket(control, 32182)["status"] == "Resolved"


def test_a_new_ticket_for_a_customer_that_is_found_while_typing(page, show, control, screenshot):
    (form,) = show("create")
    asked = len(control("GET", "/_sandbox/log"))
    form.get_by_label("Customer", exact=True).press_sequentially("Hobnail Machine Works", delay=20)
    expect(form.get_by_text("open ticket(s)")).to_be_visible()
    assert len(control("GET", "/_sandbox/log")) - asked <= 5
    form.get_by_label("Subject", exact=True).fill("The scanner is dark")
    form.get_by_label("Due", exact=True).fill("2026-04-03")
    form.get_by_label("Opening", exact=True).fill("Power light is off")
    form.get_by_role("button", name="Preview").click()
    screenshot(page, "create-preview", form)
    write(form, "Yes, make the ticket")
    (made,) = control("GET", "/api/v1/tickets?query=scanner%20is%20dark")["tickets"]
    assert made["due_date"].startswith("2026-04-03")


def test_an_action_shows_the_inputs_that_it_needs(page, show, control, screenshot):
    correct, timer, update = show("correct", "timer", "update")
    expect(correct.get_by_label("Timer", exact=True)).to_be_hidden()
    correct.get_by_label("What", exact=True).select_option("Delete a timer that is not charged")
    correct.get_by_label("Timer", exact=True).select_option(index=1)
    screenshot(page, "correct", correct)
    timer.get_by_label("What", exact=True).select_option("Add time that was worked")
    expect(timer.get_by_label("Minutes", exact=True)).to_be_visible()
    screenshot(page, "timer", timer)
    update.get_by_label("Status", exact=True).select_option("Scheduled")
    update.get_by_label("Technician", exact=True).select_option(index=1)
    update.get_by_role("button", name="Preview").click()
    screenshot(page, "update-preview", update)
    write(update, "Yes, change ticket 32164")
    assert ticket(control, 32164)["status"] == "Scheduled"


def test_several_tickets_are_changed_after_their_count_is_typed(page, show, control, screenshot):
    (form,) = show("bulk")
    form.get_by_label("Tickets", exact=True).select_option(index=[0, 1])
    form.get_by_label("Priority", exact=True).select_option("0 Urgent")
    form.get_by_role("button", name="Preview").click()
    word = form.get_by_placeholder("type it here to confirm")
    expect(word).to_be_visible()
    screenshot(page, "bulk-preview", form)
    word.fill("2")
    form.get_by_role("button", name="Write to Syncro").click()
    expect(form.get_by_text("2 changed, read back and verified")).to_be_visible()
    screenshot(page, "bulk-done", form)


def test_the_ask_list_resumes_a_run(page, show, control, screenshot):
    control("POST", "/_sandbox/faults", [{"match": "POST /tickets/*/comment", "kind": "drop_after"}])
    in_doubt = (
        "\nfrom syncro_nb.writes.ticket import CommentDraft"
        "\nplan = ws.plan(CommentDraft(32164, 'Rang the office'))\nreceipt = ws.apply(plan, confirm=32164)"
    )
    (form,) = show("journal", before=in_doubt)
    row = form.get_by_role("row").filter(has_text="resume").first
    expect(row).to_be_visible()
    row.get_by_role("cell").first.click()
    again = form.get_by_role("button", name="Look again and go on")
    expect(again).to_be_visible()
    screenshot(page, "journal-asks", form)
    again.click()
    expect(form.get_by_text("read back and verified").first).to_be_visible()
    expect(again).to_be_hidden()
    screenshot(page, "journal-done", form)
    assert writes(control) == ["comment"]
