"""A month's findings in JupyterLab: one is looked at, accepted, and shown as decided by a rerun; one is put right."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

SET_UP = """from syncro_nb import practice
from syncro_nb.forms import review_form

ws = practice()
done = ws.sync(full=True)
report = ws.reconcile("2026-03-01", "2026-03-31")"""


@pytest.fixture
def review(page, lab, open_notebook, run_all):
    """`review()` runs the notebook, again where it was run before, and gives the box of the review."""
    page.set_viewport_size({"width": 1400, "height": 2000})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [
        {"cell_type": "code", "id": f"c{place}", "metadata": {}, "source": one, "outputs": [], "execution_count": None}
        for place, one in enumerate((SET_UP, 'review_form(ws, report, by="Ana")'))
    ]
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (lab.folder / "review.ipynb").write_text(json.dumps(book))
    open_notebook(page, lab, "review.ipynb")
    run_all(page)
    box = page.locator(".jp-OutputArea-output > .jupyter-widgets.widget-vbox")
    expect(box).to_have_count(1)
    return box


def rows(box, text):
    return box.get_by_role("row").filter(has_text=text)


def test_a_finding_is_looked_at_accepted_and_shown_as_decided_when_the_cell_is_run_again(page, review, screenshot):
    before = rows(review, "timer-uncharged").count()
    assert before > 1
    screenshot(page, "review-open", review)
    rows(review, "timer-uncharged").first.get_by_role("cell").first.click()
    expect(review.get_by_text("timer-uncharged · S2 · leak $150.00 (exact)")).to_be_visible()
    expect(review.get_by_text("Can be repaired: Charge timer")).to_be_visible()
    review.get_by_label("Decision", exact=True).select_option("accepted")
    review.get_by_label("Reason", exact=True).fill("courtesy")
    screenshot(page, "review-chosen", review)
    review.get_by_role("button", name="Keep the decision").click()
    expect(review.get_by_text("Kept: accepted: courtesy (Ana, ")).to_be_visible()
    expect(rows(review, "timer-uncharged")).to_have_count(before - 1)

    page.locator(".jp-Notebook-cell").nth(1).click(position={"x": 4, "y": 4})
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    expect(rows(review, "timer-uncharged")).to_have_count(before - 1)
    review.get_by_label("Show", exact=True).select_option("all")
    accepted = rows(review, "timer-uncharged").filter(has_text="accepted")
    expect(accepted).to_have_count(1)
    accepted.get_by_role("cell").first.click()
    expect(review.get_by_text("accepted: courtesy (Ana, ").first).to_be_visible()
    screenshot(page, "review-decided", review)


def test_a_finding_is_repaired_after_the_ticket_number_was_typed(page, review, screenshot):
    row = rows(review, "timer-uncharged").first
    row.get_by_role("cell").first.click()
    review.get_by_role("button", name="Open the repair").click()
    review.get_by_role("button", name="Preview").click()
    word = review.get_by_placeholder("type it here to confirm")
    expect(word).to_be_visible()
    screenshot(page, "review-repair", review)
    word.fill(review.get_by_text("Yes, put right ticket").inner_text().split(": type ")[1])
    review.get_by_role("button", name="Write to Syncro").click()
    expect(review.get_by_text("read back and verified").first).to_be_visible()
    screenshot(page, "review-repaired", review)
