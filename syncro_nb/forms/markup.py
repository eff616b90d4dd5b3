"""The only place where HTML is made. Every text passes through `escape.for_html` here, whoever wrote it.

A widget that renders HTML renders what it is given, with the rights of the notebook: a ticket's subject must stay text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..escape import for_html

_RULE = "border-bottom:1px solid #d0d5dd55"
_WRAP = "white-space:pre-wrap;overflow-wrap:anywhere"
# JupyterLab's own colours, so that a dark theme is readable too; the fixed ones are for other places that show a notebook.
# Lab's amber is too pale on white and is drawn towards the colour of the theme's text, black or white.
_TONES = {
    "plain": "inherit",
    "good": "var(--jp-success-color0, #1a7f37)",
    "info": "var(--jp-info-color0, #0b6bcb)",
    "warn": "color-mix(in srgb, var(--jp-warn-color0, #b45309) 70%, var(--jp-ui-font-color0, #000))",
    "bad": "var(--jp-error-color1, #b42318)",
    "quiet": "var(--jp-ui-font-color2, #667085)",
}

WRAPS = "syncro-nb-wraps"  # a checkbox of this class shows all of its label: ipywidgets would cut it at the edge
LABELS_WRAP = f"<style>.{WRAPS} label {{white-space:normal;height:auto;line-height:1.5;overflow-wrap:anywhere}}</style>"


def text(words: object, tone: str = "plain", *, bold: bool = False, small: bool = False) -> str:
    """One paragraph; line breaks stay."""
    shape = (";font-weight:600" if bold else "") + (";font-size:0.9em" if small else "")
    return f'<div style="color:{_TONES[tone]};{_WRAP};line-height:1.4{shape}">{for_html(words)}</div>'


def heading(words: object) -> str:
    """The title of a part."""
    return f'<div style="font-weight:600;font-size:1.05em;line-height:1.4;margin:6px 0 2px;{_WRAP}">{for_html(words)}</div>'


def badge(words: object, tone: str) -> str:
    """A few words in a frame of their colour, which is not to be overlooked."""
    colour = _TONES[tone]
    frame = f"display:inline-block;border:1px solid {colour};border-radius:4px;padding:0 8px;margin:2px 0 4px"
    return f'<div style="{frame};color:{colour};font-weight:600;line-height:1.6;{_WRAP}">{for_html(words)}</div>'


def link(words: object, address: str) -> str:
    """A link to a page of the account's own site; the address is ours, never Syncro's."""
    return f'<a href="{for_html(address)}" target="_blank" rel="noopener noreferrer">{for_html(words)}</a>'


def items(words: Iterable[object], tone: str = "plain") -> str:
    """A list of short texts, one below the other."""
    rows = "".join(f'<li style="{_WRAP}">{for_html(one)}</li>' for one in words)
    return (
        f'<ul style="margin:2px 0;padding-left:20px;color:{_TONES[tone]};line-height:1.4">{rows}</ul>' if rows else ""
    )


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values, one line each."""
    name_style = f"color:{_TONES['quiet']};padding:1px 12px 1px 0;white-space:nowrap;vertical-align:top;text-align:left"
    value_style = f"padding:1px 0;text-align:left;{_WRAP}"
    rows = "".join(
        f'<tr><td style="{name_style}">{for_html(name)}</td><td style="{value_style}">{for_html(value)}</td></tr>'
        for name, value in pairs
    )
    return f'<table style="border-collapse:collapse;line-height:1.35">{rows}</table>'


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: frozenset[int] = frozenset(),
    whole: frozenset[int] = frozenset(),
) -> str:
    """A table; the columns in `numbers` are set to the right and never wrap, nor do those in `whole`. A cell that is a pair has
    its second part below the first."""

    def cell(place: int, value: object, tag: str) -> str:
        shape = f"text-align:left;min-width:1em;{'white-space:nowrap' if place in whole else _WRAP}"
        shape = "text-align:right;white-space:nowrap" if place in numbers else shape
        style = f"padding:2px 12px 2px 0;vertical-align:top;{shape};{_RULE}"
        first, second = value if isinstance(value, tuple) else (value, "")
        below = f'<div style="padding-left:12px">{for_html(second)}</div>' if second else ""
        return f'<{tag} style="{style}">{for_html(first)}{below}</{tag}>'

    top = "".join(cell(place, name, "th") for place, name in enumerate(head))
    body = "".join(
        "<tr>" + "".join(cell(place, value, "td") for place, value in enumerate(row)) + "</tr>" for row in rows
    )
    return f'<table style="border-collapse:collapse;line-height:1.35"><tr>{top}</tr>{body}</table>'


def fold(title: object, content: str, *, is_open: bool) -> str:
    """What this module made, under a title by which it is opened and closed."""
    summary = f'<summary style="cursor:pointer;font-weight:600;line-height:1.6;{_WRAP}">{for_html(title)}</summary>'
    return f'<details{" open" if is_open else ""} style="margin:4px 0">{summary}{part(content)}</details>'


def part(content: str) -> str:
    """What this module made, set in a little under what stands above it."""
    return f'<div style="margin:0 0 4px 20px">{content}</div>'
