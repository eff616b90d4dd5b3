"""A person bills half an hour in JupyterLab and reads the invoice's total off the page."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import expect

BODY = "Set the network card to stay awake"


@pytest.fixture
def control(lab):
    """The sandbox's control routes, on a fresh account."""
    root = lab.sandbox.url.removesuffix("/api/v1")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(method, path, body=None):
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{root}{path}", content, {"Content-Type": "application/json"}, method=method)
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read())

    ask("POST", "/_sandbox/reset", {})
    return ask


@pytest.fixture
def form(page, lab, open_notebook, run_all, control):
    """The billing form of the notebook, on the screen."""
    open_notebook(page, lab, "20_bill_a_ticket.ipynb")
    run_all(page)
    box = page.locator(".jupyter-widgets.widget-vbox").filter(has=page.get_by_text("Bill a ticket", exact=True)).first
    box.scroll_into_view_if_needed()
    return box


def fill(form, minutes="30"):
    form.get_by_label("Minutes").fill(minutes)
    form.get_by_label("Minutes").press("Tab")
    form.get_by_label("Labour").select_option("Remote")
    form.get_by_label("Work done").fill(BODY)
    form.get_by_label("Work done").press("Tab")


def writes(control):
    return [row["path"].rsplit("/", 1)[-1] for row in control("GET", "/_sandbox/log") if row["method"] != "GET"]


def test_half_an_hour_is_billed_and_the_total_stands_on_the_page(page, form, control, screenshot):
    assert writes(control) == []  # "Run all" has written nothing
    expect(form.get_by_text("#32164")).to_be_visible()
    fill(form)
    form.get_by_role("button", name="Preview").click()
    question = form.get_by_label("Yes, bill $81.53 on ticket 32164")
    question.check()
    button = form.get_by_role("button", name="Write to Syncro")
    expect(button).to_be_enabled()
    screenshot(page, "bill-preview", form)
    button.click()
    expect(form.get_by_text("read back and verified")).to_be_visible()
    expect(form.get_by_role("row", name="Total").get_by_text("$81.53")).to_be_visible()
    expect(button).to_be_disabled()
    screenshot(page, "bill-form", form)
    assert writes(control)[:3] == ["comment", "add_line_item", "invoices"]


def test_a_change_takes_the_confirmation_away(page, form, control):
    fill(form)
    form.get_by_role("button", name="Preview").click()
    form.get_by_label("Yes, bill $81.53").check()
    form.get_by_label("Minutes").fill("45")
    form.get_by_label("Minutes").press("Tab")
    expect(form.get_by_role("button", name="Write to Syncro")).to_be_disabled()
    expect(form.get_by_label("Yes, bill")).to_be_hidden()
    assert writes(control) == []


def test_a_mistake_is_said_in_the_form(form, control):
    fill(form, minutes="-5")
    form.get_by_role("button", name="Preview").click()
    expect(form.get_by_text("minutes must be from 1 to 1440")).to_be_visible()
    assert writes(control) == []
