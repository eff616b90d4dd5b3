"""A person bills two tickets in one go in JupyterLab, cancels one on the way, and goes on with it."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import expect

AT_WORK = 30_000  # milliseconds that a batch of a few tickets may take on a busy machine


@pytest.fixture
def control(lab):
    """The sandbox's control routes, on a fresh account without batches."""
    root = lab.sandbox.url.removesuffix("/api/v1")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(method, path, body=None):
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {lab.sandbox.key}"}
        request = urllib.request.Request(f"{root}{path}", content, headers, method=method)
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read())

    ask("POST", "/_sandbox/reset", {})
    for name in ("batches", "journal"):  # of the account as it was before the reset
        for file in lab.home.glob(f"{name}.*"):
            file.unlink()
    return ask


@pytest.fixture
def form(page, lab, open_notebook, run_all, control):
    """The form of the notebook, on the screen. Fails if a widget of it complains in the browser's console."""
    page.set_viewport_size({"width": 1400, "height": 2000})
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_notebook(page, lab, "25_bill_many.ipynb")
    run_all(page)
    box = page.locator(".jupyter-widgets.widget-vbox").filter(has=page.get_by_text("Bill many tickets", exact=True))
    box = box.first
    box.scroll_into_view_if_needed()
    expect(box.get_by_role("cell", name="32080")).to_be_visible()
    complaints.clear()  # what Lab itself says while it starts
    yield box
    assert not complaints, "\n".join(complaints)


def writes(control):
    return [row["path"].rsplit("/", 1)[-1] for row in control("GET", "/_sandbox/log") if row["method"] != "GET"]


def choose(form, *numbers):
    for number in numbers:
        form.get_by_role("row", name=re.compile(number)).click(modifiers=["Control"])
    expect(form.get_by_text(f"Selected: {len(numbers)} row")).to_be_visible()


def preview(form):
    form.get_by_role("button", name="Preview").click()
    expect(form.get_by_text("Read the preview, then type the confirmation")).to_be_visible(timeout=AT_WORK)


def test_two_tickets_are_billed_after_count_and_total_are_typed(page, lab, form, control, screenshot):
    assert writes(control) == []  # "Run all" has written nothing
    screenshot(page, "many-fresh", form)
    choose(form, "32080", "32137")
    preview(form)
    expect(form.get_by_text("60 minutes, remote $150.00 = $150.00")).to_be_visible()
    screenshot(page, "many-preview", form)
    words, button = form.get_by_placeholder("number of tickets and total"), form.get_by_role("button", name="Write")
    words.fill("2 244.57")
    expect(form.get_by_text("244.57 is not the total")).to_be_visible()
    expect(button).to_be_disabled()
    words.fill("2 244.58")
    expect(button).to_be_enabled()
    button.dblclick()
    expect(form.get_by_text("2 done; invoices over $244.58")).to_be_visible(timeout=AT_WORK)
    expect(form.get_by_role("cell", name="$163.05")).to_be_visible()
    form.get_by_role("button", name="Save the receipt").click()
    expect(form.get_by_text(".xlsx ·")).to_be_visible()
    screenshot(page, "many-receipt", form)
    assert writes(control).count("invoices") == 2
    assert writes(control).count("charge_timer_entry") == 2
    assert len(list((lab.folder / "receipts").iterdir())) == 2
    expect(form.get_by_role("cell", name="32091")).to_be_visible()
    expect(form.get_by_label("What waits to be billed").get_by_role("cell", name="32137")).to_have_count(0)


def test_cancel_answers_while_it_writes_and_the_batch_goes_on_later(page, form, control, screenshot):
    choose(form, "32080", "32137", "31947")
    preview(form)
    slow = {"match": "POST /tickets/*/comment", "kind": "delay", "seconds": 3, "times": 2}
    control("POST", "/_sandbox/faults", [slow])
    form.get_by_placeholder("number of tickets and total").fill("3 285.34")
    form.get_by_role("button", name="Write").click()
    expect(form.get_by_text("ticket 32080")).to_be_visible()
    screenshot(page, "many-running", form)
    form.get_by_role("button", name="Cancel").click()
    expect(form.get_by_text("Stopped: cancelled")).to_be_visible(timeout=AT_WORK)
    screenshot(page, "many-cancelled", form)
    assert writes(control) == ["comment"]
    form.get_by_role("button", name="Go on", exact=True).click()
    expect(form.get_by_text("3 done; invoices over $285.34")).to_be_visible(timeout=AT_WORK)
    expect(form.get_by_role("button", name="Go on", exact=True)).to_be_hidden()
    assert writes(control).count("invoices") == 3


def test_a_question_is_answered_below_the_receipt(page, form, control, screenshot):
    altered = {"match": "POST /tickets/*/comment", "kind": "alter_fields", "fields": {"subject": "Changed"}}
    control("POST", "/_sandbox/faults", [altered])
    choose(form, "32080", "32137")
    preview(form)
    form.get_by_placeholder("number of tickets and total").fill("2 244.58")
    form.get_by_role("button", name="Write").click()
    expect(form.get_by_text("Tickets that stopped")).to_be_visible(timeout=AT_WORK)
    expect(form.get_by_text("1 done, 1 asked; invoices")).to_be_visible()
    screenshot(page, "many-question", form)
    form.get_by_label("Ticket number").fill("32080")
    form.get_by_role("button", name="Abandon").click()
    expect(form.get_by_text("was abandoned").first).to_be_visible(timeout=AT_WORK)
    expect(form.get_by_text("Tickets that stopped")).to_be_hidden()
    assert writes(control).count("invoices") == 1
