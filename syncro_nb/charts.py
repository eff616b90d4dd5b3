"""Figures of the summaries, with matplotlib: axes named with their units, the same input gives the same picture.

Each gives a `Figure` that belongs to nobody: nothing is drawn on pyplot's stack, nothing is left open, no setting changes.
A notebook shows it as the cell's value; `figure.savefig(path)` writes it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .escape import clip

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_BARS = ("#2f6f9f", "#d98e32", "#6a9a58", "#a5485c", "#7d6aa5")
_WIDTH = 28  # characters of a label
OTHERS = "all others"


def unbilled_by_age(rows: pd.DataFrame) -> Figure:
    """Unbilled dollars by age of the work, timers and charges one on the other. `rows`: UNBILLED; only what is to be billed."""
    from .summary.age import AGE_BANDS
    from .summary.unbilled import CHARGE, TIMER, total_by

    table = total_by(rows, "age_band", all_of=AGE_BANDS).set_index("age_band")
    parts = {TIMER: table["uncharged_cents"], CHARGE: table["pending_cents"]}
    return _bars(list(table.index), parts, "age of the work in days", "unbilled, in dollars", scale=100)


def unbilled_by_customer(rows: pd.DataFrame, *, most: int = 10) -> Figure:
    """Unbilled dollars of the customers with most of them, the others together. `rows`: UNBILLED."""
    from .summary.unbilled import CHARGE, TIMER, total_by

    table = total_by(rows, "customer")
    table = table[table["amount_cents"] != 0]
    head, tail = table.head(most), table.iloc[most:]
    names = [name or "(no customer)" for name in head["customer"]] + ([f"{OTHERS} ({len(tail)})"] if len(tail) else [])
    parts = {}
    for what, column in ((TIMER, "uncharged_cents"), (CHARGE, "pending_cents")):
        parts[what] = [*head[column].tolist(), *([int(tail[column].sum())] if len(tail) else [])]
    return _bars(names, parts, "customer", "unbilled, in dollars", scale=100, lying=True)


def open_by_age(rows: pd.DataFrame) -> Figure:
    """Open tickets by age, parted by whose turn it is. `rows`: OPEN."""
    from .summary.age import AGE_BANDS
    from .summary.open_tickets import NONE, OURS, THEIRS, THIRD

    parts = {}
    for whose in (OURS, THEIRS, THIRD, NONE):
        counts = rows.loc[rows["waiting_on"] == whose, "age_band"].astype("str").value_counts()
        parts[f"waiting on {whose}"] = [int(counts.get(band, 0)) for band in AGE_BANDS]
    return _bars(list(AGE_BANDS), parts, "age in days", "open tickets")


def open_by_status(rows: pd.DataFrame) -> Figure:
    """Open tickets by status. `rows`: OPEN."""
    from .summary.open_tickets import count_by

    table = count_by(rows, "status")
    parts = {"open tickets": table["tickets"].tolist()}
    return _bars(table["status"].tolist(), parts, "status", "open tickets", lying=True)


def queue_by_lane(rows: pd.DataFrame) -> Figure:
    """The queue by lane, each lane parted by the age of its tickets, the first lane on top. `rows`: triage.QUEUE."""
    from .triage import AGE_BANDS, LANES, age_bands

    bands, lanes = age_bands(rows).astype("str"), rows["lane"].astype("str")
    parts = {}
    for _, band in AGE_BANDS:
        counts = lanes[bands == band].value_counts()
        parts[band] = [int(counts.get(lane, 0)) for lane in LANES]
    return _bars(list(LANES), parts, "lane", "open tickets", lying=True)


def _bars(
    names: Sequence[str], parts: dict[str, Any], along: str, up: str, *, scale: int = 1, lying: bool = False
) -> Figure:
    """Stacked bars. Names come from outside: they are cut, and matplotlib is told that a dollar sign is no formula."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, max(3.2, 0.34 * len(names) + 1.2) if lying else 3.2), layout="constrained")
    axes = figure.subplots()
    places = list(range(len(names)))
    below = [0.0] * len(names)
    for (name, values), colour in zip(parts.items(), _BARS, strict=False):
        sizes = [value / scale for value in values]  # of a picture, not of an invoice: a pixel is dollars wide
        if lying:
            axes.barh(places, sizes, left=below, label=name, color=colour)
        else:
            axes.bar(places, sizes, bottom=below, label=name, color=colour)
        below = [low + size for low, size in zip(below, sizes, strict=True)]
    labels = [clip(name, _WIDTH) for name in names]
    (axes.set_yticks if lying else axes.set_xticks)(places, labels, parse_math=False)
    number = axes.xaxis if lying else axes.yaxis
    number.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == int(value) else f"{value:,.2f}")
    if scale == 1:
        number.set_major_locator(MaxNLocator(integer=True))
    if not any(any(values) for values in parts.values()):
        _say_nothing(axes, lying=lying)
    (axes.set_ylabel if lying else axes.set_xlabel)(along)
    (axes.set_xlabel if lying else axes.set_ylabel)(up)
    if lying:
        axes.invert_yaxis()
    if len(parts) > 1:
        figure.legend(loc="outside upper left", ncols=len(parts) if len(parts) != 4 else 2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x" if lying else "y", alpha=0.3)
    axes.set_axisbelow(True)
    return _shown(figure)


def _say_nothing(axes: Any, *, lying: bool = False) -> None:
    """Where there is no bar: without this, matplotlib makes an axis around 0, from -0.04 to 0.04."""
    (axes.set_xlim if lying else axes.set_ylim)(0, 1)
    (axes.set_xticks if lying else axes.set_yticks)([0])
    axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center", va="center", color="0.4")


def leakage_bridge(rows: pd.DataFrame) -> Figure:
    """What was found, what of it was recovered, accepted or dismissed, and what is open: steps down. `rows`: BRIDGE."""
    from matplotlib.figure import Figure

    names = ("found", "recovered", "accepted", "dismissed", "open")
    cents = {name: int(rows[f"{name}_cents"].sum()) for name in names}
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.subplots()
    level = cents["found"]
    for place, (name, colour) in enumerate(zip(names, (_BARS[0], _BARS[2], _BARS[1], _BARS[4], _BARS[3]), strict=True)):
        whole = name in ("found", "open")
        level -= 0 if whole else cents[name]
        bar = axes.bar([place], [cents[name] / 100], bottom=[0 if whole else level / 100], color=colour, width=0.6)
        axes.bar_label(bar, labels=[f"{cents[name] / 100:,.2f}"], label_type="edge", padding=2, fontsize=8)
    axes.set_xticks(range(len(names)), names)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylabel("leak, in dollars")
    months = sorted(set(rows["month"]))
    axes.set_xlabel(f"findings of {months[0]} to {months[-1]}" if months else "no reconciliation has been made yet")
    axes.margins(y=0.12)
    if not any(cents.values()):
        _say_nothing(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    return _shown(figure)


def leakage_by_cause(findings: pd.DataFrame) -> Figure:
    """Dollars that were not billed, by rule, exact ones and estimates one after the other. `findings`: FINDINGS."""
    leaks = findings[findings["direction"].astype("str") == "leak"]
    exact = leaks["amount_cents"].where(leaks["exact"], 0)
    sums = (
        leaks.assign(rule=leaks["rule"].astype("str"), exact=exact, estimated=leaks["amount_cents"] - exact)
        .groupby("rule", as_index=False)[["exact", "estimated", "amount_cents"]]
        .sum()
        .sort_values(["amount_cents", "rule"], ascending=[False, True])
    )
    parts = {"exact": sums["exact"].tolist(), "estimated": sums["estimated"].tolist()}
    return _bars(sums["rule"].tolist(), parts, "rule", "not billed, in dollars", scale=100, lying=True)


def _shown(figure: Any) -> Figure:
    """The figure with its picture for notebooks: without pyplot, which it does not need, IPython knows none."""
    figure._repr_png_ = partial(_png, figure)
    made: Figure = figure
    return made


def _png(figure: Figure) -> bytes:
    place = io.BytesIO()
    figure.savefig(place, format="png", dpi=100, metadata={"Software": None})
    return place.getvalue()
