"""Seeded faults of the write path, each of which the tests must notice: `python -m campaign.mutants` (`make mutants`).

A mutant is one deliberate mistake, as a few exchanges of text in a copy of the package. It names the tests that should catch it:
cases of the campaign by a regular expression, or tests by file and name. The copy is run in a process of its own; a mutant that
nothing notices survives, and that is a failure, as is an anchor that is gone from the code. The same tests must pass on the
unchanged copy, or "caught" would say nothing.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PACKAGE = TESTS.parent / "syncro_nb"
RUN, KINDS, CHECKS, JOURNAL = "writes/run.py", "writes/kinds.py", "writes/checks.py", "writes/journal.py"
OUTCOME, LOOK, TRANSPORT = "writes/outcome.py", "writes/look.py", "service/transport.py"
LONGEST_SECONDS = 300
_NOT_A_CATCH = ("NameError", "ImportError", "SyntaxError", "IndentationError", "ModuleNotFoundError")


@dataclass(frozen=True)
class Edit:
    """One exchange of text in a file of the package; `old` is there exactly once."""

    file: str
    old: str
    new: str

    def apply(self, package: Path) -> None:
        """Change the file. Raises ValueError if the anchor is not there, or is there more than once."""
        path = package / self.file
        text = path.read_text("utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} holds {text.count(self.old)} times, not once: {self.old!r}")
        changed = text.replace(self.old, self.new)
        compile(changed, str(path), "exec")
        path.write_text(changed, "utf-8")


@dataclass(frozen=True)
class Mutant:
    """A mistake and who should notice it: `cases` of the campaign (a regular expression), or `tests` as `file.py::name`."""

    name: str
    edits: tuple[Edit, ...]
    cases: str = ""
    tests: tuple[str, ...] = ()


def _one(name: str, file: str, old: str, new: str, *, cases: str = "", tests: Sequence[str] = ()) -> Mutant:
    return Mutant(name, (Edit(file, old, new),), cases, tuple(tests))


def _run(*names: str) -> list[str]:
    return [f"test_run.py::test_{name}" for name in names]


MUTANTS: tuple[Mutant, ...] = (
    # ------------------------------------------------------------ what is on record, and when
    Mutant(
        "the intent is recorded after the request was sent",
        (
            Edit(RUN, "            self._journal.intend(run.id, state.seq, was=was, attempt=attempt)\n", ""),
            Edit(
                RUN,
                "            result = self._expected(run, state, self._post(run, state, attempt, request))\n",
                "            result = self._expected(run, state, self._post(run, state, attempt, request))\n"
                "            self._journal.intend(run.id, state.seq, was=was, attempt=attempt)\n",
            ),
            Edit(RUN, "if not self._journal.is_intended(run.id, state.seq, attempt):", "if False:"),
        ),
        cases=r"^line: nothing$",
    ),
    _one(
        "the journal does not wait for the disk",
        "database.py",
        "{'FULL' if durable else 'NORMAL'}",
        "OFF",
        cases=r"^line: nothing$",
    ),
    _one(
        "a commit that failed is passed over",
        "database.py",
        'raise Unrecorded(f"{what} cannot be written ({error}); nothing more is sent") from None',
        "return",
        tests=["test_journal.py::test_on_a_full_disk_nothing_is_sent"],
    ),
    _one(
        "a step is moved without comparing what it was",
        JOURNAL,
        "        if changed != 1:\n",
        "        if False:\n",
        tests=["test_journal.py::test_an_ended_run_sends_nothing_more_and_an_older_look_settles_nothing"],
    ),
    _one(
        "a ticket may have two open runs",
        JOURNAL,
        "CREATE UNIQUE INDEX one_open_run",
        "CREATE INDEX one_open_run",
        tests=["test_journal.py::test_a_ticket_has_one_open_run_whoever_planned_another_before"],
    ),
    _one(
        "timers are not claimed",
        JOURNAL,
        "for timer_id in sorted(plan.claims):",
        "for timer_id in ():",
        tests=["test_journal.py::test_a_timer_that_is_in_an_open_run_is_in_no_other"],
    ),
    _one(
        "two processes may be at work on one run",
        JOURNAL,
        "                if not is_alone:\n",
        "                if False:\n",
        tests=["test_journal.py::test_one_process_at_a_time_is_at_work_on_a_run"],
    ),
    _one(
        "a changed event is not noticed",
        JOURNAL,
        'if row["hash"] != _hash(',
        'if False and row["hash"] != _hash(',
        tests=_run("the_chain_of_events_shows_a_change"),
    ),
    _one(
        "a journal that was lost is not noticed",
        JOURNAL,
        'is_known = number == 0 or (row is not None and row["hash"] == mark)',
        "is_known, mark, number = True, '', 0",
        tests=["test_journal.py::test_a_journal_that_was_lost_takes_no_new_write_until_a_person_accepts_it"],
    ),
    _one(
        "the settling time begins with the intent",
        JOURNAL,
        '            if state == "unknown":\n',
        "            if False:\n",
        tests=["test_journal.py::test_the_settling_time_is_counted_from_the_end_of_the_request"],
    ),
    _one(
        "an intent that was taken over is sent all the same",
        RUN,
        "if not self._journal.is_intended(run.id, state.seq, attempt):",
        "if False:",
        tests=["test_journal.py::test_an_intent_that_another_process_took_over_is_not_sent"],
    ),
    # ------------------------------------------------------------ what an answer means
    _one(
        "a 5xx counts as refused",
        OUTCOME,
        "if reply.status in DEFINITE:",
        "if reply.status in DEFINITE or reply.status >= 500:",
        cases=r"^line: 503, done at POST /tickets/\*/(add_line_item|comment) 0$",
    ),
    _one(
        "a 408 counts as refused",
        OUTCOME,
        "DEFINITE = frozenset({400,",
        "DEFINITE = frozenset({408, 400,",
        cases=r"^line: 408, done at POST ",
    ),
    _one(
        "a redirect counts as refused",
        OUTCOME,
        "if reply.status in DEFINITE:",
        "if reply.status in DEFINITE or 300 <= reply.status < 400:",
        cases=r"^line: 30\d, done at POST ",
    ),
    _one(
        "a redirect is followed",
        TRANSPORT,
        "follow_redirects=False",
        "follow_redirects=True",
        cases=r"^line: 30\d, (not )?done at POST ",
    ),
    _one(
        "a broken connection counts as not sent",
        TRANSPORT,
        "_NOT_SENT = (httpx.ConnectError,",
        "_NOT_SENT = (httpx.ReadError, httpx.ReadTimeout, httpx.ConnectError,",
        cases=r"^line: (reset|time-out), done at POST ",
    ),
    _one(
        "the client sends once more after a 5xx",
        "service/client.py",
        "        return self._transport.ask(request.method, request.path, body=request.body or None, leaving=leaving)\n",
        "        reply = self._transport.ask(request.method, request.path, body=request.body or None, leaving=leaving)\n"
        "        if reply.status < 500:\n            return reply\n"
        "        return self._transport.ask(request.method, request.path, body=request.body or None, leaving=leaving)\n",
        cases=r"^line: 503, done at POST ",
    ),
    _one(
        "an answer that cannot be read counts as a refusal",
        OUTCOME,
        "    if not reply.is_json or reply.data is None:\n",
        "    if not reply.is_json or reply.data is None:\n        return Refused(reply.status, 'odd', reply)\n    if False:\n",
        cases=r"^line: (a web page|half of the answer), done at POST ",
    ),
    _one(
        "a 429 is not sent again",
        RUN,
        "if result.status != 429 or waits == RATE_WAITS:",
        "if True:",
        tests=_run("a_429_is_waited_out"),
    ),
    _one(
        "a 429 is sent again and again",
        RUN,
        "if result.status != 429 or waits == RATE_WAITS:",
        "if result.status != 429 or waits == 40:",
        tests=_run("a_429_that_does_not_end_is_no_doubt"),
    ),
    _one(
        "an answer may name a record that was there before",
        KINDS,
        'if self.nature == "create" and number in (0, *plan.basis.known(self.table)):',
        "if False:",
        tests=_run("an_answer_that_names_an_older_record_says_nothing_and_a_look_finds_ours"),
    ),
    # ------------------------------------------------------------ in doubt
    _one(
        "an intent that was cut off is sent again",
        RUN,
        'if state.state in ("intent", "unknown"):\n            return self._settle',
        'if state.state == "unknown":\n            return self._settle',
        tests=_run("a_crash_between_intent_and_answer_counts_as_unknown"),
    ),
    Mutant(
        "nobody waits out the settling time",
        (
            Edit("writes/doubt.py", " and elapsed_seconds >= settle_seconds else", " else"),
            Edit(RUN, "            self._wait(state, remaining)\n            state =", "            state ="),
        ),
        cases=r"^line: (time-out, not done|late by 100 s) at POST /tickets/\*/add_line_item 0$",
    ),
    _one(
        "one look is enough",
        "writes/doubt.py",
        'return "absent" if looks > 1 and elapsed_seconds >= settle_seconds else "look again"',
        'return "absent"',
        cases=r"^line: (time-out, not done|late by 100 s) at POST /tickets/\*/add_line_item 0$",
    ),
    _one(
        "after a boot the time that has passed is taken as enough",
        RUN,
        "        if elapsed is None:\n            self._journal.restart_wait(run.id, state.seq)\n        return elapsed or 0.0\n",
        "        return 1e9 if elapsed is None else elapsed\n",
        tests=_run("after_a_reboot_the_settling_time_begins_anew"),
    ),
    _one(
        "two that are ours are no question",
        "writes/doubt.py",
        "if doubts or found > 1:",
        "if doubts:",
        tests=["test_doubt.py::test_a_look_decides"],
    ),
    _one(
        "whoever wrote it, it is ours",
        KINDS,
        "        if row.user_id is None:\n",
        "        if False:\n",
        tests=_run("a_customer_who_quotes_our_reference_is_not_taken_for_us"),
    ),
    _one(
        "the reference counts anywhere in the text",
        KINDS,
        "return reference.last_reference(text) == mark",
        "return mark in text",
        tests=_run("a_reference_whose_line_break_was_lost_is_a_question_and_not_an_absence"),
    ),
    _one(
        "what was there before may be found as ours",
        KINDS,
        "found = [row for row in rows if row.id not in old and any(",
        "found = [row for row in rows if any(",
        tests=_run("on_an_account_without_references_what_was_there_before_is_not_found_as_ours"),
    ),
    _one(
        "what was there before may be adopted",
        RUN,
        "if created and record_id in run.plan.basis.known(kind_of(state).table):",
        "if False:",
        tests=_run("what_was_there_before_the_run_cannot_be_adopted"),
    ),
    _one(
        "the reference is the same in each attempt",
        "writes/reference.py",
        'letters(f"{account}|{ticket_id}|{unit}|{attempt}", 6)',
        'letters(f"{account}|{ticket_id}|{unit}", 6)',
        tests=["test_reference.py::test_each_attempt_has_a_reference_of_its_own"],
    ),
    _one(
        "the reference is the same on every ticket",
        "writes/reference.py",
        'return letters(f"tie|{account}|{ticket_id}|{head}", 4)',
        'return letters(f"tie|{account}|{head}", 4)',
        tests=["test_reference.py::test_it_belongs_to_the_ticket_that_it_was_made_for_and_no_other"],
    ),
    _one(
        "the attempt is not counted up",
        RUN,
        'attempt = state.attempt + (state.state == "absent" and state.sent is not None)',
        "attempt = state.attempt",
        tests=_run("what_is_sent_once_more_carries_a_reference_of_its_own"),
    ),
    _one(
        "only the first comments are looked at",
        "service/client.py",
        'for comment in self._list(Comment, f"/tickets/{ticket_id}/comments", "comments"):',
        'for comment in list(self._list(Comment, f"/tickets/{ticket_id}/comments", "comments"))[:25]:',
        tests=_run("a_comment_that_many_others_followed_is_found_on_a_later_page"),
    ),
    _one(
        "a new invoice is ours whatever is on it",
        KINDS,
        "if checks.lacks_ours(plan.expected, invoice):",
        "if False:",
        tests=_run("an_invoice_without_our_lines_is_a_question"),
    ),
    # ------------------------------------------------------------ a person's word
    _one(
        "what customers see is sent again without asking",
        RUN,
        'if state.state == "absent" and state.step.visible and not by_person and not self._resend_visible:',
        "if False:",
        tests=_run("what_a_customer_sees_is_sent_again_only_by_a_persons_word"),
    ),
    _one(
        "it is sent again although it is there",
        RUN,
        "            if there:\n",
        "            if False:\n",
        tests=_run("a_comment_that_came_after_the_question_is_adopted_and_never_sent_again"),
    ),
    _one(
        "what is written otherwise may be sent again",
        RUN,
        'if created and state.state == "mismatch" and self._look.pull_record(run, state, state.record_id) is not None:',
        "if False:",
        tests=_run("what_lost_its_reference_on_the_way_is_not_sent_again_while_it_is_there"),
    ),
    _one(
        "a run in doubt may be abandoned",
        RUN,
        '        if state.state in ("unknown", "intent"):\n            raise InputError',
        "        if False:\n            raise InputError",
        tests=_run("a_run_in_doubt_is_not_abandoned_before_somebody_has_looked"),
    ),
    # ------------------------------------------------------------ others at work
    _one(
        "a blocked plan is carried out",
        RUN,
        "        if plan.blockers:\n",
        "        if False:\n",
        tests=_run("a_second_bill_of_the_same_ticket_is_blocked"),
    ),
    _one(
        "the ticket is not looked at before the start",
        RUN,
        "            if changes:\n                self._journal.finish",
        "            if False:\n                self._journal.finish",
        tests=_run("a_ticket_that_changed_since_the_preview_stops_the_plan"),
    ),
    Mutant(
        "the run is opened after the look",
        (
            Edit(
                RUN,
                "            self._journal.begin(plan)\n            try",
                "            early = plan.basis.changes(self._look.pull_basis(plan))\n"
                "            self._journal.begin(plan)\n            try",
            ),
            Edit(
                RUN,
                "changes = plan.basis.changes(self._look.pull_basis(plan))\n            except",
                "changes = early\n            except",
            ),
        ),
        cases=r"^(line|timers): another process bills at seam \d ",
    ),
    _one(
        "a run that was cut off does not look what others did",
        RUN,
        "        changes = self._look.pull_drift(run)\n",
        "        changes: list[str] = []\n",
        tests=_run("a_run_that_was_cut_off_does_not_go_on_over_a_colleagues_invoice"),
    ),
    _one(
        "a field is set over what somebody changed",
        RUN,
        'if stand.changed and (stand.record is None or state.detail.get("by") != "person"):',
        "if False:",
        tests=_run("a_status_that_somebody_changed_meanwhile_is_a_persons_decision"),
    ),
    # ------------------------------------------------------------ what is held against what
    _one(
        "the tax is not compared",
        CHECKS,
        "if want.tax_cents is not None and want.total_cents is not None:",
        "if False:",
        tests=_run("amounts_that_add_up_and_are_not_the_planned_ones_are_noticed"),
    ),
    _one(
        "the subtotal is not compared",
        CHECKS,
        "        if planned_cents != present_cents:\n",
        '        if planned_cents != present_cents and name != "subtotal":\n',
        tests=_run("amounts_that_add_up_and_are_not_the_planned_ones_are_noticed"),
    ),
    _one(
        "taxable or not is not compared",
        CHECKS,
        'if got.taxable != body["taxable"]:',
        "if False:",
        cases=r"^no invoice: (taxable (dropped|turned)|ticket_lines\.taxable stored otherwise)",
    ),
    _one(
        "the quantity is not compared",
        CHECKS,
        'if number(got.quantity) != body["quantity"]:',
        "if False:",
        cases=r"^no invoice: (quantity |ticket_lines\.quantity stored otherwise)",
    ),
    _one(
        "the price is not compared",
        CHECKS,
        "    if got.price_cents != want_cents:\n",
        "    if False:\n",
        cases=r"^no invoice: (price_retail |ticket_lines\.retail_cents stored otherwise)",
    ),
    _one(
        "hidden or not is not compared",
        CHECKS,
        '    if got.hidden != sent.body["hidden"]:\n',
        "    if False:\n",
        cases=r"^(line|hidden): (hidden (dropped|turned)|comments\.hidden stored otherwise)",
    ),
    _one(
        "an update's fields are not compared",
        CHECKS,
        "if name in sent.body and not _same_value(sent.body[name], present[name]):",
        "if False:",
        tests=["test_writes.py::test_a_field_that_syncro_drops_is_a_mismatch"],
    ),
    _one(
        "what is stored is not held against what was answered",
        LOOK,
        '            said += [f"{STEP_TITLES[one.step.name].lower()}: {words}" for words in found]\n'
        "        return said\n\n    def pull_stored",
        "        return said\n\n    def pull_stored",
        tests=_run("what_is_stored_otherwise_than_it_was_answered_is_noticed"),
    ),
    _one(
        "nobody looks for a twin",
        LOOK,
        'map(str, twins))}"] if twins else []',
        'map(str, twins))}"] if False else []',
        tests=["test_writes.py::test_a_record_that_was_delivered_twice_is_not_called_verified"],
    ),
    _one(
        "nobody looks for a second customer or payment",
        LOOK,
        'map(str, twins))}"] if twins else doubts',
        'map(str, twins))}"] if False else doubts',
        cases=r"^customer: delivered twice at",
    ),
    _one(
        "a charge's price is compared only by what it comes to",
        CHECKS,
        "if not same or line.price_cents != want.price_cents:",
        "if not same:",
        cases=r"^charge: ticket_lines.retail_cents stored otherwise",
    ),
    Mutant(
        "a run is open before anybody is alone at it",
        (
            Edit(
                RUN,
                "        with self._journal.alone(plan.run):\n            self._journal.begin(plan)\n",
                "        self._journal.begin(plan)\n        with self._journal.alone(plan.run):\n",
            ),
        ),
        cases=r"^line: overtaken at seam",
    ),
    _one(
        "a removal that was cut off asks what others did before it looks",
        RUN,
        'if state.state == "absent" and kind_of(state).nature != "create" and self._is_so(run, state):',
        "if False:",
        tests=["test_writes.py::test_a_deletion_that_was_done_and_not_answered_comes_to_its_end"],
    ),
    _one(
        "a commit for which there was no room stays open",
        "database.py",
        "if connection.in_transaction:",
        "if False:",
        cases=r"^batch: disk full at seam",
    ),
    _one(
        "nobody looks for a second invoice",
        RUN,
        "for row in listed if row.id not in known]",
        "for row in listed if False]",
        cases=r"^line: delivered twice.* at POST /invoices 0",
    ),
    _one(
        "a removal is believed on Syncro's word",
        KINDS,
        'return [] if record is None else [f"it is still there (id {record.id})"]',
        "return []",
        tests=["test_writes.py::test_a_line_that_syncro_says_it_removed_and_did_not_is_seen"],
    ),
    _one(
        "prepaid hours are not counted",
        "writes/bill.py",
        "block = (facts.customer.prepaid_hours or Decimal(0)) > 0",
        "block = False",
        tests=_run("prepaid_hours_are_drawn_and_the_invoice_comes_to_nothing"),
    ),
)
# Of every sort one, quick to catch: what a test run of a few seconds can afford.
DOZEN = (
    "the intent is recorded after the request was sent",
    "the journal does not wait for the disk",
    "a broken connection counts as not sent",
    "a 5xx counts as refused",
    "a redirect is followed",
    "nobody waits out the settling time",
    "one look is enough",
    "the run is opened after the look",
    "taxable or not is not compared",
    "hidden or not is not compared",
    "nobody looks for a second invoice",
    "the client sends once more after a 5xx",
)


@dataclass(frozen=True)
class Result:
    """What became of one mutant. `caught` is the test and what it said, "" if it survived."""

    name: str
    caught: str
    seconds: float


def copy_package(folder: Path) -> Path:
    """A copy of the package in this folder, with what is compiled, which makes it quick to start."""
    return Path(shutil.copytree(PACKAGE, folder / "syncro_nb", ignore=shutil.ignore_patterns("*.tmp")))


def try_mutant(mutant: Mutant, folder: Path) -> Result:
    """Seed it in a fresh copy of the package, and run what should notice it."""
    started = time.monotonic()
    try:
        package = copy_package(folder)
        for edit in mutant.edits:
            edit.apply(package)
        caught = _noticed(mutant, folder)
        return Result(mutant.name, caught, time.monotonic() - started)
    finally:
        shutil.rmtree(folder / "syncro_nb", ignore_errors=True)


def _noticed(mutant: Mutant, folder: Path) -> str:
    if mutant.cases:
        said = _python(folder, _CASES, mutant.cases)
        if said:
            return said
    return _python(folder, _PYTEST, *mutant.tests) if mutant.tests else ""


# Run in the copy: the first case that breaks an invariant, and then the first test that fails, on the last line.
_CHECK = "import sys, pathlib, syncro_nb; assert pathlib.Path(syncro_nb.__file__).is_relative_to(pathlib.Path.cwd());"
_CASES = _CHECK + "from campaign.mutants import first_broken; print('CAUGHT', first_broken(sys.argv[1]), sep='\\n')"
_PYTEST = _CHECK + "from campaign.mutants import first_failed; print('CAUGHT', first_failed(sys.argv[1:]), sep='\\n')"


def _python(folder: Path, program: str, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(TESTS)])}
    command = [sys.executable, "-c", program, *words]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {LONGEST_SECONDS} s"
    _, mark, said = done.stdout.rpartition("CAUGHT\n")
    if not mark:
        raise RuntimeError(f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return said.strip()


def first_broken(pattern: str) -> str:
    """The first case without a second fault whose name fits and that breaks an invariant, with its words; "" if none does."""
    import logging

    from .matrix import EVERY, alone
    from .run import run_case

    logging.getLogger("syncro_nb").setLevel(logging.ERROR)
    found = [one for one in EVERY.values() if re.search(rf"\b{one.name}\b", pattern)]
    count = 0
    for case in itertools.chain.from_iterable(map(alone, found)):
        if not re.search(pattern, case.name):
            continue
        count += 1
        try:
            broken = run_case(case).broken
        except Exception as error:
            if type(error).__name__ in _NOT_A_CATCH:
                raise
            broken = [f"crash: {type(error).__name__}: {error}"]
        if broken:
            return f"{case.name}: {broken[0]}"
    if not count:
        raise ValueError(f"no case is called {pattern}")
    return ""


def first_failed(tests: Sequence[str]) -> str:
    """The first of these tests that fails, with its words; "" if all pass. Raises ValueError if one is not there."""
    import pytest

    class Noting:
        said = ""

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed and not self.said:
                words = str(report.longrepr).strip().splitlines()
                error = next((one[1:].strip() for one in words if one.startswith("E ")), words[-1])
                self.said = f"{report.nodeid.rpartition('/')[2]}: {error}"

    noting = Noting()
    where = [str(TESTS / one) for one in tests]
    config = ["-c", str(TESTS.parent / "pyproject.toml"), "--rootdir", str(TESTS.parent)]
    quiet = ["-x", "-q", "-p", "no:nbval", "-p", "no:cacheprovider", "--no-header", "--tb=short"]
    code = pytest.main([*config, *quiet, *where], plugins=[noting])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise ValueError(f"these tests could not be run ({code!r}): {tests}")
    if any(one in noting.said for one in _NOT_A_CATCH):
        raise ValueError(noting.said)
    return noting.said


def missing_anchors(mutants: Iterable[Mutant] = MUTANTS) -> list[str]:
    """The mutants whose anchors are not in the code any more, or not only once, with the reason."""
    said = []
    with tempfile.TemporaryDirectory() as folder:
        for mutant in mutants:
            for file in {edit.file for edit in mutant.edits}:
                path = Path(folder) / file
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(PACKAGE / file, path)
            try:
                for edit in mutant.edits:
                    edit.apply(Path(folder))
            except (ValueError, SyntaxError) as error:
                said.append(f"{mutant.name}: {error}")
    return said


def named(words: Sequence[str]) -> list[Mutant]:
    """The mutants whose name holds one of these words; all without any."""
    return [one for one in MUTANTS if not words or any(word in one.name for word in words)]


def main() -> int:
    """Try every mutant, and the unchanged code; status 1 if one survives, or a test fails without any."""
    parser = argparse.ArgumentParser(prog="campaign.mutants", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="only the mutants whose name holds one of these")
    parser.add_argument("--unchanged", action="store_true", help="only the unchanged code: every test must pass")
    asked = parser.parse_args()
    mutants, failed = named(asked.only), 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        for said in missing_anchors(mutants):
            print(f"ANCHOR GONE  {said}")
            failed += 1
        if failed:
            return 1
        tests = tuple(dict.fromkeys(test for one in mutants for test in one.tests))
        patterns = "|".join(dict.fromkeys(f"(?:{one.cases})" for one in mutants if one.cases))
        said = try_mutant(Mutant("the unchanged code", (), patterns, tests), Path(folder)).caught
        if said:
            print(f"FAILS WITHOUT ANY MUTANT  {said}", flush=True)
            failed += 1
        results = [] if asked.unchanged else [_told(try_mutant(one, Path(folder))) for one in mutants]
    survived = [one.name for one in results if not one.caught]
    print(f"mutants {len(results)}, caught {len(results) - len(survived)}, survived {len(survived)}")
    print(f"wall time {time.monotonic() - started:.0f} s")
    return int(bool(survived or failed))


def _told(result: Result) -> Result:
    print(f"{'caught  ' if result.caught else 'SURVIVED'}  {result.name}", flush=True)
    if result.caught:
        print(f"          {result.caught[:150]} ({result.seconds:.1f} s)", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
