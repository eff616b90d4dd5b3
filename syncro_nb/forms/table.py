"""A DataFrame on the screen: sortable, searchable, its rows to be selected, and a button that writes it to a file.

    table = Table(ws.unbilled().rows)     # or show_table(...)
    table.selected                        # the selected rows, with all of their columns
    table.export("unbilled.xlsx")         # the selected rows, else those that a search shows, else all

Works without the network. All text is shown as text: every cell reaches the browser escaped, and no code with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import ipywidgets as widgets

from .. import export
from ..errors import Error, InputError
from ..escape import line
from . import markup
from .inputs import wide

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 5_000  # what a browser sorts and searches without making people wait
_LONGEST = 200  # characters of a cell; the rest is in the file, and on the ticket
# The search is the browser's, and itables tells Python nothing of it: this sends the places of the rows that it shows.
_TELL_WHAT_IS_FOUND = """
const query = window.$;
export default {...itables, render(context) {
    itables.render(context);
    const table = query(context.el).find("table.dataTable").first();
    let told = "null";
    table.on("draw.dt", () => {
        const shown = table.DataTable();
        const found = shown.search() ? shown.rows({search: "applied"}).indexes().toArray() : null;
        if (JSON.stringify(found) === told) return;
        told = JSON.stringify(found);
        context.model.send({found});
    });
    context.model.send({found: null});
}};
"""
_LAYOUT = {"topStart": "pageLength", "topEnd": "search", "bottomStart": "info", "bottomEnd": "paging"}


@cache
def _widget() -> Any:
    """The class of itables' widget, with the message above. Its module ends in `export{x as default};`."""
    from itables.widget import ITable

    module, known = re.subn(
        r"export\s*\{\s*([\w$]+) as default\s*\};?",
        r"const itables = \1;",
        str(ITable._esm),
    )
    return type("Table", (ITable,), {"_esm": module + _TELL_WHAT_IS_FOUND}) if known == 1 else ITable


class Table:
    """A table on the screen. `frame` is all of it; `columns` says which are shown (all but those in seconds and millionths).

    A Series is a table of one column, and an index becomes columns at the front (see `export.flat`). Raises InputError for a
    column that is not there, and for two of one name.

    Columns `*_cents` are shown as dollars. Of more than 5,000 rows the first are shown, and the table says so; the file has all.
    `zone`: the time zone in which instants are shown and written. `name` begins the proposed file's name.
    `widths`: of columns, as in CSS; with any, long texts take several lines instead of making the table wider than the page.
    """

    def __init__(
        self,
        frame: pd.DataFrame | pd.Series,
        title: str = "",
        *,
        columns: Sequence[str] | None = None,
        zone: ZoneInfo | None = None,
        folder: Path | None = None,
        name: str = "table",
        rows_a_page: int = 10,
        widths: Mapping[str, str] | None = None,
    ) -> None:
        self.frame = export.flat(frame)
        self.title, self._zone, self._folder = title, zone, folder or Path()
        self._columns = list(self.frame if columns is None else columns)
        if unknown := [one for one in self._columns if one not in self.frame]:
            there = ", ".join(line(one)[:40] for one in self.frame)
            raise InputError(f"there is no column {line(unknown[0])[:80]}; there are: {there}")
        self.found: list[int] | None = None  # the places of the rows that a search shows; None: nothing is searched for
        shown, whole = self._shown()
        self.widget = _widget()(
            shown,
            select=True,
            maxBytes=0,  # never thin it out in silence: that is ours to do, and to say
            showIndex=False,
            allow_html=False,
            layout=_LAYOUT,
            style="width:100%",
            lengthMenu=[10, 25, 100],
            pageLength=rows_a_page,
            classes="display compact",  # long texts wrap, so that no column is out of sight
            autoWidth=not widths,
            columnDefs=[{"targets": self._columns.index(one), "width": size} for one, size in (widths or {}).items()]
            + [{"targets": whole, "className": "dt-nowrap"}],
        )
        self.widget.on_msg(self._hear)
        self.file_name = widgets.Text(value=f"{name}.xlsx", layout=widgets.Layout(width="260px"))
        self.export_button = widgets.Button(description="Save as file", icon="download")
        self.export_button.tooltip = (
            f"{', '.join(export.ENDINGS)}, by the ending; the selected rows, else those that a search shows, else all"
        )
        self.status = widgets.HTML(layout=wide())
        self.export_button.on_click(lambda _: self._save())
        bar = widgets.HBox([self.file_name, self.export_button, self.status])
        head = widgets.HTML((markup.heading(title) if title else "") + markup.text(self._size(), "quiet", small=True))
        self.box = widgets.VBox([head, self.widget, bar])

    @property
    def selected(self) -> pd.DataFrame:
        """The rows that are selected now, with every column of the frame, as they were given."""
        return self.frame.iloc[sorted(place for place in self.widget.selected_rows if place < len(self.frame))]

    @selected.setter
    def selected(self, places: Sequence[int]) -> None:
        self.widget.selected_rows = list(places)

    def export(self, path: Path | str) -> export.Written:
        """Write the selected rows, else those that a search shows, else all, to a file; a name that is taken gets a number.

        Raises InputError.
        """
        rows, which = self.frame, ""
        if self.widget.selected_rows:
            rows, which = self.selected, "selected"
        elif self.found is not None:
            among = f" among the first {MOST_ROWS:,}" if len(self.frame) > MOST_ROWS else ""
            rows, which = self.frame.iloc[sorted(self.found)], f"found by the search{among}"
        place = export.placed(path, self._folder)
        written = export.write(rows, place, zone=self._zone, rename=True, title=self.title)
        if not which:
            return written
        said = f"{which}, of {len(self.frame):,}"
        return replace(written, remark=f"{said}; {written.remark}" if written.remark else said)

    def _hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """What the browser says about the search."""
        if isinstance(content, dict) and "found" in content:
            found = content["found"]
            self.found = None if found is None else [one for one in found if 0 <= one < len(self.frame)]

    def _save(self) -> None:
        """Of the button: says in the bar what became of it, since Lab shows nothing of an exception in a callback."""
        try:
            self._say(str(self.export(self.file_name.value.strip())), "good")
        except Error as error:
            self._say(str(error), "bad")
        except Exception as error:
            self._say(f"A fault of syncro_nb, please report it: {type(error).__name__}", "bad")
            raise

    def _say(self, words: str, tone: str) -> None:
        self.status.value = markup.text(words, tone)

    def _size(self) -> str:
        rows = len(self.frame)
        if rows > MOST_ROWS:
            return f"The first {MOST_ROWS:,} of {rows:,} rows; a file has all of them."
        return f"{rows:,} row{'' if rows == 1 else 's'}"

    def _shown(self) -> tuple[pd.DataFrame, list[int]]:
        """Everything as short text: so the browser gets no code to run, and sorts numbers, amounts and days by what they say.

        Also the places of the columns whose cells stay on one line.
        """
        import pandas as pd

        part = self.frame[self._columns].head(MOST_ROWS)
        texts: dict[str, list[Any]] = {}
        whole: list[int] = []
        for name, column in export.readable(part).items():
            if isinstance(column.dtype, pd.DatetimeTZDtype):
                made = column.dt.tz_convert(self._zone or "UTC").dt.strftime("%Y-%m-%d %H:%M")
            elif pd.api.types.is_datetime64_dtype(column.dtype):
                made = column.dt.strftime("%Y-%m-%d")
            elif pd.api.types.is_bool_dtype(column.dtype):
                made = column.map({True: "yes", False: ""})
            elif pd.api.types.is_float_dtype(column.dtype):
                made = column.map(lambda number: f"{number:.2f}", na_action="ignore")
            else:
                made = column.astype(object).map(_short, na_action="ignore")
            if pd.api.types.is_datetime64_any_dtype(column.dtype):
                whole.append(len(texts))
            texts[line(str(name).replace("_", " "))] = ["" if pd.isna(one) else one for one in made.tolist()]
        return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in texts.items()}), whole

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = self.box._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = repr(self)
        return data

    def __repr__(self) -> str:
        chosen = len(self.widget.selected_rows)
        return f"<table {self.title or 'of'} {len(self.frame):,} rows{f', {chosen} selected' if chosen else ''}>"


def _short(value: object) -> str:
    text = line(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
