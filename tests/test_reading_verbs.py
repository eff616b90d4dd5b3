"""The verbs that only look: triage, search, customers, completion; and what a live look costs."""

import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from desk import Desk

from syncro_nb import actions, completion, live, triage
from syncro_nb.cli import Paper
from syncro_nb.config import LABOUR
from syncro_nb.door import Door
from syncro_nb.errors import ConfigError, InputError
from syncro_nb.sandbox import Sandbox
from syncro_nb.verbs import grammar


@pytest.fixture
def desk(tmp_path):
    one = Desk(tmp_path)
    yield one
    one.close()


def run(desk, *words, width=100):
    """What a verb says to a person: its result, and what was said on the way."""
    said = []
    parsed = grammar().parse_args(list(words))
    return actions._ON_ACCOUNT[parsed.verb](desk.ws, parsed, Door(said.append, width=width)), said


def gets(desk):
    return [row["path"] for row in desk.ask("GET", "/_sandbox/log") if row["method"] == "GET"]


def test_triage_shows_the_queue_by_lane_with_the_reasons(desk):
    result, said = run(desk, "triage")
    assert "nothing is kept" in said[0]
    assert result.lines[0] == "breached (16)"
    assert result.lines[1].startswith("  #31942")
    assert "resolution missed 167 days ago" in result.lines[2]
    assert result.lines[-1].startswith("35 open tickets, as of 2026-03-31 16:30 PDT")
    assert all(len(line) <= 100 for line in result.lines[1::2][:10])


def test_the_document_of_triage(desk):
    document = json.loads(json.dumps(run(desk, "triage")[0].document))
    assert document["as_of"].startswith("2026-03-31T16:30")
    rows = document["tickets"]
    assert [row["rank"] for row in rows] == list(range(1, 36))
    assert [triage.LANES.index(row["lane"]) for row in rows] == sorted(triage.LANES.index(row["lane"]) for row in rows)
    assert all(1 <= len(row["why"]) <= 3 for row in rows)
    assert {"number", "lane", "rank", "why", "status", "customer"} <= set(rows[0])


def test_a_live_look_costs_the_pages_of_the_list_and_ten_details(desk):
    before = len(gets(desk))
    result, _ = run(desk, "triage", "--live")
    asked = gets(desk)[before:]
    pages = [path for path in asked if path == "/api/v1/tickets" or path == "/tickets"]
    assert pages
    assert len(asked) - len(pages) <= 10
    assert "27 of 35 tickets were placed without their latest comments" in result.lines[-1]


def test_a_live_look_on_books_that_are_known_reads_only_what_changed(desk):
    known = desk.ws.queue_books()
    desk.clock.sleep(60)
    ticket = desk.ticket().ticket.id
    desk.ask("POST", f"/api/v1/tickets/{ticket}/comment", {"subject": "x", "body": "y"})
    before = len(gets(desk))
    fresh = live.look(known, desk.ws.client, desk.ws.house)
    details = [path for path in gets(desk)[before:] if re.search(r"/tickets/\d+$", path)]
    assert [int(path.rsplit("/", 1)[-1]) for path in details] == [ticket]
    assert set(triage.queue(fresh, desk.ws.house)["details"]) == {"read"}


def test_a_ticket_that_was_resolved_meanwhile_leaves_the_queue(desk):
    known = desk.ws.queue_books()
    number = desk.ticket().ticket.id
    desk.ask("PUT", f"/api/v1/tickets/{number}", {"status": "Resolved"})
    fresh = triage.queue(live.look(known, desk.ws.client, desk.ws.house), desk.ws.house)
    assert 32164 not in fresh["number"].tolist()
    assert len(fresh) == 34


def test_a_ticket_that_vanishes_between_list_and_detail_is_left_out(desk):
    known = desk.ws.queue_books()
    ticket = desk.ticket().ticket.id
    desk.ask("DELETE", f"/api/v1/tickets/{ticket}")
    after = live.with_details(known, desk.ws.client, [ticket])
    assert ticket not in after.table("tickets")["ticket_id"].tolist()


def test_an_empty_desk_is_an_empty_queue(tmp_path):
    desk = Desk(tmp_path)
    desk.ws.house = replace(desk.ws.house, resolved_statuses=frozenset(desk.ws.words.statuses))
    result, _ = run(desk, "triage")
    assert result.document["tickets"] == []
    assert result.lines[-1].startswith("0 open tickets")
    desk.close()


def test_search_finds_by_subject_by_customer_and_by_number(desk):
    subject, customer, number = (
        run(desk, "search", *words)[0] for words in (["mapped", "drive"], ["orchards"], ["32164"])
    )
    assert 32164 in [row["number"] for row in subject.document]
    assert {row["customer"] for row in customer.document} == {"Marrowgate Orchards"}
    assert [row["number"] for row in number.document] == [32164]
    assert subject.document == sorted(subject.document, key=lambda row: -row["number"])


def test_search_that_finds_nothing_says_so(desk):
    result, _ = run(desk, "search", "no such words")
    assert result.document == []
    assert result.lines == ["No ticket has 'no such words' in its subject or its customer's name."]


def test_a_search_ends_and_says_that_there_is_more(desk):
    rows, whole = desk.ws.search_tickets("e", most=5)
    assert (len(rows), whole) == (5, False)


def test_an_empty_search_is_refused(desk):
    with pytest.raises(InputError, match="what to look for"):
        desk.ws.search_tickets("  ")


def test_customers_by_name_with_open_tickets_and_prepaid_hours(desk):
    result, _ = run(desk, "customers", "pinewhistle")
    (row,) = result.document
    assert (row["name"], row["prepaid_hours"]) == ("Pinewhistle Dental Studio", "12.0")
    still_open = [one for one in desk.ws.open_ticket_records() if one.customer_name == row["name"]]
    assert row["open_tickets"] == len(still_open)
    assert "12.0 prepaid hours" in result.lines[0]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "json", "parquet"])
def test_what_is_found_goes_into_a_file_of_every_kind(desk, tmp_path, ending):
    desk.ws.sync()
    for words, key in ((["search", "printer"], "number"), (["customers", "an"], "customer_id"), (["triage"], "number")):
        parsed = grammar().parse_args([*words, "--out", str(tmp_path / f"{words[0]}.{ending}")])
        table = actions.act(parsed, Door(lambda text: None), desk.ws).table
        assert len(table) > 0
        assert key in table
        assert (tmp_path / f"{words[0]}.{ending}").stat().st_size > 100


def test_a_long_status_does_not_push_the_subject_out_of_sight(desk):
    desk.ask("PUT", f"/api/v1/tickets/{desk.ws.ticket(32164).ticket.id}", {"status": "Waiting " * 20})
    assert max(map(len, run(desk)[0].lines)) <= 100


def test_a_table_of_the_mirror_can_be_written_with_pandas_alone(desk, tmp_path):
    desk.ws.sync()
    desk.ws.tickets.to_parquet(tmp_path / "tickets.parquet")
    assert desk.ws.tickets.attrs["as_of"] == "2026-03-31T23:30:00+00:00"


def test_customers_reads_the_details_of_a_few_only(desk):
    before = len(gets(desk))
    found = desk.ws.find_customers("e", most=3)
    details = [path for path in gets(desk)[before:] if re.search(r"/customers/\d+$", path)]
    assert len(details) == 3
    assert len(found) > 3
    assert found[3].open_tickets is None


# ---------------------------------------------------------------- the account's words


def test_the_accounts_words_in_any_spelling(desk):
    words = desk.ws.words
    assert words.status("waiting ON customer") == words.status("waiting-on-cust") == "Waiting on Customer"
    assert words.priority("1") == words.priority("high") == words.priority("1 high") == "1 High"
    assert words.problem_type("network") == "Network"
    assert words.technician("priya") == words.technician("Priya Raman")


@pytest.mark.parametrize(
    ("what", "word", "nearest"),
    [
        ("status", "In Progess", "In Progress"),
        ("priority", "0 Urgend", "0 Urgent"),
        ("problem_type", "Netwrok", "Network"),
        ("technician", "Priya Ramen", "Priya Raman"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest(desk, what, word, nearest):
    with pytest.raises(InputError, match=f"did you mean {nearest}"):
        getattr(desk.ws.words, what)(word)


def test_the_words_are_read_once(desk):
    before = len(gets(desk))
    assert desk.ws.words is desk.ws.words
    assert len(gets(desk)) - before == 2


# ---------------------------------------------------------------- thresholds in syncro.yaml


def house_of(tmp_path, text):
    from syncro_nb import config

    (tmp_path / "syncro.yaml").write_text(text)
    return config.load({"SYNCRO_NB_HOME": str(tmp_path)}, folder=tmp_path).house


def test_thresholds_come_from_the_file(tmp_path):
    limits = house_of(
        tmp_path,
        "triage:\n  targets: {1: {response_hours: 2, resolution_hours: 8.5}, default: {response_hours: 6}}\n"
        "  stale_hours: {0: 4, default: 40}\n  chase_days: 5\n  unassigned_minutes: 30\n"
        "  at_risk: {hours: 2, share: 0.5}\n  impact_words: [frozen till]\n  vip_tags: [gold]\n",
    ).triage
    assert (limits.target_of(1).response_seconds, limits.target_of(1).resolution_seconds) == (7200, 30600)
    assert limits.target_of(3) == limits.target_of(2)
    assert [limits.stale_after(digit) for digit in (0, 1, 2, 3)] == [4, 24, 40, 40]
    assert (limits.chase_days, limits.unassigned_minutes, limits.risk_hours, limits.risk_share) == (5, 30, 2, 0.5)
    assert (limits.impact_words, limits.vip_tags) == (("frozen till",), ("gold",))


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("stael_hours: {0: 4}", "did you mean stale_hours"),
        ("stale_hours: {urgent: 4}", "leading digit"),
        ("stale_hours: {0: soon}", "must be a number"),
        ("stale_hours: {0: -1}", "from 0 to 100000"),
        ("targets: {0: {respond: 1}}", "response_hours"),
        ("at_risk: {share: 25}", "a part of the target"),
        ("impact_words: down", "must be a list"),
    ],
)
def test_a_wrong_threshold_is_named(tmp_path, written, complaint):
    with pytest.raises(ConfigError, match=complaint):
        house_of(tmp_path, f"triage: {{{written}}}")


# ---------------------------------------------------------------- the shell, the screen


SHELLS = {"bash": ["bash", "-c"], "zsh": ["zsh", "-f", "-c"]}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["syncro", "tri"], ["triage"]),
        (["syncro", "runs", "re"], ["resume"]),
        (["syncro", "bill", "32164", "--labor", "re"], ["remote"]),
        (["syncro", "triage", "--l"], ["--live"]),
        (["syncro", "report", "w"], ["wip", "waiting", "write-offs"]),
        (["syncro", "--json", "cust"], ["customers"]),
    ],
)
def test_a_shell_completes(shell, typed, offered):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    program = completion.script(shell, [*LABOUR, "$(touch /tmp/never)"]) + (
        f"\nCOMP_WORDS=({' '.join(typed)}); COMP_CWORD={len(typed) - 1}; _syncro; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run([*SHELLS[shell], program], capture_output=True, text=True, check=True)
    # zsh takes away by itself what does not begin as the word does.
    assert [one for one in done.stdout.split() if shell == "bash" or one.startswith(typed[-1])] == offered
    assert "touch" not in program


class Screen:
    """A terminal of so many columns that keeps what is printed."""

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_colours_are_for_a_terminal_only(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen()
    Paper(screen).print_lines(["breached (1)", "plain"], {0: "bad"})
    assert screen.text == "\x1b[31mbreached (1)\x1b[0m\nplain\n"
    monkeypatch.setenv("NO_COLOR", "1")
    quiet = Screen()
    Paper(quiet).print_lines(["breached (1)"], {0: "bad"})
    assert quiet.text == "breached (1)\n"


def test_a_narrow_terminal_wraps(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen()
    Paper(screen).print_lines(["    resolution target missed 167 days ago · with the customer"], {})
    assert max(map(len, screen.text.split("\n"))) <= 40


def test_hostile_text_reaches_no_terminal(tmp_path):
    desk = Desk(tmp_path, Sandbox())
    ticket = desk.ticket().ticket.id
    desk.ask(
        "PUT",
        f"/api/v1/tickets/{ticket}",
        {"subject": "\x1b[2J<script>x</script>\nforged \u202e", "priority": "\x1b[31m"},
    )
    for words in (["triage"], ["search", "forged"]):
        text = "\n".join(run(desk, *words)[0].lines)
        assert "<script>" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert not any(line.startswith("forged") for line in text.split("\n"))
    desk.close()
