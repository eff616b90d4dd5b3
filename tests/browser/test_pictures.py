"""The pictures of the README, made anew: SCREENSHOTS="$PWD/docs/images" pytest -p no:nbval tests/browser/test_pictures.py

Without SCREENSHOTS they land in the test's own folder, and the test says that they can still be made.
"""

from __future__ import annotations

import json
import urllib.request

import pytest
from PIL import Image
from playwright.sync_api import expect

WIDEST, LARGEST = 1100, 200_000  # pixels, bytes: what a README shows whole
REVIEW = (
    "from syncro_nb import practice\nfrom syncro_nb.forms import review_form\n\nws = practice()\ndone = ws.sync(full=True)",
    'review_form(ws, ws.reconcile("2025-12-01", "2025-12-31"), by="Ana")',
)


@pytest.fixture
def opened(page, lab, open_notebook, run_all):
    """`opened(name, words)` runs a notebook on a fresh account; gives the box of widgets with these words in it."""

    def open_it(name, words, height=1500):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        root = lab.sandbox.url.removesuffix("/api/v1")
        opener.open(
            urllib.request.Request(f"{root}/_sandbox/reset", b"{}", {"Content-Type": "application/json"})
        ).read()
        page.set_viewport_size({"width": 1500, "height": height})
        open_notebook(page, lab, name)
        run_all(page)
        box = page.locator(".jp-OutputArea-output > .jupyter-widgets").filter(has=page.get_by_text(words)).first
        expect(box).to_be_visible()
        box.scroll_into_view_if_needed()
        return box

    return open_it


def keep(picture):
    """With as few colours as do: a third of the bytes."""
    with Image.open(picture) as image:
        width, small = image.width, image.convert("RGB").quantize(96)
    small.save(picture, optimize=True)
    assert width <= WIDEST
    assert picture.stat().st_size < LARGEST


def test_the_desk(page, opened, screenshot):
    desk = opened("11_triage.ipynb", "open tickets, as of")
    expect(desk.get_by_text("Next:")).to_be_visible()
    keep(screenshot(page, "desk", desk))


def test_the_review_of_a_month(page, lab, opened, screenshot):
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": one, "outputs": [], "execution_count": None}
        for n, one in enumerate(REVIEW)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (lab.folder / "a month.ipynb").write_text(json.dumps(book))
    review = opened("a month.ipynb", "Decision")
    review.get_by_role("row").filter(has_text="double-charge").first.get_by_role("cell").first.click()
    expect(review.get_by_text("double-charge · S1 · over")).to_be_visible()
    keep(screenshot(page, "review", review))


def test_many_bills(page, opened, screenshot):
    form = opened("25_bill_many.ipynb", "Bill many tickets", 2200)
    for number in ("32080", "32137"):
        form.get_by_role("row").filter(has_text=number).first.click(modifiers=["Control"])
    form.get_by_role("button", name="Preview").click()
    expect(form.get_by_text("Read the preview, then type the confirmation")).to_be_visible(timeout=30_000)
    keep(screenshot(page, "bill-many", form))
