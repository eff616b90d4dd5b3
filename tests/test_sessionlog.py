"""The session log: what it says, and that no name of any customer puts it anywhere else or over anything."""

import os
import re
import sys
import unicodedata
from datetime import date
from pathlib import Path, PureWindowsPath

import pytest
from desk import Desk
from hypothesis import given
from hypothesis import strategies as st

from syncro_nb import config, sessionlog
from syncro_nb.actions import _ON_ACCOUNT
from syncro_nb.door import Door
from syncro_nb.errors import ConfigError, InputError
from syncro_nb.escape import name_trouble
from syncro_nb.sessionlog import path_of, render, safe_name, slug, write
from syncro_nb.verbs import grammar
from syncro_nb.writes.timer import TimerDraft

DAY = date(2026, 3, 31)
HOSTILE = [
    "",
    ".",
    "..",
    "../../etc/passwd",
    "..\\..\\Windows",
    "/etc/cron.d",
    "C:\\Windows\\System32",
    "\\\\server\\share",
    "CON",
    "con.txt",
    "Aux ",
    "LPT1.log",
    "COM¹",
    "nul.",
    "trailing dots...",
    "trailing blanks   ",
    "a" * 300,
    "漢" * 300,
    "e\u0301" * 200,
    "👩‍👩‍👧‍👦" * 100,
    "\u202egnp.exe",
    "zero\u200bwidth",
    "line\nbreak\r\ntab\t",
    "nul\x00byte",
    "\ud800 half a pair",
    "<script>alert(1)</script>",
    "a:b|c?d*e",
    "-rf ~",
    "$(touch /tmp/never)",
    "   ",
    "....",
    "///",
]


@pytest.fixture
def desk(tmp_path):
    one = Desk(tmp_path)
    yield one
    one.close()


def is_safe(name):
    """A single name that Windows, macOS and Linux take as it is."""
    return (
        name not in ("", ".", "..")
        and not set(name) & set('<>:"/\\|?*')
        and not any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in name)
        and name == name.strip()
        and not name.endswith(".")
        and not PureWindowsPath(name).is_reserved()
        and len(name.encode()) <= 180
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_a_plain_one(name):
    assert is_safe(safe_name(name, "no customer"))
    assert is_safe(f"2026-03-31-32164-{slug(name)}.md")
    assert name_trouble(safe_name(name, "no customer")) == ""


@given(st.text(max_size=400))
def test_any_name_becomes_a_plain_one(name):
    made = safe_name(name, "no customer")
    assert is_safe(made)
    assert name_trouble(made) == ""
    assert len(made) <= sessionlog.LONGEST_NAME
    assert safe_name(made, "no customer") == made
    assert re.fullmatch(r"[^\W_]+(-[^\W_]+)*", slug(name))


def test_a_plain_name_stays_as_it_is():
    for name in ("Bluefinch Freight", "Gristle & Thyme", "Müller, Söhne GmbH", "株式会社"):
        assert safe_name(name, "") == name
    assert slug("Shop floor: computer LOSES the drive!") == "shop-floor-computer-loses-the-drive"


@given(
    st.text(max_size=300), st.text(max_size=300), st.sampled_from(["/srv/clients", "/srv/" + "deep/" * 25 + "clients"])
)
def test_a_path_stays_below_its_folder_and_within_what_windows_takes(customer, subject, folder):
    path = path_of(Path(folder), customer, 32164, subject, DAY)
    assert path.parent.parent.parent == Path(folder)
    assert path.parent.name == "session-logs"
    assert path.name.startswith("2026-03-31-32164-")
    assert len(str(path)) <= 250


def test_a_log_is_where_it_belongs_and_the_next_one_beside_it(desk, tmp_path):
    view = desk.ticket()
    first, second, third = (write(view, tmp_path / "clients", DAY) for _ in range(3))
    name = f"2026-03-31-32164-{slug(view.ticket.subject)}.md"
    assert first == tmp_path / "clients" / view.ticket.customer_name / "session-logs" / name
    assert second.name == first.name.replace(".md", "-2.md")
    assert third.name == first.name.replace(".md", "-3.md")
    assert first.read_text("utf-8") == second.read_text("utf-8")


def test_a_log_that_is_there_is_never_written_over(desk, tmp_path):
    path = write(desk.ticket(), tmp_path / "clients", DAY)
    path.write_text("mine")
    write(desk.ticket(), tmp_path / "clients", DAY)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", HOSTILE)
def test_the_log_of_a_hostile_customer_stays_inside(desk, tmp_path, name):
    view = desk.ticket()
    changed = type(view)(
        type(view.ticket)(**{**vars(view.ticket), "customer_name": name, "subject": name}), view.row, (), view.labour
    )
    path = write(changed, tmp_path / "clients", DAY)
    assert path.resolve().is_relative_to((tmp_path / "clients").resolve())
    assert path.is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission there")
def test_a_link_that_leads_out_of_the_folder_is_not_followed(desk, tmp_path):
    outside, clients = tmp_path / "outside", tmp_path / "clients"
    outside.mkdir()
    clients.mkdir()
    (clients / safe_name(desk.ticket().ticket.customer_name, "")).symlink_to(outside)
    with pytest.raises(InputError, match="leads out of"):
        write(desk.ticket(), clients, DAY)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(desk, tmp_path):
    (tmp_path / "clients").mkdir(mode=0o500)
    with pytest.raises(InputError, match="not written"):
        write(desk.ticket(), tmp_path / "clients", DAY)


def test_a_file_in_the_way_is_said(desk, tmp_path):
    (tmp_path / "clients").write_text("")
    with pytest.raises(InputError, match="not written"):
        write(desk.ticket(), tmp_path / "clients", DAY)


# ---------------------------------------------------------------- what it says


def test_the_log_says_what_whose_when_and_what_it_cost(desk):
    desk.bill()
    view, zone = desk.ticket(), desk.ws.zone
    text = render(view, zone=zone)
    assert text.startswith("# Ticket 32164: Shop floor computer loses the mapped drive\n")
    for part in (
        f"- **Customer:** {view.ticket.customer_name}",
        "- **Technician:** ",
        "- **Created:** 2026-03-23 09:42",
        "## Resolution\n\n```text\nCleared the print queue\n```",
        "0.5 × $150.00 = $75.00, invoiced",
        f"- {view.invoices[0].number}: $81.53, not paid",
    ):
        assert part in text
    assert "SNB-" not in text


def test_a_timer_of_a_few_seconds_has_no_long_fraction_and_no_reference(desk):
    desk.ws.apply(desk.ws.plan(TimerDraft(32164, "start", labour="remote", text="Looked")), confirm=32164)
    desk.clock.sleep(4)
    desk.ws.apply(desk.ws.plan(TimerDraft(32164, "stop")), confirm=32164)
    (written,) = [one for one in render(desk.ticket()).splitlines() if one.endswith("Looked")]
    assert ": 0.1 min, remote, not charged. Looked" in written


def test_what_is_not_billed_yet_is_said(desk):
    ticket = desk.ticket().ticket
    desk.ask(
        "POST",
        f"/api/v1/tickets/{ticket.id}/add_line_item",
        {"name": "Cable", "description": "x", "price_retail": 9.99},
    )
    assert "Not billed yet: 1 charge(s) not invoiced" in render(desk.ticket())


def test_hidden_comments_are_marked_and_make_the_log_internal(desk):
    ticket = desk.ticket().ticket
    assert "Internal" not in render(desk.ticket(), hidden=False)
    desk.ask(
        "POST", f"/api/v1/tickets/{ticket.id}/comment", {"subject": "Note", "body": "door code 4711", "hidden": True}
    )
    text = render(desk.ticket())
    assert text.split("\n\n")[1].startswith("**Internal")
    assert "(hidden, internal)" in text
    assert "4711" in text
    assert "4711" not in render(desk.ticket(), hidden=False)
    assert "Internal" not in render(desk.ticket(), hidden=False)


def test_a_hidden_comment_is_never_the_resolution(desk):
    ticket = desk.ticket().ticket
    desk.ask("POST", f"/api/v1/tickets/{ticket.id}/comment", {"subject": "Note", "body": "secret", "hidden": True})
    assert "secret" not in render(desk.ticket(), hidden=False)


@given(st.text(max_size=80), st.integers(0, 12))
def test_no_text_of_others_leaves_its_block(text, ticks):
    body = f"{'`' * ticks}\n# forged\n{text}\n~~~\n<script>x</script>"
    block = sessionlog._block(body)
    fence = block.split("text\n")[0]
    assert set(fence) == {"`"}
    assert block.endswith(f"\n{fence}")
    assert f"{fence}" not in block[len(fence) : -len(fence)]


@given(st.text(max_size=80))
def test_a_line_of_others_is_one_line_without_markup(text):
    said = sessionlog._plain(text)
    assert "\n" not in said
    assert not re.search(r"(?<!\\)(\\\\)*[<>*_`\[\]#|]", re.sub(r"\\[<>*_`\[\]#|{}~&$]", "", said))


# ---------------------------------------------------------------- closing


def close(desk, *more, ask=None):
    said = []
    words = grammar().parse_args(["close", "32164", "--text", "Drive maps again", *more])
    return _ON_ACCOUNT["close"](desk.ws, words, Door(said.append, ask))


def logs(tmp_path):
    return sorted((tmp_path / "clients").rglob("*.md"))


@pytest.fixture
def closing(desk, tmp_path):
    desk.ws.config = type(desk.config)(**{**vars(desk.config), "clients": tmp_path / "clients"})
    return desk


def test_the_log_is_offered_on_a_terminal(closing, tmp_path):
    asked = []

    def yes(question):
        asked.append(question)
        return "yes"

    result = close(closing, ask=yes)
    assert "session log" in asked[-1]
    (path,) = logs(tmp_path)
    assert result.lines[-1] == f"Session log: {path}"
    assert "```text\nDrive maps again\n```" in path.read_text("utf-8")


def test_no_log_without_a_word_for_it(closing, tmp_path):
    close(closing, "--yes")
    assert logs(tmp_path) == []


def test_a_log_as_asked_for(closing, tmp_path):
    close(closing, "--yes", "--log")
    assert len(logs(tmp_path)) == 1


def test_a_ticket_is_closed_even_if_the_log_cannot_be_written(closing, tmp_path):
    (tmp_path / "clients").write_text("")
    result = close(closing, "--yes", "--log")
    assert result.exit_status == 0
    assert result.lines[-1].startswith("The session log was not written")


def test_the_folder_of_logs_is_the_shops_own(tmp_path):
    (tmp_path / "syncro.yaml").write_text("clients_folder: kept/clients\n")
    found = config.load({"SYNCRO_NB_HOME": str(tmp_path)}, folder=tmp_path)
    assert found.clients == tmp_path / "kept" / "clients"
    (tmp_path / "syncro.yaml").write_text("clients_folder: [a]\n")
    with pytest.raises(ConfigError, match="clients_folder"):
        config.load({"SYNCRO_NB_HOME": str(tmp_path)}, folder=tmp_path)
