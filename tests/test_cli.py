"""The terminal door as a separate program, against the sandbox on a real socket: output, documents, exit statuses."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from datetime import datetime, timedelta

import openpyxl
import pytest

from syncro_nb import __version__, config, verbs
from syncro_nb.sandbox import Sandbox, serve

KEY = "canary-7f3e9b21-do-not-show"
BILL = ("bill", "32164", "--minutes", "30", "--labor", "remote", "--text", "Cleared the queue")


@pytest.fixture
def server():
    with serve(Sandbox(key=KEY)) as running:
        yield running


PROGRAM = (sys.executable, "-m", "syncro_nb")
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals and devices of this kind")


@pytest.fixture
def around(server, tmp_path):
    """The environment of a command on the account that the server serves."""
    settings = {
        "SYNCRO_NB_URL": server.url,
        "SYNCRO_NB_API_KEY": KEY,
        "SYNCRO_NB_HOME": str(tmp_path / "home"),
        "SYNCRO_NB_SETTLE": "0.2",
        "SYNCRO_NB_TIMEOUT": "5",
        "SYNCRO_NB_LOG": "debug",
        "PYTHONIOENCODING": "utf-8",
    }
    return {**os.environ, **settings}


@pytest.fixture
def syncro(around):
    def run(*words, stdin=subprocess.DEVNULL, **environment):
        done = subprocess.run(
            [*PROGRAM, *words],
            env={**around, **environment},
            stdin=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
        )
        assert KEY not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def control(server, method, path, body=None):
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url.removesuffix("/api/v1") + path, content, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.loads(answer.read())


def writes(server):
    return [row for row in control(server, "GET", "/_sandbox/log") if row["method"] != "GET"]


def complaint(done):
    """The one line that says what is wrong; log lines apart."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("syncro: ")]
    assert len(lines) == 1
    return lines[0]


def test_the_open_tickets_newest_first(syncro):
    done = syncro()
    assert done.returncode == 0
    numbers = [int(line.split()[0].removeprefix("#")) for line in done.stdout.splitlines()]
    assert numbers == sorted(numbers, reverse=True)
    assert any(line.startswith("#32164  In Progress") for line in done.stdout.splitlines())
    assert [row["number"] for row in json.loads(syncro("--json").stdout)] == numbers


def test_a_table_goes_to_a_file_and_never_over_one_in_silence(syncro, tmp_path):
    place = tmp_path / "open.csv"
    done = syncro("--out", str(place))
    assert done.returncode == 0
    assert f"rows written to {place}" in done.stdout
    rows = place.read_text("utf-8-sig").splitlines()
    assert rows[0].startswith("number,status,customer,subject")
    assert len(rows) - 1 == len(json.loads(syncro("--json").stdout))
    place.write_text("mine")
    again = syncro("--out", str(place))
    assert again.returncode == 2
    assert "open (2).csv is free" in complaint(again)
    assert place.read_text() == "mine"
    document = syncro("--out", str(place), "--yes", "--json")
    assert json.loads(document.stdout)[0]["number"]
    assert "it replaced the file that was there" in document.stderr


def test_a_file_that_cannot_be_is_one_line_and_nothing_is_read_or_left(syncro, server, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("")
    for name, said in (
        ("x" * 300 + ".csv", "at most 255 bytes"),
        ("x" * 300 + "/a.csv", "too long"),
        ("folder.csv", "is a folder"),
        ("file/a.csv", "there is no folder"),
        ("CON.xlsx", "device"),
        ("a:b.csv", "Windows allows no :"),
        ("a\nb.csv", "line breaks"),
    ):
        done = syncro("--out", str(tmp_path / name))
        assert (done.returncode, done.stdout) == (2, "")
        assert said in complaint(done)
    assert "which file?" in complaint(syncro("--out", ""))
    assert control(server, "GET", "/_sandbox/log") == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder.csv"]


def test_the_journal_goes_to_a_file_too(syncro, tmp_path):
    assert syncro(*BILL, "--yes").returncode == 0
    assert syncro("runs", "--out", str(tmp_path / "runs.csv")).returncode == 0
    assert ",32164,bill,done," in (tmp_path / "runs.csv").read_text("utf-8-sig")


def test_a_file_for_what_is_no_table_is_refused_before_anything_is_sent(syncro, server, tmp_path):
    for words in ((*BILL, "--yes", "--out", str(tmp_path / "a.csv")), ("--out", str(tmp_path / "a.doc"))):
        done = syncro(*words)
        assert done.returncode == 2
        assert "--out is for the verbs" in complaint(done) or "the ending must be one of" in complaint(done)
    assert control(server, "GET", "/_sandbox/log") == []
    assert list(tmp_path.glob("a.*")) == []


def test_one_ticket(syncro):
    done = syncro("ticket", "32164")
    for word in (
        "#32164",
        "Status",
        "Priority",
        "Customer",
        "Technician",
        "Created",
        "Due",
        "Updated",
        "Billing",
        "Charges",
    ):
        assert word in done.stdout
    document = json.loads(syncro("ticket", "32164", "--json").stdout)
    assert document["number"] == 32164
    assert len(document["comments"]) <= 5


def test_a_report_reads_first_what_it_needs_and_says_so_on_stderr(syncro):
    done = syncro("report", "recurring", SYNCRO_NB_RATE="1000/1")
    assert done.returncode == 0
    assert "Nothing was read from Syncro yet" in done.stderr
    assert done.stdout.startswith("Recurring invoices: ")
    assert json.loads(syncro("report", "recurring", "--json").stdout)["report"] == "recurring"


def test_a_dry_run_shows_everything_and_sends_nothing(syncro, server):
    done = syncro(*BILL, "--dry-run", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["ticket"] == 32164
    assert [request["method"] for request in document["requests"]] == ["POST", "POST", "POST", "PUT"]
    assert document["expected"] == {"subtotal_cents": 7500, "tax_cents": 653, "total_cents": 8153, "prepaid_hours": 0.0}
    assert document["blockers"] == []
    assert writes(server) == []


def test_a_bill_sends_what_the_preview_showed(syncro, server):
    shown = json.loads(syncro(*BILL, "--dry-run", "--json").stdout)["requests"]
    done = syncro(*BILL, "--yes", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["verified"] is True
    assert document["invoice"]["total_cents"] == 8153
    assert document["next"] is None
    assert [one["step"] for one in document["steps"]] == ["comment", "line_item", "invoice", "verify", "status"]
    assert [(row["method"], row["path"]) for row in writes(server)] == [(one["method"], one["path"]) for one in shown]
    assert "POST /invoices" in done.stderr  # the preview
    (listed,) = json.loads(syncro("runs", "--json").stdout)
    assert listed.items() >= document.items()
    assert (listed["state"], listed["kind"]) == ("done", "bill")
    assert datetime.fromisoformat(listed["started_at"]).tzinfo


def test_without_a_terminal_and_without_yes_nothing_is_sent(syncro, server):
    done = syncro(*BILL)
    assert done.returncode == 2
    assert "--yes" in complaint(done)
    assert "POST /invoices" in done.stdout
    assert writes(server) == []


def test_a_blocker_is_no_question_of_yes(syncro, server):
    assert syncro(*BILL, "--yes").returncode == 0
    sent = len(writes(server))
    done = syncro(*BILL, "--yes", "--json")
    assert done.returncode == 2
    assert any("already invoiced" in blocker for blocker in json.loads(done.stdout)["blockers"])
    assert len(writes(server)) == sent


def test_a_write_in_doubt_leaves_with_5_and_resume_settles_it(syncro, server):
    fault = {"match": "POST /tickets/*/add_line_item", "kind": "drop_after"}
    control(server, "POST", "/_sandbox/faults", [fault])
    done = syncro(*BILL, "--yes", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["next"], document["verified"]) == (5, "resume", False)
    resumed = syncro("runs", "resume", document["run"], "--json")
    assert resumed.returncode == 0
    assert json.loads(resumed.stdout)["verified"] is True
    assert len([row for row in writes(server) if row["path"].endswith("add_line_item")]) == 1


def test_a_person_decides_by_typing_the_ticket_number(syncro, server):
    control(server, "POST", "/_sandbox/faults", [{"match": "POST /invoices", "kind": "drop_before"}])
    run = json.loads(syncro(*BILL, "--yes", "--json").stdout)["run"]
    asked = syncro("runs", "resume", run, "--json")
    assert asked.returncode == 5
    assert json.loads(asked.stdout)["ask"]["step"] == "invoice"
    assert syncro("runs", "decide", run, "--resend", "--ticket", "1").returncode == 2
    assert syncro("runs", "decide", run, "--ticket", "32164").returncode == 2
    assert syncro("runs", "decide", run, "--resend", "--ticket", "32164").returncode == 0


def test_what_was_written_but_differs_leaves_with_6(syncro, server):
    fault = {"match": "POST /tickets/*/add_line_item", "kind": "drop_fields", "fields": ["price_retail"]}
    control(server, "POST", "/_sandbox/faults", [fault])
    done = syncro(*BILL, "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["next"]) == (6, "decide")
    assert "price is $0.00, not $150.00" in done.stderr


def test_what_syncro_refuses_leaves_with_3_and_its_words(syncro, server):
    control(server, "POST", "/_sandbox/faults", [{"match": "POST /tickets/*/comment", "kind": "status", "status": 422}])
    done = syncro(*BILL, "--yes")
    assert done.returncode == 3
    assert "Nothing was written" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ticket", "99999"), "there is no ticket 99999"),
        (("ticket", "abc"), "whole number"),
        (("bill", "32164", "--minutes", "0", "--labor", "remote", "--text", "x"), "minutes must be from 1"),
        (("bill", "32164", "--minutes", "-5", "--labor", "remote", "--text", "x"), "minutes must be from 1"),
        (("bill", "32164", "--minutes", "1e9", "--labor", "remote", "--text", "x"), "whole number"),
        (("bill", "32164", "--minutes", "30", "--labor", "remot", "--text", "x"), "did you mean remote"),
        (("bill", "32164", "--minutes", "30", "--labor", "remote", "--text", " "), "what was done"),
        (("bill", "32164"), "how many minutes?"),
        (("bill", "99999", "--minutes", "30", "--labor", "remote", "--text", "x", "--yes"), "no ticket 99999"),
        (("runs", "show", "R1"), "there is no run"),
        (("runs", "resume", "../../x"), "there is no run"),
        (("nonsense",), "invalid choice"),
        (("--profile", "nobody"), "no profile 'nobody'"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(syncro, server, words, said):
    done = syncro(*words)
    assert done.returncode == 2
    assert said in complaint(done)
    assert writes(server) == []


def test_a_wrong_key_leaves_with_3(syncro):
    done = syncro(SYNCRO_NB_API_KEY="another-key-that-is-wrong")
    assert done.returncode == 3
    assert "does not accept the API key" in complaint(done)
    assert "another-key" not in done.stderr


def test_no_key_leaves_with_2(syncro):
    assert "no API key" in complaint(syncro(SYNCRO_NB_API_KEY=""))


def test_nobody_there_leaves_with_4(syncro):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = syncro(SYNCRO_NB_URL=f"http://127.0.0.1:{taken.getsockname()[1]}/api/v1")
    assert done.returncode == 4
    assert "cannot connect" in complaint(done)


@pytest.mark.parametrize("status", [200, 302, 404])
def test_something_else_at_the_address_leaves_with_4(syncro, status):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        done = syncro(SYNCRO_NB_URL=f"http://127.0.0.1:{other.server_port}/api/v1")
        other.shutdown()
    assert done.returncode == 4
    assert "Syncro's" in complaint(done)


def test_broken_yaml_leaves_with_2_and_the_line(syncro, tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text("profiles:\n  main: [")
    done = syncro(SYNCRO_NB_CONFIG=str(path))
    assert done.returncode == 2
    assert "not valid YAML: line 2" in complaint(done)


def test_doctor_says_what_answers_and_never_the_key(syncro):
    done = syncro("doctor")
    assert done.returncode == 0
    assert "Labor - Remote, $150.00 an hour" in done.stdout
    assert syncro("doctor", SYNCRO_NB_API_KEY="another-key-that-is-wrong").returncode == 3


def test_the_sandbox_of_the_first_day_keeps_what_was_done(syncro):
    alone = {"SYNCRO_NB_URL": "", "SYNCRO_NB_API_KEY": ""}
    assert syncro(*BILL, "--yes", **alone).returncode == 0
    assert "invoice" in syncro("ticket", "32164", **alone).stdout
    assert "already invoiced" in syncro(*BILL, "--dry-run", **alone).stdout


def test_nothing_on_the_disk_holds_the_key(syncro, tmp_path):
    syncro(*BILL, "--yes")
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert files
    assert all(KEY.encode() not in path.read_bytes() for path in files)


def test_a_reader_that_goes_away_does_not_stop_a_bill(syncro, server, around):
    # Each step takes a while, so that the reader has gone before the first of them.
    control(
        server, "POST", "/_sandbox/faults", [{"match": "GET /tickets/*", "kind": "delay", "seconds": 0.2, "times": 20}]
    )
    with subprocess.Popen(
        [*PROGRAM, *BILL, "--yes"],
        env={**around, "SYNCRO_NB_LOG": "warning"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout.readline().startswith(b"Ticket #32164")
        child.stdout.close()
        said = child.stderr.read()
    assert (child.returncode, said) == (0, b"")
    (run,) = json.loads(syncro("runs", "--json").stdout)
    assert run["verified"] is True


def test_a_bill_in_doubt_says_so_by_its_status_also_without_a_reader(server, around):
    control(server, "POST", "/_sandbox/faults", [{"match": "POST /tickets/*/comment", "kind": "drop_after"}])
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*PROGRAM, *BILL, "--yes"], env=around, stdin=subprocess.DEVNULL, stdout=writing, timeout=60)
    os.close(writing)
    assert done.returncode == 5


def test_a_reading_verb_ends_quietly_when_its_reader_has_gone(around):
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**around, "SYNCRO_NB_LOG": "warning"}
    done = subprocess.run([*PROGRAM], env=environment, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@on_posix
def test_a_full_disk_stops_no_bill_and_is_no_success_of_a_reading_verb(syncro, around):
    def on_a_full_disk(*words):
        with open("/dev/full", "w") as full:
            command = [*PROGRAM, *words]
            done = subprocess.run(
                command,
                env=around,
                stdin=subprocess.DEVNULL,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
            )
        assert "Traceback" not in done.stderr
        assert "No space left" in complaint(done)
        return done.returncode

    assert on_a_full_disk(*BILL, "--yes") == 0
    assert json.loads(syncro("runs", "--json").stdout)[0]["verified"] is True
    assert on_a_full_disk("ticket", "32164") == 2


class AtATerminal:
    """A command whose input, output and errors are a terminal of 60 columns."""

    def __init__(self, environment, *words):
        import pty

        self._ours, theirs = pty.openpty()
        self.child = subprocess.Popen(
            [*PROGRAM, *words],
            env={**environment, "SYNCRO_NB_LOG": "warning", "COLUMNS": "60"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.said = ""

    def read_until(self, words=None):
        """Reads until these words, or to the end."""
        while words is None or words not in self.said:
            try:
                content = os.read(self._ours, 4096)
            except OSError:  # how Linux reports the end
                content = b""
            if not content:
                break
            self.said += content.decode().replace("\r\n", "\n")
        assert words is None or words in self.said
        return self.said

    def type(self, content):
        os.write(self._ours, content)

    def end(self):
        said = self.read_until()
        os.close(self._ours)
        assert "Traceback" not in said
        return self.child.wait(60)


PROMPT = "Bill $81.53 on ticket 32164 (Hobnail Machine Works)? Type yes: "


@on_posix
@pytest.mark.parametrize(
    ("typed", "status"), [(b"yes\n", 0), (b" YES \n", 0), (b"y\n", 2), (b"\n", 2), (b"yes please\n", 2)]
)
def test_the_question_names_amount_ticket_and_customer_and_only_yes_is_yes(server, around, typed, status):
    terminal = AtATerminal(around, *BILL)
    terminal.read_until(PROMPT)
    assert writes(server) == []
    terminal.type(typed)
    assert terminal.end() == status
    assert bool(writes(server)) == (status == 0)
    assert ("nothing was written" in terminal.said) == (status == 2)


@on_posix
@pytest.mark.parametrize(("key", "status"), [(b"\x04", 2), (b"\x03", 130)], ids=["Ctrl-D", "Ctrl-C"])
def test_leaving_the_question_writes_nothing_and_says_so(server, around, key, status):
    terminal = AtATerminal(around, *BILL)
    terminal.read_until(PROMPT)
    if key == b"\x03":
        terminal.child.send_signal(2)  # the terminal is not the child's own, so its keys send no signals
    else:
        terminal.type(key)
    assert terminal.end() == status
    assert "nothing was written" in terminal.said
    assert writes(server) == []


@on_posix
def test_a_preview_that_nobody_saw_cannot_be_confirmed(server, around):
    import pty

    ours, theirs = pty.openpty()
    os.write(ours, b"yes\n")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, *BILL], env=around, stdin=theirs, stdout=full, stderr=subprocess.PIPE, text=True
        )
    os.close(ours), os.close(theirs)
    assert done.returncode == 2
    assert "nobody has seen the preview" in complaint(done)
    assert writes(server) == []


@on_posix
def test_on_a_narrow_terminal_lines_are_wrapped_and_in_a_pipe_they_are_whole(syncro, around):
    whole = max(syncro("ticket", "32182").stdout.splitlines(), key=len)
    assert len(whole) > 60
    terminal = AtATerminal(around, "ticket", "32182")
    assert terminal.end() == 0
    assert max(len(line) for line in terminal.said.splitlines()) <= 60
    assert " ".join(whole.split()) in " ".join(terminal.said.split())


@on_posix
@pytest.mark.parametrize(
    ("words", "changed", "is_paged"),
    [
        ([], {}, True),
        (["ticket", "32182"], {}, False),
        ([], {"TERM": "dumb"}, False),
        ([], {"PAGER": ""}, False),
    ],
)
def test_a_list_longer_than_the_terminal_goes_through_the_pager(around, tmp_path, words, changed, is_paged):
    pager = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\").write(sys.stdin.read())' {tmp_path / 'paged'}"
    terminal = AtATerminal({**around, "TERM": "xterm", "PAGER": pager, **changed}, *words)
    assert terminal.end() == 0
    assert (terminal.said.count("\n") > 24) is not is_paged
    assert (tmp_path / "paged").exists() is is_paged


def test_a_dry_run_says_at_its_end_that_nothing_was_sent(syncro):
    assert syncro(*BILL, "--dry-run").stdout.endswith("\nNothing was sent (--dry-run).\n")


def test_a_dry_run_needs_no_data_folder_and_says_what_it_does_not_know(syncro, server, tmp_path):
    (tmp_path / "file").write_text("")
    home = {"SYNCRO_NB_HOME": str(tmp_path / "file" / "home")}
    done = syncro(*BILL, "--dry-run", **home)
    assert done.returncode == 0
    assert "Note: the data folder" in done.stdout
    assert "whether a run is open on the ticket is not known" in done.stdout
    refused = syncro(*BILL, "--yes", **home)
    assert refused.returncode == 2
    assert "cannot keep data" in complaint(refused)
    assert writes(server) == []


def test_a_dry_run_of_a_decision_says_what_it_would_do(syncro, server):
    control(server, "POST", "/_sandbox/faults", [{"match": "POST /invoices", "kind": "drop_before"}])
    run = json.loads(syncro(*BILL, "--yes", "--json").stdout)["run"]
    words = ("runs", "decide", run, "--ticket", "32164", "--dry-run")
    assert "runs resume" in complaint(syncro(*words, "--resend"))
    assert syncro("runs", "resume", run).returncode == 5
    sent = len(writes(server))
    assert "It would send the invoice once more (POST /invoices)" in syncro(*words, "--resend").stdout
    assert "It would take record 7 as the invoice" in syncro(*words, "--adopt", "7").stdout
    ended = syncro(*words, "--abandon", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["next"]) == (0, "decide")
    assert "It would end run" in json.loads(ended.stdout)["would"]
    assert "another ticket" in complaint(syncro(*words[:3], "--ticket", "1", "--dry-run", "--resend"))
    assert len(writes(server)) == sent


def test_the_help_offers_dry_run_and_yes_where_something_is_written(syncro):
    for words in (("bill",), ("runs", "resume"), ("runs", "decide")):
        assert "--dry-run" in syncro(*words, "--help").stdout
        assert "--yes" in syncro(*words, "--help").stdout
    for words in ((), ("ticket",), ("runs",), ("runs", "show"), ("lab",), ("doctor",)):
        assert "--dry-run" not in syncro(*words, "--help").stdout
    assert "JupyterLab on the notebooks" in syncro("lab", "--help").stdout


def test_the_help_lists_every_usual_labour_kind():
    assert verbs.KINDS.split(", ") == list(config.LABOUR)


def test_it_tells_its_version(syncro):
    assert syncro("--version").stdout == f"syncro_nb {__version__}\n"


# ---------------------------------------------------------------- the other verbs that write


def test_a_ticket_is_made_changed_talked_about_timed_and_closed_from_the_terminal(syncro, server):
    customer = json.loads(syncro("--json").stdout)[0]["customer"]
    made = syncro(
        "create",
        customer,
        "The scanner is dark",
        "--text",
        "Power light is off",
        "--priority",
        "high",
        "--yes",
        "--json",
    )
    assert made.returncode == 0, made.stderr
    number = str(json.loads(made.stdout)["ticket"])
    for words in (
        ("update", number, "In Progress", "--tech", "dana", "--due", "2026-12-01"),
        ("update", number, "--start", "2026-12-01 09:30", "--end", "2026-12-01T11:00"),
        ("comment", number, "On my way", "--no-email"),
        ("timer", number, "add", "--minutes", "20", "--labor", "onsite", "--text", "Swapped the lamp"),
        ("timer", number, "start"),
        ("timer", number, "stop"),
        ("close", number, "--text", "The lamp was dead"),
    ):
        done = syncro(*words, "--yes", "--json")
        assert done.returncode == 0, (words, done.stderr)
        assert json.loads(done.stdout)["verified"] is True
    shown = json.loads(syncro("ticket", number, "--json").stdout)
    assert (shown["status"], shown["priority"]) == ("Resolved", "1 High")
    assert datetime.fromisoformat(shown["end_at"]) - datetime.fromisoformat(shown["start_at"]) == timedelta(minutes=90)


@pytest.mark.parametrize(
    "words",
    [
        ("comment", "32164", "Hello"),
        ("update", "32164", "Scheduled"),
        ("close", "32164"),
        ("timer", "32164", "start"),
    ],
)
def test_a_verb_that_writes_sends_nothing_without_a_word(syncro, words):
    assert syncro(*words).returncode == 2
    dry = syncro(*words, "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    assert json.loads(dry.stdout)["ticket"] == 32164
    assert json.loads(syncro("runs", "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("update", "32164", "Dnoe"), "no status"),
        (("update", "32164", "New", "--due", "tomorrow"), "must be a day"),
        (("update", "32164", "--start", "tomorrow"), "must be a day and a time"),
        (("update", "32164", "--end", "2026-12-01"), "must be a day and a time"),
        (("update", "32164"), "what is to change"),
        (("comment", "32164", " "), "what is the comment"),
        (("create", "Nobody & Sons", "Hello"), "no customer called"),
        (("timer", "32164", "charge", "1"), "not on this ticket"),
        (("timer", "32164"), "VERB"),
        (("comment", "1", "Hello"), "no ticket 1"),
    ],
)
def test_what_is_wrong_with_a_write_is_said_in_one_line(syncro, words, said):
    done = syncro(*words, "--yes")
    assert done.returncode == 2
    assert said in done.stdout + done.stderr


def test_unbilled_reads_what_it_needs_first_then_answers_from_the_mirror(syncro, tmp_path):
    alone = {"SYNCRO_NB_URL": "", "SYNCRO_NB_API_KEY": ""}
    first = syncro("unbilled", **alone)
    assert first.returncode == 0
    assert first.stderr.count("Nothing was read from Syncro yet") == 1
    assert first.stdout.startswith("Unbilled as of 20")
    assert "Incomplete: these figures are not the whole" in first.stdout
    assert "tickets: their details were never read" in first.stdout
    second = syncro("unbilled", "--json", **alone)
    document = json.loads(second.stdout)
    assert "Nothing was read" not in second.stderr
    assert set(document) == {"as_of", "totals", "rows", "without_time", "problems", "incomplete"}
    assert sum(row["amount_cents"] for row in document["rows"]) == document["totals"]["amount_cents"]
    book = tmp_path / "unbilled.xlsx"
    assert f"{len(document['rows'])} rows written to" in syncro("unbilled", "--out", str(book), **alone).stdout
    workbook = openpyxl.load_workbook(book)
    assert workbook.sheetnames[:2] == ["Unbilled", "Customers"]
    assert workbook["Unbilled"].max_row == len(document["rows"]) + 1
    (damaged,) = (tmp_path / "home").rglob("timers-*.parquet")
    damaged.write_bytes(damaged.read_bytes()[:-50])
    broken = syncro("unbilled", **alone)
    assert broken.returncode == 2
    assert "timers cannot be read" in complaint(broken)
    assert broken.stdout == ""
