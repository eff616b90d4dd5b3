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
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {lab.sandbox.key}"}
        request = urllib.request.Request(f"{root}{path}", content, headers, method=method)
        with opener.open(request, timeout=30) as answer:
            return json.loads(answer.read())

    ask("POST", "/_sandbox/reset", {})
    return ask


@pytest.fixture
def timer(control):
    """A timer on the ticket, with a note of two lines, that waits to be charged."""
    ticket = control("GET", "/api/v1/tickets?number=32164")["tickets"][0]
    body = {
        "start_at": "2026-03-30T17:00:00Z",
        "duration_minutes": 45,
        "product_id": 1190473,
        "notes": f"On the phone.\n{BODY} {'o' * 150}",
    }
    made = control("POST", f"/api/v1/tickets/{ticket['id']}/timer_entry", body)
    control("PATCH", f"/api/v1/ticket_timers/{made['id']}", {"billable": True})
    return made


@pytest.fixture
def form(page, lab, open_notebook, run_all, control):
    """The billing form of the notebook, on the screen. Fails if a widget of it complains in the browser's console."""
    page.set_viewport_size({"width": 1400, "height": 1700})
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_notebook(page, lab, "20_bill_a_ticket.ipynb")
    run_all(page)
    box = page.locator(".jupyter-widgets.widget-vbox").filter(has=page.get_by_text("Bill a ticket", exact=True)).first
    box.scroll_into_view_if_needed()
    complaints.clear()  # what Lab itself says while it starts
    yield box
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def dark(page):
    """Call it to see the rest of the test in Lab's dark theme."""

    def change():
        page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
        page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")

    yield change
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'true'")


def fill(form, minutes="30"):
    form.get_by_label("Minutes").fill(minutes)
    form.get_by_label("Labour").select_option("Remote")
    form.get_by_label("Work done").fill(BODY)


def preview(form):
    form.get_by_role("button", name="Preview").click()
    expect(form.get_by_text("Read the preview, then confirm")).to_be_visible()


def confirm_and_write(form):
    form.get_by_label("Yes, bill").check()
    form.get_by_role("button", name="Write to Syncro").click()


def writes(control):
    return [row["path"].rsplit("/", 1)[-1] for row in control("GET", "/_sandbox/log") if row["method"] != "GET"]


def test_half_an_hour_is_billed_and_the_total_stands_on_the_page(page, form, control, screenshot):
    assert writes(control) == []  # "Run all" has written nothing
    expect(form.get_by_text("#32164")).to_be_visible()
    expect(form.get_by_text("Sandbox, invented data", exact=True)).to_be_visible()
    screenshot(page, "bill-fresh", form)
    fill(form)
    preview(form)
    question = form.get_by_label("Yes, bill $81.53 on ticket 32164")
    screenshot(page, "bill-preview", form)
    question.check()
    button = form.get_by_role("button", name="Write to Syncro")
    expect(button).to_be_enabled()
    button.dblclick()
    expect(form.get_by_text("read back and verified")).to_be_visible()
    expect(form.get_by_role("row", name="Total").get_by_text("$81.53")).to_be_visible()
    expect(button).to_be_disabled()
    screenshot(page, "bill-form", form)
    assert writes(control)[:3] == ["comment", "add_line_item", "invoices"]
    assert writes(control).count("comment") == 1


def test_typing_alone_takes_the_confirmation_away(page, form, control):
    fill(form)
    preview(form)
    form.get_by_label("Yes, bill $81.53").check()
    form.get_by_label("Work done").press("End")
    form.get_by_label("Work done").press("s")
    expect(form.get_by_role("button", name="Write to Syncro")).to_be_disabled()
    expect(form.get_by_label("Yes, bill")).to_be_hidden()
    expect(form.get_by_text("Work done changed since the preview")).to_be_visible()
    assert writes(control) == []


def test_a_mistake_is_said_in_the_form(form, control):
    fill(form, minutes="-5")
    form.get_by_role("button", name="Preview").click()
    expect(form.get_by_text("minutes must be from 1 to 1440")).to_be_visible()
    assert writes(control) == []


def test_a_timer_is_billed_with_its_note_and_the_next_ticket_begins_empty(page, timer, form, control, screenshot):
    timers = form.get_by_label("Timers")
    timers.select_option(index=0)
    expect(form.get_by_label("Minutes")).to_be_disabled()
    expect(form.get_by_label("Work done")).to_have_value(timer["notes"])
    preview(form)
    screenshot(page, "bill-timer-preview", form)
    confirm_and_write(form)
    expect(form.get_by_text("read back and verified")).to_be_visible()
    screenshot(page, "bill-timer-form", form)
    expect(timers).to_be_hidden()
    assert "charge_timer_entry" in writes(control)
    form.get_by_label("Ticket", exact=True).fill("32185")
    form.get_by_label("Ticket", exact=True).press("Tab")
    expect(form.get_by_text("#32185")).to_be_visible()
    expect(form.get_by_label("Work done")).to_have_value("")


def test_a_run_that_stopped_is_finished_in_the_form(page, form, control, screenshot):
    control("POST", "/_sandbox/faults", [{"match": "POST /tickets/*/add_line_item", "kind": "drop_after"}])
    fill(form)
    preview(form)
    confirm_and_write(form)
    again = form.get_by_role("button", name="Look again and go on")
    expect(again).to_be_visible()
    screenshot(page, "bill-stopped", form)
    again.click()
    expect(form.get_by_text("read back and verified")).to_be_visible()
    expect(again).to_be_hidden()
    assert writes(control).count("add_line_item") == 1


def test_a_question_is_answered_in_the_form(page, form, control, screenshot):
    fault = {"match": "POST /tickets/*/add_line_item", "kind": "alter_fields", "fields": {"quantity": 5}}
    control("POST", "/_sandbox/faults", [fault])
    fill(form)
    preview(form)
    confirm_and_write(form)
    expect(form.get_by_text("quantity is 5")).to_be_visible()
    expect(form.get_by_role("button", name="Send again")).to_be_disabled()
    screenshot(page, "bill-question", form)
    form.get_by_label("Ticket number").fill("32164")
    form.get_by_role("button", name="Abandon").click()
    expect(form.get_by_text("was abandoned")).to_be_visible()
    assert "invoices" not in writes(control)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_narrow_window_shows_the_ticket_above_the_inputs_in_readable_colours(
    page, form, dark, screenshot, theme
):  # fmt: skip
    if theme == "dark":
        dark()
    page.set_viewport_size({"width": 900, "height": 1700})
    expect(form.get_by_text("Hides the comment, not the work done")).to_be_visible()
    panel, field = form.get_by_text("#32164").bounding_box(), form.get_by_label("Minutes").bounding_box()
    assert panel["y"] < field["y"]
    fill(form)
    form.get_by_label("Hidden comment").check()
    expect(form.get_by_label("Mail the comment")).to_be_disabled()
    preview(form)
    assert form.evaluate("box => box.scrollWidth <= box.clientWidth + 1")
    question = form.locator("label", has=page.get_by_label("Yes, bill"))
    assert question.evaluate("label => label.scrollWidth <= label.clientWidth")  # all of it is to be read
    worst = form.evaluate(CONTRASTS)
    assert worst["ratio"] >= 4.5, worst
    screenshot(page, f"bill-900-{theme}", form)
    page.set_viewport_size({"width": 1400, "height": 1700})
    screenshot(page, f"bill-1400-{theme}", form)


# The text of ours that stands out least from the page behind it: WCAG's contrast ratio, 4.5 at least for reading.
CONTRASTS = """box => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const page = getComputedStyle(document.body).getPropertyValue("--jp-layout-color0");
    const seen = colour => {
        for (const paint of [page, colour]) { canvas.fillStyle = paint; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = rgb => rgb.map(one => one / 255).map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
        .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = light(seen(page));
    const texts = [...box.querySelectorAll(".widget-html-content *")].filter(one => one.offsetParent && one.textContent.trim());
    return texts.map(one => {
        const colour = getComputedStyle(one).color, front = light(seen(colour));
        const ratio = (Math.max(front, behind) + 0.05) / (Math.min(front, behind) + 0.05);
        return {ratio, colour, text: one.textContent.slice(0, 60)};
    }).sort((one, other) => one.ratio - other.ratio)[0];
}"""
