"""Tables in JupyterLab: a person sorts, searches, selects and saves, and what customers wrote stays text."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import expect

ATTACK = "<img src=x onerror=alert(1)> <script>alert(2)</script> =1+1"
CODE = """
import ipywidgets as widgets
from syncro_nb import connect
from syncro_nb.forms import Table

ws = connect()
ws.sync()
rows = ws.open_summary(since="2026-03-30").rows
table = Table(rows, "Open tickets", columns=["number", "status", "customer", "subject", "age_days"], name="open tickets")
chosen = widgets.Label("nothing selected")
table.widget.observe(lambda _: setattr(chosen, "value", f"selected {table.selected['number'].tolist()}"), "selected_rows")
widgets.VBox([table.box, chosen])
"""
NOTEBOOK = {
    "cells": [{"cell_type": "code", "metadata": {}, "source": CODE, "outputs": [], "execution_count": None}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 4,
}


def ask(lab, method, path, body=None):
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {lab.sandbox.key}"}
    request = urllib.request.Request(lab.sandbox.url.removesuffix("/api/v1") + path, content, headers, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.fixture
def hostile(lab):
    """A ticket whose subject is an attack."""
    ask(lab, "POST", "/_sandbox/reset", {})
    ticket = ask(lab, "GET", "/api/v1/tickets?number=32164")["tickets"][0]
    ask(lab, "PUT", f"/api/v1/tickets/{ticket['id']}", {"subject": ATTACK})


def numbers(table):
    return [int(text) for text in table.locator("tbody tr td:first-child").all_inner_texts()]


def test_a_table_sorts_searches_selects_and_saves(page, lab, hostile, open_notebook, run_all, screenshot):
    (lab.folder / "tables.ipynb").write_text(json.dumps(NOTEBOOK))
    open_notebook(page, lab, "tables.ipynb")
    run_all(page)
    box = page.locator(".jp-OutputArea-output").filter(has=page.get_by_text("Open tickets", exact=True)).first
    table = box.locator("table").filter(has=page.locator("tbody td")).first
    expect(table.locator("tbody tr")).to_have_count(10)
    newest = numbers(table)
    assert newest == sorted(newest, reverse=True)
    screenshot(page, "table-fresh")

    table.get_by_role("button", name="number: Activate to sort").click()
    expect(table.locator("tbody tr").first).not_to_contain_text(str(newest[0]))
    assert numbers(table) == sorted(numbers(table))

    box.get_by_role("searchbox").fill("=1+1")
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(table.locator("tbody tr").first).to_contain_text(ATTACK)  # as it was written, and nothing of it was run
    assert table.locator("tbody img, tbody script").count() == 0
    table.locator("tbody tr td").first.click()
    expect(page.get_by_text("selected [32164]")).to_be_visible()
    screenshot(page, "table-selected")

    box.get_by_role("button", name="Save as file").click()
    expect(box.get_by_text("1 row written to")).to_be_visible()
    screenshot(page, "table-saved", box)
    assert (lab.folder / "open tickets.xlsx").exists()

    table.locator("tbody tr td").first.click()  # no longer
    expect(page.get_by_text("selected []")).to_be_visible()
    box.get_by_role("searchbox").fill("waiting on vendor")
    expect(box.get_by_text("filtered from")).to_be_visible()
    found = numbers(table)
    box.get_by_role("textbox").last.fill("found.csv")
    box.get_by_role("textbox").last.press("Tab")
    box.get_by_role("button", name="Save as file").click()
    expect(box.get_by_text(f"{len(found)} rows written to")).to_contain_text("(found by the search, of ")
    screenshot(page, "table-found", box)
    saved = (lab.folder / "found.csv").read_text("utf-8-sig").splitlines()[1:]
    assert sorted(int(row.split(",")[0]) for row in saved) == sorted(found)

    box.get_by_role("searchbox").fill("")
    expect(box.get_by_text("filtered from")).to_have_count(0)
    box.get_by_role("button", name="Save as file").click()
    expect(box.get_by_text("written to")).not_to_contain_text("search")


@pytest.mark.parametrize("name", ["10_open_tickets", "15_unbilled_time"])
def test_the_notebook_runs_and_shows_figure_and_table(name, page, lab, hostile, open_notebook, run_all, screenshot):
    page.set_viewport_size({"width": 1400, "height": 1600})
    open_notebook(page, lab, f"{name}.ipynb")
    run_all(page)
    picture = page.locator(".jp-OutputArea-output img").first
    picture.scroll_into_view_if_needed()
    expect(picture).to_be_visible()
    screenshot(page, f"{name}-figure")
    search = page.get_by_role("searchbox").first
    search.scroll_into_view_if_needed()
    expect(search).to_be_visible()
    screenshot(page, f"{name}-table")
    output = page.locator(".jp-OutputArea-output").filter(has=search).first
    assert output.evaluate("box => box.scrollWidth <= box.clientWidth + 1")
    table = output.locator("table").filter(has=page.locator("tbody td")).first
    room = output.bounding_box()
    last = table.locator("thead th").last.bounding_box()
    assert last["x"] + last["width"] <= room["x"] + room["width"] + 1  # every column is in sight
    if name == "15_unbilled_time":  # no text takes more than two lines; the other one has the attack for a subject
        assert all(row.bounding_box()["height"] < 50 for row in table.locator("tbody tr").all())
