"""Every notebook, form, panel and table on an account in which every text is an attack, in a real browser.

The `page` fails a test in which a dialog opens or another machine is asked for anything.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

TESTS = Path(__file__).resolve().parents[1]
READ = ("00_start_here", "10_open_tickets", "11_triage", "15_unbilled_time", "25_bill_many", "30_reconcile_month")
SET_UP = f"""import sys
sys.path.insert(0, {str(TESTS)!r})
from attacks import SCRIPT
from hostile import hostile_desk
from syncro_nb.forms import *

ws = hostile_desk().ws
%load_ext syncro_nb
from syncro_nb import magic
magic.use(ws)"""

# What would be markup, a link or a formula of somebody else's.
ALIVE = r"""() => {
    const found = [...document.querySelectorAll("*")].filter(one =>
        [...one.attributes].some(each => /^on/.test(each.name) && /alert\(/.test(each.value)) ||
        one.matches("img[src='x'], mjx-container, a[href^='javascript:']") ||
        one.tagName === "SCRIPT" && /alert\(\d\)/.test(one.textContent));
    return found.map(one => one.outerHTML.slice(0, 200));
}"""


@pytest.fixture
def run_cells(page, lab, open_notebook, run_all):
    """`run_cells(name, sources)`: a notebook with these cells, run; gives the boxes of widgets that it shows."""
    page.set_viewport_size({"width": 1400, "height": 1800})

    def run(name, sources):
        cells = [
            {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": one, "outputs": [], "execution_count": None}
            for n, one in enumerate(sources)
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        (lab.folder / f"{name}.ipynb").write_text(json.dumps(book))
        open_notebook(page, lab, f"{name}.ipynb")
        run_all(page)
        return page.locator(".jp-OutputArea-output > .jupyter-widgets.widget-vbox")

    return run


def is_text(page):
    page.wait_for_timeout(300)  # an image that is none reports its error later than it is drawn
    assert page.evaluate(ALIVE) == []


@pytest.mark.parametrize("name", READ)
def test_a_notebook_shows_it_as_text(page, lab, run_cells, screenshot, name):
    book = json.loads((lab.folder / f"{name}.ipynb").read_text("utf-8"))
    sources = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    assert any("connect(profile, today=today)" in one for one in sources)
    run_cells(f"hostile-{name}", [SET_UP, *(one.replace("connect(profile, today=today)", "ws") for one in sources)])
    assert page.get_by_text("<script>").count() > 3
    for table in page.locator("table.dataTable:visible").all():  # whatever a selected row opens
        table.locator("tbody tr").first.get_by_role("cell").first.click()
    is_text(page)
    screenshot(page, f"hostile-{name}")


def test_every_form_shows_it_as_text_and_so_does_its_preview(page, run_cells, screenshot):
    calls = [
        'bill_form(ws, 32164, minutes=30, labour="remote", text=SCRIPT)',
        "comment_form(ws, 32164, text=SCRIPT)",
        "create_form(ws, customer=ws.open_ticket_records()[0].customer_name, subject=SCRIPT, text=SCRIPT)",
        "update_form(ws, 32164, status=SCRIPT)",
        "close_form(ws, 32182, text=SCRIPT)",
        'timer_form(ws, 32164, action="add", minutes=30, labour="remote", text=SCRIPT)',
        "schedule_form(ws, 32164)",
        "correct_form(ws, 32182)",
        "bulk_form(ws, [32164, 32182], priority=ws.words.priorities[1])",
        "delete_form(ws, 32164)",
        "contact_form(ws, 32164, name=SCRIPT)",
        "customer_form(ws, business_name=SCRIPT)",
        "payment_form(ws)",
    ]
    boxes = run_cells("hostile-forms", [SET_UP, *calls])
    expect(boxes).to_have_count(len(calls))
    for place in range(len(calls)):
        boxes.nth(place).get_by_role("button", name="Preview").click()
    expect(page.get_by_text("What will be sent, in this order")).to_have_count(8, timeout=30_000)
    expect(page.get_by_text("It cannot be written").first).to_be_visible()
    is_text(page)
    for place in range(len(calls)):
        screenshot(page, f"hostile-form-{place}", boxes.nth(place))


def test_panels_tables_and_the_magic_show_it_as_text(page, run_cells, screenshot):
    calls = [
        "TicketPanel(ws, 32164)",
        'CustomerPanel(ws, "Hobnail")',
        "customer_form(ws)",
        "journal_form(ws)",
        "Table(ws.open_tickets(), SCRIPT)",
        "%syncro",
        "%syncro triage",
        "%syncro ticket 32164",
        "%syncro customers a",
        "%syncro report wip",
        "ws.contacts.head()",
    ]
    boxes = run_cells("hostile-panels", [SET_UP, *calls])
    assert boxes.count() > 5
    is_text(page)
    screenshot(page, "hostile-panels")
