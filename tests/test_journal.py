"""The journal itself: what a power cut, a full disk, a lost file, an older copy and a far disk do to it, and to a run."""

import json
import shutil
import sqlite3
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from desk import HALF_AN_HOUR, Desk

from syncro_nb import database
from syncro_nb.clock import StillClock
from syncro_nb.doctor import examine
from syncro_nb.errors import ConfigError, InputError, Unrecorded
from syncro_nb.service import requests
from syncro_nb.writes import outcome, reference
from syncro_nb.writes.bill import BillDraft
from syncro_nb.writes.journal import Journal
from syncro_nb.writes.ticket import CommentDraft


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path / "home")
    yield opened
    opened.close()


def states(receipt):
    return {one["step"]: one["state"] for one in receipt.as_json()["steps"]}


def copy_of(home, to):
    """The journal's files as a power cut would leave them: without closing anything."""
    to.mkdir()
    for name in ("journal.sqlite", "journal.sqlite-wal", "journal.witness"):
        if (home / name).exists():
            shutil.copy(home / name, to / name)
    return to


# ---------------------------------------------------------------- power loss


def history(home):
    """Every event as the journal in that folder tells it; raises if it is garbled."""
    journal = Journal(home, StillClock(None))
    try:
        assert journal.is_whole()
        rows = [tuple(row) for row in journal._database.execute("SELECT id, run, what, hash FROM events ORDER BY id")]
        in_doubt = journal._database.execute("SELECT count(*) AS n FROM steps WHERE state = 'intent'").fetchone()["n"]
        intents = [
            row[2] for row in rows if row[2] in ("intent", "acked", "unknown", "refused", "not_sent", "verified")
        ]
        assert in_doubt == (intents[-1:] == ["intent"])  # the steps say what the events say
        return rows
    finally:
        journal.close()


@pytest.fixture
def quick_folder(tmp_path):
    """A folder in memory where there is one: nothing here depends on a disk, and some hundred journals are opened."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)


def test_a_write_ahead_log_that_is_cut_or_damaged_anywhere_leaves_a_beginning_of_what_was_committed(
    tmp_path, quick_folder
):
    desk, left = Desk(tmp_path / "home"), []
    real = desk.sandbox.handle

    def watching(method, target, headers, body):
        if method != "GET":
            left.append(desk.ws.journal._database.execute("SELECT max(id) AS id FROM events").fetchone()["id"])
        return real(method, target, headers, body)

    def tell(step, state, text):
        if (step, state) == ("comment", "verified"):  # what comes after this is in the log alone
            desk.ws.journal._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    desk.sandbox.handle = watching
    desk.restart().journal._database.execute("PRAGMA wal_autocheckpoint = 0")
    assert desk.bill(progress=tell).is_verified
    whole = copy_of(tmp_path / "home", quick_folder / "whole")
    (whole / "journal.witness").unlink()  # with it, a shorter history would be refused
    log = (whole / "journal.sqlite-wal").read_bytes()
    committed = history(copy_of(whole, quick_folder / "first"))
    assert set(left) <= {row[0] for row in committed if row[2] == "intent"}  # it was on the disk before anything left
    lengths = set()
    for cut in range(0, len(log), 512):
        for damaged in (log[:cut], log[:cut] + b"\xff" * 512 + log[cut + 512 :]):
            folder = copy_of(whole, quick_folder / "damaged")
            (folder / "journal.sqlite-wal").write_bytes(damaged)
            found = history(folder)
            assert found == committed[: len(found)]
            lengths.add(len(found))
            shutil.rmtree(folder)
    desk.close()
    assert len(lengths) > 8
    assert max(lengths) < len(committed)


# ---------------------------------------------------------------- a full disk


@pytest.fixture
def full_disk(tmp_path):
    """`full_disk(True)`: no file of this process can grow beyond what the journal's log is now; `False`: it can again."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def switch(full):
        log = tmp_path / "home" / "journal.sqlite-wal"
        size = (log.stat().st_size if log.exists() else 0) if full else before[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield switch
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_on_a_full_disk_nothing_is_sent(desk, full_disk):
    plan = desk.ws.plan_bill(HALF_AN_HOUR)
    full_disk(True)
    with pytest.raises(Unrecorded, match="the journal cannot be written"):
        desk.ws.apply(plan, confirm=32164)
    full_disk(False)
    assert desk.writes() == []
    assert desk.bill().is_verified


def test_a_step_whose_intent_cannot_be_recorded_is_not_sent_and_the_run_goes_on_later(desk, full_disk):
    def fill(step, state, text):
        if (step, state) == ("comment", "verified"):
            full_disk(True)

    receipt = desk.bill(progress=fill)
    assert (receipt.exit_status, receipt.next) == (5, "resume")
    assert states(receipt)["comment"] == "verified"
    assert "the journal cannot be written" in receipt.message
    assert desk.posts("add_line_item") == []
    full_disk(False)
    assert desk.restart().resume(receipt.run.id).is_verified


def test_an_answer_that_cannot_be_recorded_leaves_a_write_in_doubt_that_is_found_again(desk, full_disk):
    real = desk.sandbox.handle

    def filling(method, target, headers, body):
        answer = real(method, target, headers, body)
        if method == "POST" and target.startswith("/api/v1/invoices"):
            full_disk(True)
        return answer

    desk.sandbox.handle = filling
    desk.restart()
    receipt = desk.bill()
    assert (receipt.exit_status, receipt.next, states(receipt)["invoice"]) == (5, "resume", "intent")
    assert "may or may not have landed" in receipt.message
    full_disk(False)
    desk.sandbox.handle = real
    assert desk.restart().resume(receipt.run.id).is_verified
    assert len(desk.posts("invoices")) == 1


def test_a_limiter_that_cannot_keep_its_file_means_that_nothing_left():
    def broken(request):
        raise ConfigError("cannot use the rate limiter's file")

    sent = requests.add_comment(1, subject="s", body="b", hidden=True, do_not_email=True)
    assert isinstance(outcome.send(sent, broken), outcome.NotSent)


# ---------------------------------------------------------------- lost, or an older copy


def test_a_journal_that_was_lost_takes_no_new_write_until_a_person_accepts_it(desk, tmp_path):
    assert desk.bill().is_verified
    desk.close()
    for one in (tmp_path / "home").glob("journal.sqlite*"):
        one.unlink()
    workspace = desk.restart()
    assert workspace.receipts() == []
    plan = workspace.plan(CommentDraft(ticket_number=32164, text="One more thing"))
    before = desk.writes()
    with pytest.raises(ConfigError, match="lost, or is an older copy"):
        workspace.apply(plan, confirm=32164)
    assert desk.writes() == before
    workspace.journal.accept()
    assert workspace.apply(plan, confirm=32164).is_verified
    assert desk.restart().journal.trouble == ""


def test_an_older_copy_of_the_journal_is_noticed(desk, tmp_path):
    assert desk.bill().is_verified
    older = copy_of(tmp_path / "home", tmp_path / "older")
    plan = desk.ws.plan(CommentDraft(ticket_number=32182, text="Called"))
    assert desk.ws.apply(plan, confirm=32182).is_verified
    desk.close()
    for one in (tmp_path / "home").glob("journal.sqlite*"):
        one.unlink()
    for one in older.glob("journal.sqlite*"):
        shutil.copy(one, tmp_path / "home")
    assert "older copy" in desk.restart().journal.trouble
    assert len(desk.ws.receipts()) == 1  # what there is can be read


def test_the_whole_home_of_an_older_day_is_not_noticed_by_the_witness_but_by_the_references(desk, tmp_path):
    assert desk.bill().is_verified
    desk.close()
    shutil.rmtree(tmp_path / "home")
    workspace = desk.restart()
    assert workspace.journal.trouble == ""
    ticket = desk.ticket().ticket
    texts = [*(one.body for one in ticket.comments), *(one.description for one in ticket.lines)]
    known = workspace.journal.references("sandbox", ticket.id)
    assert len(reference.unknown_references(texts, "sandbox", ticket.id, known)) == 1


def test_the_journal_knows_every_reference_that_it_made(desk):
    desk.fault("POST /tickets/*/add_line_item", "drop_before")
    assert desk.ws.resume(desk.bill().run.id).is_verified  # the line is of the second attempt
    ticket = desk.ticket().ticket
    texts = [*(one.body for one in ticket.comments), *(one.description for one in ticket.lines)]
    known = desk.ws.journal.references("sandbox", ticket.id)
    assert len(known) == 2
    assert reference.unknown_references(texts, "sandbox", ticket.id, known) == []
    assert len(reference.unknown_references(texts, "sandbox", ticket.id, ())) == 2
    assert reference.unknown_references(texts, "another", ticket.id, ()) == []
    assert reference.unknown_references(texts, "sandbox", ticket.id + 1, ()) == []


@pytest.mark.parametrize("written", ["", "{}", "not json", '{"event": 1, "hash": "x"}', '{"event": 99, "hash": "x"}'])
def test_a_witness_that_says_something_else_stops_writing(desk, tmp_path, written):
    assert desk.bill().is_verified
    (tmp_path / "home" / "journal.witness").write_text(written)
    assert desk.restart().journal.trouble


def test_the_witness_is_written_at_the_end_of_a_run_and_its_absence_is_no_trouble(desk, tmp_path):
    witness = tmp_path / "home" / "journal.witness"
    assert not witness.exists()
    assert desk.bill().is_verified
    last = desk.ws.journal._database.execute("SELECT id, hash FROM events ORDER BY id DESC").fetchone()
    assert json.loads(witness.read_text()) == {"event": last["id"], "hash": last["hash"]}
    assert [one.name for one in witness.parent.iterdir() if one.name.startswith(".witness")] == []
    witness.unlink()
    assert desk.restart().journal.trouble == ""


def test_events_that_were_changed_after_the_witness_stop_writing_and_cannot_be_accepted(desk):
    desk.fault("POST /tickets/*/add_line_item", "drop_after")
    desk.bill()  # the run is open: its events are newer than any witness
    desk.ws.journal._database.execute("DROP TRIGGER events_stay")
    desk.ws.journal._database.execute("UPDATE events SET detail = '{}' WHERE what = 'unknown'")
    journal = desk.restart().journal
    assert "were changed" in journal.trouble
    with pytest.raises(ConfigError, match="move journal"):
        journal.accept()


# ---------------------------------------------------------------- whose step it is


def test_an_ended_run_sends_nothing_more_and_an_older_look_settles_nothing(desk):
    desk.fault("POST /tickets/*/add_line_item", "drop_before")
    run = desk.bill().run.id
    journal = desk.ws.journal
    assert (journal.is_intended(run, 1, 1), journal.load(run).steps[1].state) == (False, "unknown")
    with pytest.raises(InputError, match="another process"):
        journal.settle(run, 1, "absent", was="unknown", attempt=2)
    journal.settle(run, 1, "absent", was="unknown", attempt=1)
    journal.intend(run, 1, was="absent", attempt=2)
    assert (journal.is_intended(run, 1, 2), journal.is_intended(run, 1, 1)) == (True, False)
    journal.settle(run, 1, "refused", was="intent")
    journal.finish(run, "abandoned")
    with pytest.raises(InputError, match="another process"):
        journal.intend(run, 1, was="refused", attempt=2)


def test_the_settling_time_is_counted_from_the_end_of_the_request(desk):
    real = desk.sandbox.handle

    def slow(method, target, headers, body):
        if "add_line_item" in target:
            desk.clock.sleep(500)  # it waited long for its turn
        return real(method, target, headers, body)

    desk.sandbox.handle = slow
    desk.restart()
    desk.fault("POST /tickets/*/add_line_item", "drop_before")
    run = desk.bill().run.id
    assert desk.ws.journal.load(run).steps[1].sent.seconds >= 500
    assert desk.ws.resume(run, wait=False).next == "resume"


def test_one_process_at_a_time_is_at_work_on_a_run(desk):
    run = desk.bill().run.id
    other = desk.restart().journal
    with desk.ws.journal.alone(run), pytest.raises(InputError, match="another process is at work"), other.alone(run):
        raise AssertionError("two are at work on one run")


def test_an_intent_that_another_process_took_over_is_not_sent(desk):
    desk.fault("POST /tickets/*/add_line_item", "status", status=422)
    run = desk.bill().run.id
    second, posts = Journal(desk.config.home, desk.clock), len(desk.posts("add_line_item"))

    class Limiter:
        """Another process goes on with the run while a request waits for its turn."""

        @contextmanager
        def slot(self, *, bulk=False):
            if second.load(run).steps[1].state == "intent":
                second.settle(run, 1, "unknown", was="intent")
            yield

    desk.ws.client._transport._limiter = Limiter()
    with pytest.raises(InputError, match="another process"):
        desk.ws.resume(run)
    assert len(desk.posts("add_line_item")) == posts
    second.close()


def test_a_ticket_has_one_open_run_whoever_planned_another_before(desk):
    first, second = (desk.ws.plan_bill(HALF_AN_HOUR) for _ in range(2))
    desk.ws.journal.begin(first)
    with pytest.raises(InputError, match=f"run {first.run} on ticket 32164 is not finished"):
        desk.restart().journal.begin(second)


def test_a_timer_that_is_in_an_open_run_is_in_no_other(desk):
    timer = desk.ws.ticket(32182).ticket.timers[0]
    plan = desk.ws.plan_bill(BillDraft(32182, text="Replaced the dock", timer_ids=(timer.id,)))
    desk.ws.journal.begin(plan)
    moved = replace(plan, run="R2", ticket_id=plan.ticket_id + 1)  # a ticket that was merged, or a timer that was moved
    with pytest.raises(InputError, match="one of its timers is in another run"):
        desk.ws.journal.begin(moved)
    desk.ws.journal.finish(plan.run, "nothing")
    desk.ws.journal.begin(moved)


# ---------------------------------------------------------------- where it may lie


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /mnt/team nfs4 rw 0 0
//server/share /mnt/my\\040share cifs rw 0 0
ann@server: /mnt/ssh fuse.sshfs rw 0 0
/dev/sdb1 /mnt/team/local xfs rw 0 0
//ann@server/share /Volumes/share smbfs rw 0 0
host /mnt/host 9p rw 0 0
portal /mnt/portal fuse.portal rw 0 0
Z: /mnt/letter NTFS rw,remote 0 0
server:/export /mnt/hidden nfs4 rw 0 0
/dev/sdb2 /mnt/hidden xfs rw 0 0
"""


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    """The file that stands for Linux's table of mounts."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    (tmp_path / "proc" / "self").mkdir(parents=True)
    return tmp_path / "proc" / "self" / "mounts"


@pytest.mark.skipif(sys.platform != "linux", reason="the table of mounts is Linux's")
@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/data", ""),
        ("/mnt/team/syncro", "nfs4"),
        ("/mnt/team/local/syncro", ""),
        ("/mnt/teamwork", ""),
        ("/mnt/my share/a/b", "cifs"),
        ("/mnt/ssh", "fuse.sshfs"),
        ("/Volumes/share/syncro", "smbfs"),
        ("/mnt/host/x", "9p"),
        ("/mnt/portal", ""),
        ("/mnt/letter", "network share"),
        ("/mnt/hidden/x", ""),
    ],
)
def test_a_disk_of_another_system_is_known_by_the_table_of_mounts(mounts, folder, kind):
    assert database.far_disk(Path(folder)) == ""  # nobody says
    mounts.write_text(MOUNTS)
    assert database.far_disk(Path(folder)) == kind


@pytest.mark.skipif(sys.platform != "linux", reason="the table of mounts is Linux's")
def test_a_journal_on_a_disk_of_another_system_is_refused_with_the_remedy(tmp_path, mounts):
    mounts.write_text(f"server:/export {tmp_path} nfs4 rw 0 0\n")
    with pytest.raises(ConfigError, match=r"nfs4.*set SYNCRO_NB_HOME to a folder on a local disk"):
        Journal(tmp_path / "home", StillClock(None))
    assert not (tmp_path / "home").exists()
    mounts.write_text(f"host {tmp_path} 9p rw 0 0\n")  # a container's own disk may be called so
    Journal(tmp_path / "home", StillClock(None)).close()


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(ConfigError, match="cannot keep data"):
        Journal(tmp_path, StillClock(None))
    assert issubclass(database.DatabaseError, sqlite3.Error)


def test_the_doctor_says_that_a_journal_was_lost_and_takes_a_persons_word(desk, tmp_path):
    def journal(**more):
        report = examine({"SYNCRO_NB_HOME": str(tmp_path / "home"), "SYNCRO_NB_PROFILE": "sandbox"}, **more)
        return next(check for check in report.checks if check.name == "journal")

    home = tmp_path / "home" / "sandbox"  # where the built-in sandbox keeps its own
    home.mkdir(parents=True)
    (home / "journal.witness").write_text('{"event": 9, "hash": "x"}')
    assert (journal().state, journal().status) == ("FAIL", 2)
    assert "--accept-journal" in journal().says
    assert journal(accept_journal=True).state == "ok"
    assert journal().state == "ok"


def test_a_damaged_page_is_said_in_words_and_takes_no_new_write(desk, tmp_path):
    done = desk.bill().run
    run, account, ticket_id = done.id, done.plan.account, done.plan.ticket_id
    desk.close()
    path = tmp_path / "home" / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    for start, end in ((4096, 8192), (8192, 16384), (16384, 40000)):
        path.write_bytes(whole[:start] + bytes(one ^ 0x5A for one in whole[start:end]) + whole[end:])
        journal = Journal(tmp_path / "home", desk.clock)
        assert "damaged" in journal.trouble or "changed" in journal.trouble
        for read in (
            journal.runs,
            lambda journal=journal: journal.load(run),
            lambda journal=journal: journal.history(account, ticket_id),
            lambda journal=journal: journal.open_run(account, ticket_id),
        ):
            with suppress(ConfigError, InputError):
                read()
        with pytest.raises(ConfigError):
            journal._refuse_if_troubled()
        journal.close()
