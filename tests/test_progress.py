"""How far a sync is, as a person sees it in a notebook."""

import json
import subprocess
import sys
from datetime import UTC, datetime

from syncro_nb.clock import StillClock
from syncro_nb.mirror.asking import Progress
from syncro_nb.progress import bar

# A kernel's display, as far as this needs one: what is shown, and what that becomes.
KERNEL = """
import json, sys, types
from datetime import UTC, datetime
from syncro_nb import clock, progress
from syncro_nb.mirror.asking import Progress

shown = []

class Handle:
    def update(self, data, raw):
        shown.append(["becomes", data["text/plain"]])

def display(data, raw, display_id):
    shown.append(["new", data["text/plain"]])
    return Handle()

sys.modules["IPython"] = types.SimpleNamespace(
    get_ipython=lambda: types.SimpleNamespace(kernel=True), display=types.SimpleNamespace(display=display)
)
still = clock.StillClock(datetime(2026, 3, 31, tzinfo=UTC))
with progress.bar("180/60", still) as tell:
    for done in range(1, 41):
        tell(Progress(done, 540 - done, "tickets"))
        still.sleep(PAUSE)
print(json.dumps(shown))
"""


def shown_in_a_kernel(pause):
    code = KERNEL.replace("PAUSE", str(pause))
    return json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


def test_a_notebook_shows_one_line_that_grows_and_goes():
    shown = shown_in_a_kernel(0.2)
    assert [kind for kind, _ in shown] == ["new"] + ["becomes"] * (len(shown) - 1)
    assert len(shown) < 15  # not one for each request
    assert shown[0][1].startswith("tickets         524 left, about 2:54 |")
    assert shown[0][1].endswith("| 16/540 requests")
    assert shown[-1] == ["becomes", ""]


def test_what_is_over_soon_shows_nothing():
    assert shown_in_a_kernel(0.05) == []


def test_where_nobody_looks_nothing_is_shown(capsys):
    with bar("180/60", StillClock(datetime(2026, 3, 31, tzinfo=UTC))) as tell:
        tell(Progress(1, 10, "tickets"))
    assert capsys.readouterr() == ("", "")
