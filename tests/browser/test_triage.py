"""The dispatcher's desk in JupyterLab: a row is selected and its ticket is read beside it; hostile text is text everywhere."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from attacks import LONG, MIXED, SCRIPT

NUMBER = 32141


@pytest.fixture
def control(lab):
    """The sandbox's routes, on a fresh account."""
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
def attacked(control):
    """The ticket with hostile text in every field that somebody outside can fill."""
    ticket = control("GET", f"/api/v1/tickets?number={NUMBER}")["tickets"][0]
    place = f"/api/v1/tickets/{ticket['id']}"
    control("PUT", place, {"subject": f"{SCRIPT} {MIXED[:200]}"})
    control("PUT", f"/api/v1/customers/{ticket['customer_id']}", {"business_name": f"{SCRIPT} Studio"})
    for body in (MIXED, LONG):
        comment = {"subject": SCRIPT, "body": body, "hidden": True, "do_not_email": True}
        control("POST", f"{place}/comment", comment)
    timer = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": 45, "product_id": 1190473, "notes": MIXED}
    made = control("POST", f"{place}/timer_entry", timer)
    control("PATCH", f"/api/v1/ticket_timers/{made['id']}", {"billable": True})
    return ticket


@pytest.fixture
def desk(page, lab, open_notebook, run_all):
    """Call it to see the desk of the notebook. Fails if a widget of it complains in the browser's console."""
    complaints = []

    def see():
        page.set_viewport_size({"width": 1500, "height": 1500})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        open_notebook(page, lab, "11_triage.ipynb")
        run_all(page)
        box = page.locator(".jupyter-widgets.widget-vbox").filter(has=page.get_by_role("button", name="Look again"))
        box.first.scroll_into_view_if_needed()
        return box.first

    yield see
    assert not complaints, "\n".join(complaints)


def row(desk, text):
    return desk.locator("table.dataTable tbody tr").filter(has_text=str(text)).first


def test_a_selected_ticket_is_read_beside_the_table(page, desk, control, screenshot):
    desk = desk()
    expect(desk.get_by_text(f"#{NUMBER}")).to_be_visible()  # what the notebook has selected
    screenshot(page, "triage-desk", desk)
    row(desk, NUMBER).click()  # again: away with it
    expect(desk.get_by_text("Select a ticket to see it here")).to_be_visible()
    expect(desk.get_by_role("button", name="Bill")).to_be_disabled()
    first = desk.locator("table.dataTable tbody tr").first
    number = first.locator("td").nth(0).inner_text()
    first.click()
    expect(desk.get_by_text(f"#{number}")).to_be_visible()
    expect(desk.get_by_text("Next:")).to_be_visible()
    screenshot(page, "triage-selected", desk)
    desk.get_by_role("button", name="Bill").click()
    expect(desk.get_by_text("Bill a ticket", exact=True)).to_be_visible()
    screenshot(page, "triage-form", desk)
    assert [one for one in control("GET", "/_sandbox/log") if one["method"] != "GET"] == []


def test_a_search_finds_it_and_a_narrow_window_shows_all(page, desk, control, screenshot):
    desk = desk()
    desk.get_by_label("Search").first.fill("wi-fi")
    expect(desk.locator("table.dataTable tbody tr")).to_have_count(1)
    row(desk, "Wi-Fi").click()
    expect(desk.get_by_text("#32179")).to_be_visible()
    page.set_viewport_size({"width": 900, "height": 1500})
    screenshot(page, "triage-900", desk)
    assert desk.evaluate("box => box.scrollWidth <= box.clientWidth + 1")


def test_hostile_text_is_shown_as_text_in_table_panel_and_magic(page, desk, attacked, screenshot, lab, run_all):
    notebook = lab.folder / "11_triage.ipynb"
    written = json.loads(notebook.read_text("utf-8"))
    cells = [
        (0, "%load_ext syncro_nb"),
        (1, f"%syncro ticket {NUMBER}"),
        (2, "%syncro search Studio"),
        (3, "from syncro_nb.forms import CustomerPanel\nCustomerPanel(ws, 'studio')"),
        (4, "ws.open_tickets().query('number == 32141')"),
    ]
    empty = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    written["cells"] += [{**empty, "id": f"attack-{place}", "source": source} for place, source in cells]
    before = notebook.read_text("utf-8")
    notebook.write_text(json.dumps(written), "utf-8")
    try:
        desk = desk()
        expect(desk.get_by_text(SCRIPT[:20]).first).to_be_visible()
        expect(row(desk, NUMBER)).to_contain_text("<script>")
        desk.get_by_role("button", name="All comments").click()
        screenshot(page, "triage-attack", desk)
        assert page.locator("img[src='x']").count() == 0
        assert "alert(" not in "".join(page.locator("script").all_inner_texts())
        assert page.get_by_text("<img src=x onerror=alert(1)>").count() >= 4
        page.locator(".jp-Cell").last.scroll_into_view_if_needed()
        screenshot(page, "triage-attack-magic")
        assert page.locator("img[src='x']").count() == 0
    finally:
        notebook.write_text(before, "utf-8")
