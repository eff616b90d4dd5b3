"""The only place where HTML is made. Every text passes through `escape.for_html` here, whoever wrote it.

A widget that renders HTML renders what it is given, with the rights of the notebook: a ticket's subject must stay text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..escape import for_html

_RULE = "border-bottom:1px solid #d0d5dd55"
# JupyterLab's own colours, so that a dark theme is readable too; the fixed ones are for other places that show a notebook.
_TONES = {
    "plain": "inherit",
    "good": "var(--jp-success-color0, #1a7f37)",
    "warn": "var(--jp-warn-color0, #9a6700)",
    "bad": "var(--jp-error-color1, #b42318)",
    "quiet": "var(--jp-ui-font-color2, #667085)",
}


def text(words: object, tone: str = "plain", *, bold: bool = False) -> str:
    """One paragraph; line breaks stay."""
    weight = ";font-weight:600" if bold else ""
    return f'<div style="color:{_TONES[tone]};white-space:pre-wrap;line-height:1.4{weight}">{for_html(words)}</div>'


def heading(words: object) -> str:
    """The title of a part."""
    return f'<div style="font-weight:600;font-size:1.05em;margin:6px 0 2px">{for_html(words)}</div>'


def link(words: object, address: str) -> str:
    """A link to a page of the account's own site; the address is ours, never Syncro's."""
    return f'<a href="{for_html(address)}" target="_blank" rel="noopener noreferrer">{for_html(words)}</a>'


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values, one line each."""
    rows = "".join(
        f'<tr><td style="color:{_TONES["quiet"]};padding:1px 12px 1px 0;white-space:nowrap;vertical-align:top">{for_html(name)}'
        f'</td><td style="padding:1px 0;white-space:pre-wrap;text-align:left">{for_html(value)}</td></tr>'
        for name, value in pairs
    )
    return f'<table style="border-collapse:collapse;line-height:1.35">{rows}</table>'


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: frozenset[int] = frozenset()) -> str:
    """A table; the columns in `numbers` are set to the right."""

    def cell(place: int, value: object, tag: str) -> str:
        side = "right" if place in numbers else "left"
        style = f"text-align:{side};padding:2px 12px 2px 0;vertical-align:top;white-space:pre-wrap;{_RULE}"
        return f'<{tag} style="{style}">{for_html(value)}</{tag}>'

    top = "".join(cell(place, name, "th") for place, name in enumerate(head))
    body = "".join(
        "<tr>" + "".join(cell(place, value, "td") for place, value in enumerate(row)) + "</tr>" for row in rows
    )
    return f'<table style="border-collapse:collapse;line-height:1.35"><tr>{top}</tr>{body}</table>'
