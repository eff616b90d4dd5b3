"""The form for many bills, driven as a person would: select, look, type, write; cancelled, resumed, attacked."""

import asyncio
import html
import json
import threading

import openpyxl
import pytest
from desk import Desk
from everything import read_everything

from syncro_nb.errors import InputError, Stopped
from syncro_nb.forms import batch_form
from syncro_nb.summary.unbilled import unbilled_rows
from syncro_nb.writes.batch import Choice

ATTACK = "<img src=x onerror=alert(1)>\"'</td><script>alert(2)</script>\u202egnp"
THREE = (32080, 32131, 32137)


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """What waits to be billed in a fresh sandbox."""
    opened = Desk(tmp_path_factory.mktemp("work"))
    rows = unbilled_rows(read_everything(opened.ws.client), opened.ws.house)
    opened.close()
    return rows


@pytest.fixture
def form(desk, work, tmp_path):
    return batch_form(desk.ws, work=work, folder=tmp_path / "receipts")


def select(form, *numbers):
    numbers = numbers or THREE
    form.table.selected = form.work.index[form.work["number"].isin(numbers)].tolist()


def looked(form, *numbers):
    select(form, *numbers)
    return form.look()


def confirmed(form, *numbers):
    batch = looked(form, *numbers)
    form.leave_out.value = True
    form.words.value = batch.confirmation
    return batch


def states(receipt):
    return {row.item.number: row.state for row in receipt.rows}


def widgets(form):
    """Every widget of the form that has a value, a state or children."""
    waiting, found = [form.box], []
    while waiting:
        found.append(waiting.pop())
        waiting += getattr(found[-1], "children", ())
    return found


def watch(desk, act):
    """Call `act(method)` before each request that the sandbox gets; gives a way to stop."""
    real = desk.sandbox.handle

    def watching(method, target, headers, body):
        act(method)
        return real(method, target, headers, body)

    desk.sandbox.handle = watching
    desk.restart()
    return lambda: setattr(desk.sandbox, "handle", real)


# ---------------------------------------------------------------- choosing


def test_a_fresh_form_lists_what_waits_by_customer_and_has_written_nothing(desk, form):
    assert list(form.work["customer"]) == sorted(form.work["customer"])
    assert {32080, 32131, 32137, 32125} <= set(form.work["number"])
    assert not set(form.work["mode"].astype("str")) & {"contract", "internal", "warranty"}
    assert "Not listed: " in form.place.children[1].value
    assert "1 internal" in form.place.children[1].value
    assert "rows to choose from, $" in repr(form)
    assert form.submit_button.disabled
    assert form.earlier_box.layout.display == "none"
    assert desk.writes() == []


def test_without_a_mirror_it_says_so_and_reads_when_it_is_told_to(desk):
    form = batch_form(desk.ws)
    assert len(form.work) == 0
    assert "press Read from Syncro" in form.place.children[1].value
    form.read_button.click()
    assert {32080, 32131, 32137} <= set(form.work["number"])
    assert "As of 2026-03-31" in form.place.children[1].value
    assert "Incomplete: " in form.place.children[1].value  # details that this sync did not read
    assert len(batch_form(desk.ws).work) == len(form.work)


def test_reading_can_be_cancelled_and_goes_on_later(desk):
    form, pressed = batch_form(desk.ws), []
    real = desk.sandbox.handle

    def handle(*request):
        if form._busy and not pressed:
            pressed.append(form.cancel_button.click())
        return real(*request)

    desk.sandbox.handle = handle
    desk.restart()
    form._workspace = desk.ws
    form.read_button.click()
    assert "cancelled" in form.status.value
    assert not form.read_button.disabled
    form.read_button.click()
    assert len(form.work)


def test_the_buttons_select_all_none_what_is_resolved_a_customer_or_whole_tickets(form):
    def after(which):
        form.selecting[which].click()
        return form.table.selected["number"].tolist()

    assert len(after("all")) == len(form.work)
    assert after("none") == []
    assert set(THREE) <= set(after("resolved"))
    assert 32182 not in after("resolved")
    select(form, 32182)
    form.table.selected = [int(form.table.selected.index[0])]
    assert after("tickets") == [32182, 32182]
    select(form, 32137)
    assert "Selected: 1 row, 1 ticket(s), 1 customer(s), $150.00 as recorded" in form.chosen.value
    assert after("customer") == [32019, 32137]


def test_a_selected_timer_is_billed_alone_and_a_typed_ticket_as_a_whole(form):
    select(form, 32137)
    timer = int(form.table.selected["record_id"].iloc[0])
    form.numbers.value = " #32131, 32080"
    assert form.choices == [Choice(32137, (timer,)), Choice(32131), Choice(32080)]
    form.numbers.value = ""
    select(form, 32125)
    assert form.choices == [Choice(32125, ())]  # a line that waits: no timer is charged for it
    assert form.look().total_cents == 16305
    form.numbers.value = "32131 x"
    form.preview_button.click()
    assert "is not the number of a ticket" in form.status.value


def test_nothing_chosen_is_said(form):
    form.preview_button.click()
    assert "nothing is chosen" in form.status.value
    assert not form.preview_button.disabled


def test_a_part_of_the_frame_can_be_given_to_choose_from(desk, work):
    form = batch_form(desk.ws, work=work[work["number"] == 32080])
    assert form.work["number"].tolist() == [32080]
    assert form.read_button.layout.display == "none"


# ---------------------------------------------------------------- preview and confirmation


def test_the_preview_explains_each_entry_and_adds_up_each_customer(desk, form):
    looked(form)
    shown = html.unescape(form.shown.value)
    for words in (
        "3 tickets, $326.11",
        "60 minutes, remote $150.00 = $150.00",
        "Gristle & Thyme Provisions",
        "$163.05",
    ):
        assert words in shown
    assert "type: 3 326.11" in form.question.value
    assert "Sandbox, invented data" in form.question.value
    assert repr(form) == "<Bill many tickets: previewed, not confirmed: 3 326.11>"
    assert desk.writes() == []


@pytest.mark.parametrize(
    ("words", "complaint"), [("3 326.12", "is not the total"), ("2 326.11", "is not the number"), ("yes", "type the")]
)
def test_only_count_and_total_confirm_it(desk, form, words, complaint):
    looked(form)
    form.words.value = words
    assert complaint in form.typed.value
    assert form.submit_button.disabled
    form.submit_button.click()  # a program's click ignores `disabled`
    assert complaint in form.status.value
    with pytest.raises(InputError, match="nothing was written"):
        form.submit()
    assert desk.writes() == []


def test_without_a_preview_nothing_is_written(desk, form):
    select(form)
    form.words.value = "3 326.11"
    with pytest.raises(InputError, match="look at the preview first"):
        form.submit()
    assert desk.writes() == []


@pytest.mark.parametrize("change", ["rows", "numbers"])
def test_another_choice_takes_the_preview_away(desk, form, change):
    confirmed(form)
    assert not form.submit_button.disabled
    if change == "rows":
        select(form, 32080)
    else:
        form.numbers.value = "32182"
    assert form.submit_button.disabled
    assert (form.batch, form.words.value, form.shown.value) == (None, "", "")
    assert "changed since the preview" in form.status.value
    assert form.confirm_box.layout.display == "none"
    assert desk.writes() == []


def test_what_cannot_be_billed_is_left_out_only_by_a_persons_word(desk, form):
    batch = looked(form, 32080, 32075)
    assert "already invoiced" in form.shown.value
    assert form.leave_out.description == "Leave out the 1 ticket that cannot be billed"
    form.words.value = batch.confirmation
    assert form.submit_button.disabled
    with pytest.raises(InputError, match="left out"):
        form.submit()
    assert desk.writes() == []
    form.leave_out.value = True
    assert not form.submit_button.disabled
    assert states(form.submit()) == {32080: "done", 32075: "blocked"}


def test_where_nothing_can_be_billed_there_is_nothing_to_confirm(form):
    looked(form, 32075)
    assert "None of these tickets can be billed" in form.status.value
    assert form.confirm_box.layout.display == "none"
    assert "already invoiced" in form.shown.value


# ---------------------------------------------------------------- writing


def test_submit_bills_each_ticket_once_and_shows_the_receipt(desk, form):
    confirmed(form)
    form.submit_button.click()
    assert set(states(form.receipt).values()) == {"done"}
    assert "3 done; invoices over $326.11" in form.status.value
    assert "$163.05" in form.result.value
    assert not form.work["number"].isin(THREE).any()
    form.submit_button.click()  # the second of a double click
    with pytest.raises(InputError, match="look at the preview first"):
        form.submit()
    assert len(desk.posts("invoices")) == 3
    assert (form.progress_box.layout.display, form.earlier_box.layout.display) == ("none", "none")


def test_the_receipt_is_saved_as_a_workbook_and_a_document_and_never_over_another(desk, form, tmp_path):
    desk.ask("PUT", f"/api/v1/tickets/{desk.ws.ticket(32080).ticket.id}", {"subject": "=1+1"})
    confirmed(form, 32080, 32137)
    form.submit()
    form.save_button.click()
    form.save_button.click()
    files = sorted(path.name for path in (tmp_path / "receipts").iterdir())
    name = f"receipt {form.receipt.batch.name} 2026-03-31"
    assert files == [f"{name} (2).json", f"{name} (2).xlsx", f"{name}.json", f"{name}.xlsx"]
    assert f"{name} (2).xlsx" in form.saved.value
    document = json.loads((tmp_path / "receipts" / f"{name}.json").read_text("utf-8"))
    assert document["totals"]["written_cents"] == 24458
    assert {row["ticket"] for row in document["tickets"]} == {32080, 32137}
    book = openpyxl.load_workbook(tmp_path / "receipts" / f"{name}.xlsx")
    assert book.sheetnames == ["Tickets", "Entries", "Totals", "Batch"]
    cells = {cell.value: cell for row in book["Tickets"].iter_rows() for cell in row}
    assert cells["=1+1"].data_type == "s"
    assert (cells[163.05].data_type, cells[163.05].number_format) == ("n", "#,##0.00;[Red]-#,##0.00")
    totals = {row[0].value: [cell.value for cell in row[1:4]] for row in book["Totals"].iter_rows(min_row=2)}
    assert totals["all"] == totals["done"] == [2, 244.58, 244.58]
    assert totals["asked"] == [0, 0, 0]


def test_a_folder_that_cannot_be_is_said(form, tmp_path):
    with pytest.raises(InputError, match="no receipt yet"):
        form.save()
    confirmed(form, 32080)
    form.submit()
    (tmp_path / "a file").write_text("")
    for folder in (str(tmp_path / "a file" / "x"), "~nobody-of-that-name/x", f"{tmp_path}/a\x00b"):
        form.folder.value = folder
        form.saved.value = ""
        form.save_button.click()
        assert "cannot be made" in form.saved.value


def test_cancel_stops_before_the_next_request_and_the_batch_is_offered_to_go_on_with(desk, work):
    pressed = []

    def act(method):
        if method == "POST" and not pressed:
            pressed.append(form.cancel_button.disabled)
            form.cancel_button.click()

    stop = watch(desk, act)
    form = batch_form(desk.ws, work=work)
    confirmed(form)
    receipt = form.submit()
    stop()
    assert pressed == [False]  # Cancel answered
    assert len(desk.writes()) == 1
    assert "Stopped: cancelled" in form.status.value
    assert states(receipt) == {32080: "parked", 32137: "not begun", 32131: "not begun"}
    assert form.cancel_button.disabled
    again = batch_form(desk.restart(), work=work)
    assert again.earlier_box.layout.display == ""
    assert "1 parked, 2 not begun" in again.earlier.options[0][0]
    again.show_button.click()
    assert "Charge timer" in again.result.value
    again.go_on_button.click()
    assert set(states(again.receipt).values()) == {"done"}
    assert again.earlier_box.layout.display == "none"
    assert len(desk.posts("comment")) == 3


def test_looking_can_be_cancelled_too(desk, work):
    form = []
    stop = watch(desk, lambda method: form and form[0]._busy and form[0].cancel_button.click())
    form.append(batch_form(desk.ws, work=work))
    with pytest.raises(Stopped):
        looked(form[0])
    stop()
    assert form[0].batch is None
    assert not form[0].preview_button.disabled


def test_in_a_notebook_it_writes_in_a_thread_and_cancel_answers_meanwhile(desk, work):
    said, here, set_elsewhere = [], threading.current_thread(), set()

    async def press(form):
        """What the page does while the thread is at work."""
        with pytest.raises(InputError, match="it is writing at this moment"):
            form.go_on("B1234567")
        form.cancel_button.click()
        return form.doing.value

    async def a_person():
        loop = asyncio.get_running_loop()

        def act(method):
            if method == "POST" and not said:
                said.append("")
                said.append(asyncio.run_coroutine_threadsafe(press(form), loop).result(timeout=30))

        stop = watch(desk, act)
        form = batch_form(desk.ws, work=work)
        confirmed(form)
        for one in widgets(form):
            one.observe(lambda change: threading.current_thread() is here or set_elsewhere.add(change["name"]))
        form.submit_button.click()
        assert form.submit_button.disabled
        while form.receipt is None:
            await asyncio.sleep(0.01)
        stop()
        return form

    form = asyncio.run(a_person())
    assert "ticket 32080" in said[1]
    assert set_elsewhere == {"value"}  # from a thread nothing else is safe
    assert "Stopped: cancelled" in form.status.value
    assert not form.preview_button.disabled
    assert len(desk.writes()) == 1


def test_a_thread_that_fails_says_so_on_the_page(desk, work, monkeypatch):
    async def a_person():
        form = batch_form(desk.ws, work=work)
        select(form)
        monkeypatch.setattr(desk.ws.batches, "plan", lambda *_, **__: 1 / 0)
        raised = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: raised.append(context["exception"]))
        form.preview_button.click()
        while not raised:
            await asyncio.sleep(0.01)
        return form, raised

    form, raised = asyncio.run(a_person())
    assert isinstance(raised[0], ZeroDivisionError)
    assert "A fault of syncro_nb" in form.status.value
    assert not form.preview_button.disabled


def test_what_was_not_begun_can_be_given_up_and_is_not_offered_again(desk, work):
    batch = desk.ws.batches.plan(map(Choice, THREE))
    desk.ws.batches.confirm(batch, batch.confirmation)
    form = batch_form(desk.restart(), work=work)
    form.give_up_button.click()
    assert "3 given up" in form.status.value
    assert form.earlier_box.layout.display == "none"
    assert set(states(form.go_on(batch.name)).values()) == {"given up"}
    assert desk.writes() == []


def test_a_question_is_asked_below_the_receipt_and_answered_by_typing_the_ticket(desk, form):
    desk.fault("POST /invoices", "drop_before")
    confirmed(form)
    form.submit()
    assert states(form.receipt) == {32080: "asked", 32137: "done", 32131: "done"}
    assert form.stopped_box.layout.display == ""
    assert "Send it again?" in form.ask.head.value
    assert "`syncro" not in form.result.value
    form.ask.resend.click()
    assert "type the ticket" in form.status.value
    form.ask.ticket.value = "32080"
    form.ask.resend.click()
    assert set(states(form.receipt).values()) == {"done"}
    assert form.stopped_box.layout.display == form.earlier_box.layout.display == "none"
    assert len(desk.posts("invoices")) == 4  # one of them did not arrive
    form.ask.resend.click()  # a click that came late
    assert len(desk.posts("invoices")) == 4


def test_several_questions_are_chosen_from_a_list(desk, form):
    desk.fault("POST /invoices", "drop_before", times=2)
    confirmed(form)
    form.submit()
    assert [number for _, number in form.stopped.options] == [32080, 32137]
    form.stopped.value = 32137
    assert "on ticket 32137" in form.ask.head.value
    form.ask.ticket.value = "32137"
    form.ask.abandon.click()
    assert states(form.receipt)[32137] == "abandoned"
    assert form.ask.receipt.run.plan.ticket_number == 32080


def test_syncro_that_is_not_there_is_said_and_the_form_can_be_used_again(desk, form):
    desk.fault("GET /tickets", "status", status=503, times=12)  # three tickets, four tries each
    select(form)
    form.preview_button.click()
    assert "503" in form.status.value
    assert not form.preview_button.disabled
    assert form.progress_box.layout.display == "none"
    form.preview_button.click()
    assert form.batch.confirmation == "3 326.11"


def test_a_fault_of_ours_is_shown_and_raised(form, monkeypatch):
    monkeypatch.setattr("syncro_nb.forms.batchpreview.batch_preview", lambda batch: 1 / 0)
    select(form)
    with pytest.raises(ZeroDivisionError):
        form.look()
    assert not form.preview_button.disabled


# ---------------------------------------------------------------- hostile text


def everything(form):
    """All HTML that the form has made."""
    return "\n".join(one.value for one in widgets(form) if type(one).__name__ == "HTML")


def test_text_from_syncro_is_shown_as_text_everywhere(desk, form, tmp_path):
    ticket = desk.ws.ticket(32080).ticket
    timer = ticket.timers[0]
    desk.ask("PUT", f"/api/v1/tickets/{ticket.id}", {"subject": ATTACK})
    desk.ask("PUT", f"/api/v1/customers/{ticket.customer_id}", {"business_name": ATTACK})
    desk.ask(
        "PUT", f"/api/v1/tickets/{ticket.id}/update_timer_entry", {"timer_entry_id": timer.id, "notes": ATTACK}
    )  # fmt: skip
    blocked = desk.ws.ticket(32075).ticket
    desk.ask("PUT", f"/api/v1/tickets/{blocked.id}", {"subject": ATTACK})
    rows = form.work.assign(subject=ATTACK, customer=ATTACK)
    form = batch_form(desk.ws, work=rows, folder=tmp_path)
    desk.fault("POST /invoices", "drop_before")
    batch = looked(form, 32080, 32075)
    seen = [everything(form)]
    form.leave_out.value = True
    form.words.value = batch.confirmation
    form.submit()
    seen.append(everything(form))
    form.save()
    seen.append(everything(form))
    for page in seen:
        assert "<img" not in page
        assert "<script" not in page
        assert "\u202e" not in page
    assert all("&lt;img" in page for page in seen)
    assert "<img" not in json.dumps(form.table.widget._dt_args)
