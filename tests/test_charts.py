"""The figures: what they show is what the summaries say, axes have units, text from outside is text, and nothing is left open."""

import io
import subprocess
import sys

import pytest
from world import HOUSE, line, ticket, timer, world

from syncro_nb import charts
from syncro_nb.summary.open_tickets import open_rows
from syncro_nb.summary.unbilled import unbilled_rows
from syncro_nb.triage import LANES
from syncro_nb.workspace import practice

FIGURES = ("unbilled_by_age", "unbilled_by_customer", "open_by_age", "open_by_status")


@pytest.fixture
def rows():
    books = world(
        tickets=[ticket(1), ticket(2, customer=30), ticket(3, status="$x^{$ New", customer=30)],
        timers=[timer(1), timer(2, number=2, days_ago=9)],
        charges=[line(3, number=2, days_ago=40)],
    )
    unbilled, opened = unbilled_rows(books, HOUSE), open_rows(books, HOUSE)
    return {name: unbilled if name.startswith("unbilled") else opened for name in FIGURES}


def drawn(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def bars(figure, upright=True):
    (axes,) = figure.axes
    return [[bar.get_height() if upright else bar.get_width() for bar in group] for group in axes.containers]


@pytest.mark.parametrize("name", FIGURES)
def test_axes_are_named_and_count_dollars_or_tickets(name, rows):
    (axes,) = getattr(charts, name)(rows[name]).axes
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    unit = "in dollars" if name.startswith("unbilled") else "open tickets"
    assert unit in axes.get_xlabel() + axes.get_ylabel()


def test_the_bars_are_the_sums(rows):
    # Half an hour of each remote timer is $75: one of yesterday, one of nine days ago; the line is an hour 40 days ago.
    assert bars(charts.unbilled_by_age(rows["unbilled_by_age"])) == [[75, 75, 0, 0], [0, 0, 0, 150]]
    assert bars(charts.unbilled_by_customer(rows["unbilled_by_customer"]), upright=False) == [[75, 75], [150, 0]]
    assert bars(charts.open_by_status(rows["open_by_status"]), upright=False) == [[1]]
    assert bars(charts.open_by_age(rows["open_by_age"])) == [[0, 1, 0, 0], [0] * 4, [0] * 4, [0] * 4]


def test_beyond_the_largest_the_rest_stands_together(rows):
    figure = charts.unbilled_by_customer(rows["unbilled_by_customer"], most=1)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Cedar", "all others (1)"]
    assert bars(figure, upright=False) == [[75, 75], [150, 0]]


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_rows_give_the_same_picture_and_none_gives_one_too(name, rows, monkeypatch):
    import matplotlib as mpl

    monkeypatch.setitem(mpl.rcParams, "svg.hashsalt", "still")
    draw = getattr(charts, name)
    assert drawn(draw(rows[name])) == drawn(draw(rows[name]))
    assert drawn(draw(rows[name].head(0)))


@pytest.mark.parametrize("name", FIGURES)
def test_without_rows_the_axis_begins_at_0_and_a_word_stands_there(name, rows):
    draw = getattr(charts, name)
    (axes,) = draw(rows[name].head(0)).axes
    number = axes.get_xlim() if name.endswith(("customer", "status")) else axes.get_ylim()
    assert number == (0, 1)
    assert [text.get_text() for text in axes.texts] == ["nothing to show"]
    assert [text.get_text() for text in draw(rows[name]).axes[0].texts] == []


@pytest.mark.parametrize("name", FIGURES)
def test_a_notebook_gets_a_picture(name, rows):
    assert getattr(charts, name)(rows[name])._repr_png_().startswith(b"\x89PNG")


def test_it_leaves_pyplot_alone():
    program = (
        "import sys, pandas as pd, syncro_nb.charts\n"
        "assert 'matplotlib' not in sys.modules\n"
        "syncro_nb.charts._bars(['a'], {'x': [1]}, 'a', 'b')\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---------------------------------------------------------------- leakage


def found(key, cents, rule="zero-line", **more):
    from syncro_nb.reconcile.finding import Finding

    values = {"severity": "S2", "direction": "leak", "exact": True, "customer": "A", "ticket": 1, "invoice": None}
    return Finding(rule, amount_cents=cents, key=key, message="", on="2026-03-10", **{**values, **more})


def test_the_bridge_steps_down_from_found_to_open():
    from datetime import UTC, datetime

    from syncro_nb.reconcile.decisions import Decision, Sighting, bridge, identified

    now = datetime(2026, 3, 31, tzinfo=UTC)
    seen = Sighting(now, None, None, (found("a", 10000), found("b", 2500)))
    accepted = identified(Decision("x", "a", "accepted", "Ana", now, "courtesy", direction="leak", amount_cents=10000))
    figure = charts.leakage_bridge(bridge([seen], [accepted]))
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "found",
        "recovered",
        "accepted",
        "dismissed",
        "open",
    ]
    assert [(bar.get_y(), bar.get_height()) for bar in axes.patches] == [
        (0, 125),
        (125, 0),
        (25, 100),
        (25, 0),
        (0, 25),
    ]
    assert "dollars" in axes.get_ylabel()
    assert "2026-03 to 2026-03" in axes.get_xlabel()
    (empty,) = charts.leakage_bridge(bridge([], [])).axes
    assert "no reconciliation" in empty.get_xlabel()
    assert empty.get_ylim()[0] == 0
    assert empty.texts[-1].get_text() == "nothing to show"


def test_leakage_by_cause_tells_exact_ones_from_estimates_and_leaves_out_what_is_no_leak():
    from datetime import UTC, datetime

    from syncro_nb.reconcile.report import Report

    now = datetime(2026, 3, 31, tzinfo=UTC)
    some = (
        found("a", 500),
        found("b", 700, "tax", exact=False),
        found("c", 900, "tax"),
        found("d", 99, direction="over"),
    )
    figure = charts.leakage_by_cause(Report(some, (), now, now).frame())
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["tax", "zero-line"]
    assert bars(figure, upright=False) == [[9, 5], [7, 0]]
    assert drawn(charts.leakage_by_cause(Report((), (), now, now).frame()))


def test_the_queue_by_lane_counts_every_ticket_once():
    with practice() as ws:
        queue = ws.triage(live=True)
    axes = charts.queue_by_lane(queue).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(LANES)
    assert sum(bar.get_width() for bar in axes.patches) == len(queue) == 35
    assert axes.get_xlabel() == "open tickets"
