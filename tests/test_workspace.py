"""The built-in sandbox behind the workspace: the kept one, which several programs share, and one of your own."""

import gc
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from mirrored import MirrorDesk, wrong_now

from syncro_nb import connect, practice
from syncro_nb.clock import StillClock
from syncro_nb.errors import ConfigError, InputError
from syncro_nb.mirror.store import Damaged
from syncro_nb.policy import Policy
from syncro_nb.summary.unbilled import NEEDS
from syncro_nb.writes.bill import BillDraft

MORNING = datetime(2026, 3, 31, 6, 0, tzinfo=UTC)

BILL = """
import sys
from syncro_nb import connect
from syncro_nb.writes.bill import BillDraft

with connect() as ws:
    draft = BillDraft(ticket_number=int(sys.argv[1]), minutes=30, labour="remote", text="Looked at it", invoice=False)
    plan = ws.plan_bill(draft)
    print("planned", flush=True)
    sys.stdin.readline()
    receipt = ws.apply(plan, confirm=plan.ticket_number)
    print(receipt.exit_status)
"""


@pytest.fixture
def kept(tmp_path):
    """Opens the kept sandbox of this test's home, each time as another program would."""
    opened = []

    def open_it(now=MORNING):
        environment = {"SYNCRO_NB_HOME": str(tmp_path / "home"), "SYNCRO_NB_PROFILE": "sandbox"}
        opened.append(connect(environment=environment, clock=StillClock(now)))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


def bill(workspace, number, text="Looked at it"):
    plan = workspace.plan_bill(BillDraft(ticket_number=number, minutes=30, labour="remote", text=text, invoice=False))
    assert plan.blockers == ()
    return workspace.apply(plan, confirm=number)


def charges(workspace, number):
    return [row.description.splitlines()[0] for row in workspace.ticket(number).ticket.lines]


@pytest.mark.parametrize("hour", [0, 6, 12, 23])
def test_the_kept_sandbox_holds_nothing_of_the_future(kept, hour):
    now = MORNING.replace(hour=hour)
    workspace = kept(now)
    changed = [row.updated_at for row in workspace.client.tickets()]
    assert changed
    assert now - timedelta(days=3) <= max(changed) <= workspace.now() <= now + timedelta(minutes=1)


def test_what_one_program_writes_another_that_is_open_already_sees(kept):
    one, other = kept(), kept()
    number = one.open_ticket_records()[0].number
    before = len(charges(other, number))
    assert bill(one, number).exit_status == 0
    assert len(charges(other, number)) == before + 1


def test_neither_of_two_programs_undoes_what_the_other_wrote(kept):
    one, other = kept(), kept()
    first, second = (row.number for row in one.open_ticket_records()[:2])
    assert bill(one, first, "The first").exit_status == 0
    assert bill(other, second, "The second").exit_status == 0
    later = kept()
    assert "The first" in charges(later, first)
    assert "The second" in charges(later, second)


def test_two_processes_at_once_both_keep_their_bill(kept, tmp_path):
    numbers = [row.number for row in kept().open_ticket_records()[:2]]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", BILL, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=_environment(tmp_path),
        )
        for number in numbers
    ]  # fmt: skip
    assert [child.stdout.readline() for child in children] == ["planned\n"] * 2
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    assert [child.communicate(timeout=60)[0] for child in children] == ["0\n"] * 2
    assert ["Looked at it" in charges(kept(), number) for number in numbers] == [True, True]


def test_a_state_that_cannot_be_read_is_named_with_its_remedy(kept, tmp_path):
    path = tmp_path / "home" / "sandbox" / "state.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"today": "2026-03-31"}))
    with pytest.raises(ConfigError, match="delete that file"):
        kept()


def test_a_write_that_cannot_be_kept_is_undone_and_in_doubt(kept, tmp_path):
    workspace = kept()
    number = workspace.open_ticket_records()[0].number
    before = charges(workspace, number)
    plan = workspace.plan_bill(BillDraft(ticket_number=number, minutes=30, labour="remote", text="Lost", invoice=False))
    (tmp_path / "home" / "sandbox" / "state.new").mkdir()  # in the way of the file that is written first
    assert workspace.apply(plan, confirm=number).exit_status == 5
    assert charges(workspace, number) == before


def test_a_practice_that_nobody_closes_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    workspace = practice()
    list(tmp_path.glob("syncro_nb-*")) or pytest.fail("it has no folder")
    del workspace
    gc.collect()
    assert list(tmp_path.glob("syncro_nb-*")) == []


def test_a_practice_that_lives_to_the_end_of_the_program_leaves_nothing_behind(tmp_path):
    program = "from syncro_nb import practice; ws = practice(); ws.runs(); print(ws.config.home)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_environment(tmp_path)
    )
    assert str(tmp_path) in done.stdout
    assert list(tmp_path.glob("syncro_nb-*")) == []


def _environment(folder):
    return {
        **os.environ,
        "SYNCRO_NB_HOME": str(folder / "home"),
        "SYNCRO_NB_PROFILE": "sandbox",
        "TMPDIR": str(folder),
    }


@pytest.fixture
def desk(tmp_path):
    made = MirrorDesk(tmp_path)
    yield made
    made.close()


def test_the_summaries_come_from_the_mirror_and_need_one(desk):
    for ask in (desk.ws.unbilled, desk.ws.open_summary, lambda: desk.ws.unbilled_under(Policy())):
        with pytest.raises(InputError, match="`syncro sync` fills the mirror"):
            ask()
    desk.pull()
    before = len(desk.sandbox._log)
    assert desk.ws.unbilled().totals["amount_cents"] > 0
    assert len(desk.ws.open_summary().rows) == len(desk.ws.open_ticket_records())
    assert len(desk.sandbox._log) == before + 1  # the list of open tickets, to compare with


def test_a_first_sync_of_what_unbilled_time_needs_gives_the_same_answer_and_leaves_the_rest_to_the_next(desk):
    desk.ws.sync(only=NEEDS)
    asked = {row["path"].split("/")[1] for row in desk.sandbox._log}
    assert not asked & {"invoices", "payments", "line_items", "schedules", "timelogs", "contacts"}
    first = desk.ws.unbilled()
    assert "invoices" not in desk.ws.mirror.known()
    desk.pull()
    assert desk.ws.unbilled().totals == first.totals
    assert {"invoices", "payments", "invoice_lines", "schedules", "timelogs", "contacts"} <= desk.ws.mirror.known()
    desk.pull(full=True)
    assert wrong_now(desk) == {}


def test_changes_count_from_the_last_look_or_from_a_day(desk):
    desk.pull()
    first = desk.ws.open_summary()
    assert first.since == first.as_of - timedelta(days=1)  # there was no look before
    desk.clock.sleep(3600)
    desk.bill()
    desk.pull()
    second = desk.ws.open_summary()
    assert second.since == first.as_of
    assert second.changes["number"].tolist() == [32164]
    pd.testing.assert_frame_equal(
        desk.restart().open_summary().changes, second.changes
    )  # the same books, looked at again
    assert desk.ws.open_summary("2026-03-30").since.isoformat() == "2026-03-30T00:00:00-07:00"
    assert desk.ws.open_summary().since == first.as_of  # a day that is given is no look
    with pytest.raises(InputError, match="since must be a day or a time"):
        desk.ws.open_summary("last week")
    assert desk.ws.open_summary(date(2026, 3, 30)).since == desk.ws.open_summary("2026-03-30").since
    with pytest.raises(InputError, match="since must be a day or a time"):
        desk.ws.open_summary(7)


def test_what_is_gone_or_open_again_since_the_last_look_is_told(tmp_path):
    desk = MirrorDesk(tmp_path)
    desk.pull()
    first = desk.ws.open_summary()
    resolved = next(row for row in desk.ws.tickets.itertuples() if row.status == "Resolved")
    gone = first.rows.iloc[3]
    desk.clock.sleep(3600)
    desk.ask("PUT", f"/api/v1/tickets/{resolved.ticket_id}", {"status": "In Progress"})
    desk.ask("DELETE", f"/api/v1/tickets/{gone['ticket_id']}")
    desk.clock.sleep(60)
    desk.pull()
    changes = desk.ws.open_summary().changes.set_index("number")["change"]
    assert changes[resolved.number] == "reopened"
    assert changes[gone["number"]] == "gone"
    assert "gone" not in set(desk.ws.open_summary("2026-03-30").changes["change"])
    desk.close()


@pytest.mark.parametrize("table", ["timers", "tickets"])
def test_a_damaged_file_is_said_by_every_summary_and_no_total_is_given(desk, table):
    desk.pull()
    for path in desk.ws.mirror.folder.glob(f"{table}-*.parquet"):
        path.write_bytes(path.read_bytes()[:-100])
    for ask in (desk.ws.unbilled, desk.ws.open_summary) if table == "tickets" else (desk.ws.unbilled,):
        with pytest.raises(Damaged, match=f"table {table} cannot be read: .* `syncro sync` sets it aside"):
            ask()
    desk.pull()  # says what was damaged, and reads it again
    assert any("damaged" in problem for problem in desk.synced.problems)
    assert desk.ws.unbilled().totals["records"] > 0
