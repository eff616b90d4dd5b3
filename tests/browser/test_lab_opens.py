from __future__ import annotations

import json

from playwright.sync_api import expect

ONE_CELL = {
    "cells": [{"cell_type": "code", "metadata": {}, "source": "print(1 + 1)", "outputs": [], "execution_count": None}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 4,
}


def test_a_notebook_opens_runs_and_shows_its_output(page, lab, open_notebook, run_all, screenshot) -> None:
    (lab.folder / "one_cell.ipynb").write_text(json.dumps(ONE_CELL))

    open_notebook(page, lab, "one_cell.ipynb")
    run_all(page)

    expect(page.locator(".jp-OutputArea-output")).to_have_text("2\n")
    assert screenshot(page, "one_cell").stat().st_size > 0
