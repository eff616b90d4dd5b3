"""`%syncro` in a real IPython shell in this process, on the sandbox: what it gives, prints and completes, and what it writes."""

import pytest
from desk import Desk
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from syncro_nb import magic, practice
from syncro_nb.forms import Form


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path / "desk")
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def ipython(tmp_path_factory):
    config = Config()
    config.HistoryManager.enabled = config.Completer.use_jedi = False
    yield InteractiveShell.instance(config=config, ipython_dir=str(tmp_path_factory.mktemp("ipython")))
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(ipython, desk):
    ipython.run_line_magic("load_ext", "syncro_nb")
    magic.use(desk.ws)
    yield ipython
    ipython.run_line_magic("unload_ext", "syncro_nb")


@pytest.fixture
def run(shell):
    """Runs a cell; gives its value, what it printed, and what went to stderr."""

    def cell(text, fails=False):
        with capture_output(display=False) as said:
            done = shell.run_cell(text, store_history=False)
        assert done.success is not fails, said.stderr
        assert "Traceback" not in said.stdout + said.stderr
        return done.result, said.stdout, said.stderr

    return cell


def complete(shell, text):
    with provisionalcompleter():
        return [one.text for one in shell.Completer.completions(text, len(text))]


def shown(answer):
    return answer._repr_mimebundle_()


# ---------------------------------------------------------------- looking


def test_the_open_tickets_are_a_frame_a_table_and_text(run, desk):
    answer, _, _ = run("%syncro")
    assert answer.frame["number"].tolist() == desk.ws.open_tickets()["number"].tolist()
    assert "application/vnd.jupyter.widget-view+json" in shown(answer)
    assert shown(answer)["text/plain"].startswith("#32185")
    assert repr(answer).count("\n") == len(answer.frame) - 1


def test_a_ticket_is_its_panel_and_prints_as_in_a_terminal(run):
    answer, _, _ = run("%syncro ticket 32164")
    assert answer.view.number == 32164
    assert "application/vnd.jupyter.widget-view+json" in shown(answer)
    assert "Hobnail Machine Works / Eddie Marsh" in shown(answer)["text/plain"]


def test_the_queue_and_a_document(run):
    answer, _, _ = run("%syncro triage")
    document, _, _ = run("%syncro triage --json")
    assert [one["number"] for one in document["tickets"]] == answer.frame["number"].tolist()


@pytest.mark.parametrize("words", ["search printer", "customers hobnail", "runs", "triage --live"])
def test_every_list_has_a_frame(run, words):
    answer, _, _ = run(f"%syncro {words}")
    assert answer.frame is not None
    assert answer.widget is not None


def test_dollars_in_a_frame_are_no_formula(run):
    answer, _, _ = run("%syncro search printer")
    assert "mathjax_ignore" in answer.frame._repr_html_()


TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("shape", ["frame", "frame['x']", "frame.groupby('x').sum()", "frame.T"])
def test_no_text_turns_the_reading_direction_of_a_pandas_table(run, shell, shape):
    text = f"<b>invoice{TURNS}gnp.exe"
    shell.push({"text": text})
    value, _, _ = run(f"import pandas as pd\nframe = pd.DataFrame({{'x': [text], 'n': [1]}})\n{shape}")
    data, _ = shell.display_formatter.format(value)
    for shown in data.values():
        assert not set(shown) & set(TURNS)
        assert "invoicegnp.exe" in shown
    assert ("text/html" in data) == hasattr(value, "_repr_html_")
    assert "<b>" not in data.get("text/html", "")
    assert shell.user_ns["frame"]["x"].tolist() == [text]


def test_a_name_is_shown_in_whole_unless_somebody_has_set_a_width(shell):
    import pandas as pd

    name = "Customer " * 8
    with pd.option_context("display.max_colwidth", 50):
        practice().close()
        data, _ = shell.display_formatter.format(pd.DataFrame({"customer": [name]}))
        assert name.strip() in data["text/html"]
    with pd.option_context("display.max_colwidth", 20):
        practice().close()
        assert pd.get_option("display.max_colwidth") == 20


def test_what_is_found_can_be_written_to_a_file(run, tmp_path):
    run(f"%syncro search printer --out {tmp_path / 'found.csv'}")
    assert (tmp_path / "found.csv").read_text("utf-8").count("\n") > 5


def test_a_variable_stands_for_one_word(run, desk):
    answer, _, _ = run('n = 32164\nget_ipython().run_line_magic("syncro", "ticket {n}")')
    assert answer.view.number == 32164
    run('text = "one two --yes"\nresult = get_ipython().run_line_magic("syncro", "comment 32164 {text}")')
    assert desk.posts("comment") == []


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("%syncro ticket 99999999", "there is no ticket 99999999 in this account"),
        ("%syncro ticket", "see `%syncro ticket --help`"),
        ("%syncro tickets", "see `%syncro --help`"),
        ("%syncro comment 32164 don't", "a quote is left open"),
        ("%syncro lab", "is for a terminal"),
        ("%syncro ticket {nowhere}", "there is no variable nowhere"),
        ('text = "--yes"\n%syncro comment 32164 {text}', "would be read as an option"),
        ("%syncro runs show R0", "R0"),
        ("%syncro ticket 32164 --profile nobodys", "nobodys"),
    ],
)
def test_what_goes_wrong_is_one_line_and_stops_run_all(run, cell, complaint):
    _, out, err = run(cell, fails=True)
    assert out == ""
    assert complaint in err
    assert len(err.strip().splitlines()) == 1


def test_the_help_is_printed_and_stands_behind_the_question_mark(run, shell):
    _, out, _ = run("%syncro bill --help")
    assert "--minutes" in out
    page = shell.inspector.info(shell.find_line_magic("syncro"))["docstring"]
    assert "%syncro triage" in page
    assert "bill work on a ticket" in page


# ---------------------------------------------------------------- writing


def test_a_bill_opens_the_form_filled_in_and_writes_nothing(run, desk):
    form, _, _ = run("%syncro bill 32164 --minutes 30 --labor remote --text 'Cleared the queue'")
    assert isinstance(form, Form)
    draft = form.draft
    assert (draft.ticket_number, draft.minutes, draft.labour, draft.text) == (32164, 30, "remote", "Cleared the queue")
    assert form.problems == {}
    assert desk.writes() == []


@pytest.mark.parametrize(
    "words",
    [
        "bill 32164 --minutes 30 --labor remote --text x --no-invoice",
        "comment 32164 hello",
        "update 32164 Resolved",
        "update 32164 Scheduled --start '2026-04-02 09:30'",
        "close 32164 --text done",
        "create 'Hobnail Machine Works' 'A new one'",
        "timer 32164 start",
    ],
)
def test_nothing_that_writes_does_so_without_yes(run, desk, words):
    run(f"%syncro {words}")
    assert desk.writes() == []


def test_a_new_ticket_opens_its_form_with_the_few_letters_made_out(run, desk):
    form, _, _ = run("%syncro create hobnail 'A new one' --priority high --tech dana --contact eddie --due 2026-04-02")
    assert isinstance(form, Form)
    assert (form.draft.priority, form.draft.technician, form.draft.contact) == (
        "1 High",
        "Dana Whitlock",
        "Eddie Marsh",
    )
    assert form.inputs["customer"].value == "Hobnail Machine Works"


def test_yes_writes_the_way_of_every_write(run, desk):
    answer, out, _ = run("%syncro comment 32164 hello --hidden --yes")
    assert "POST /tickets/" in out
    assert "read back and verified" in repr(answer)
    assert len(desk.posts("comment")) == 1
    assert desk.ws.runs()["state"].tolist() == ["done"]


def test_the_lines_below_are_the_text(run, desk):
    run("%%syncro comment 32164 --hidden --yes\nOne line\n  and a second: $5 {n}\n")
    body = desk.ticket().last_comments[0].body
    assert body.startswith("One line\n  and a second: $5 {n}")


def test_a_blocker_is_shown_and_stops_run_all(run, desk):
    desk.bill()
    _, out, err = run("%syncro bill 32164 --minutes 30 --labor remote --text x --yes", fails=True)
    assert "already invoiced" in out
    assert "Nothing was sent" in err


def test_a_run_is_resumed_with_yes_only(run, desk):
    desk.fault("POST /tickets/*/comment", "drop_after")
    run("%syncro comment 32164 hello --hidden --yes", fails=True)
    (name,) = desk.ws.runs()["run"]
    answer, _, _ = run(f"%syncro runs resume {name}")
    assert "same with --yes" in repr(answer)
    assert desk.ws.runs()["state"].tolist() == ["open"]
    run(f"%syncro runs resume {name} --yes")
    assert desk.ws.runs()["state"].tolist() == ["done"]
    assert len(desk.posts("comment")) == 1


# ---------------------------------------------------------------- what is kept, and what is completed


def test_one_workspace_is_kept_for_the_session_and_closed_with_it(run, shell, monkeypatch, tmp_path):
    magic.use(None)
    monkeypatch.setenv("SYNCRO_NB_HOME", str(tmp_path / "kept"))
    run("%syncro ticket 32164")
    (first,) = magic._loaded._opened.values()
    run("%syncro search printer")
    assert list(magic._loaded._opened.values()) == [first]
    run("%syncro search printer --profile sandbox")
    assert len(magic._loaded._opened) == 2
    loaded = magic._loaded
    shell.run_line_magic("reload_ext", "syncro_nb")
    assert loaded._opened == {}


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%syncro tri", ["triage"]),
        ("%syncro timer 32164 st", ["start", "stop"]),
        ("%syncro bill 32164 --labor re", ["remote"]),
        ("%syncro bill 32164 --mi", ["--minutes"]),
        ("%syncro update 32164 Res", ["Resolved"]),
        ('%syncro update 32164 "Waiting on C', ['Customer"']),
        ("%syncro update 32164 Waiting-on-C", ["Waiting-on-Customer"]),
        ("%syncro report top", ["top-talkers"]),
        ('%syncro update 32164 --tech "Pri', ['Priya Raman"']),
        ("%syncro sandbox --size me", ["medium"]),
    ],
)
def test_verbs_labour_kinds_and_the_accounts_words_are_completed(shell, typed, offered):
    assert complete(shell, typed) == offered


def test_a_completion_is_silent_where_syncro_does_not_answer(shell, desk):
    for path in ("/settings", "/tickets/settings"):
        desk.fault(f"GET {path}", "drop_before", times=99)
    assert "Resolved" not in complete(shell, "%syncro update 32164 Res")  # what else Python offers is not ours
