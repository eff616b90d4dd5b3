"""The dispatcher's desk: the table and the panel follow each other, buttons open forms, and what is wrong is said."""

import ipywidgets as widgets
import pytest
from desk import Desk

from syncro_nb.errors import InputError
from syncro_nb.forms.workbench import Workbench


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def opened():
    return []


@pytest.fixture
def bench(desk, opened):
    def opener(title):
        return lambda workspace, on: opened.append((title, on)) or widgets.Label(title)

    return Workbench(desk.ws, actions={"Comment": opener("Comment")}, several=opener("several"))


def test_it_shows_the_queue_in_its_order(desk, bench):
    assert bench.table.frame["number"].tolist() == desk.ws.triage(live=True)["number"].tolist()
    assert "35 open tickets" in bench.head.value
    assert repr(bench).startswith("<triage of 35 open tickets: ")


def test_the_selected_ticket_stands_beside_it(bench):
    assert bench.panel.view is None
    bench.select(32164)
    assert bench.panel.view.number == 32164
    bench.select(32164, 32182)
    assert bench.panel.view is None
    assert "2 tickets selected" in bench.status.value


def test_a_button_opens_its_form_on_the_selected_ticket(bench, opened):
    assert bench.buttons["Comment"].disabled
    bench.select(32164)
    assert not bench.buttons["Comment"].disabled
    bench.buttons["Comment"].click()
    assert opened == [("Comment", 32164)]
    assert [one.value for one in bench.opened.children] == ["Comment"]


def test_several_tickets_are_changed_together(bench, opened):
    bench.select(32164, 32182)
    bench.several_button.click()
    assert [(title, sorted(numbers)) for title, numbers in opened] == [("several", [32164, 32182])]


def test_without_a_selection_nothing_opens(bench, opened):
    with pytest.raises(InputError, match="select one ticket"):
        bench.open("Comment")
    with pytest.raises(InputError, match="select one or more"):
        bench.open_several()
    assert opened == []


def test_a_live_look_shows_what_has_changed(desk, bench):
    ticket = desk.ask("GET", "/api/v1/tickets?number=32182")["tickets"][0]
    desk.ask("PUT", f"/api/v1/tickets/{ticket['id']}", {"subject": "The whole office is down"})
    bench.refresh_button.click()
    first = bench.table.frame.iloc[0]
    assert (first["number"], first["lane"]) == (32182, "emergency")


def test_what_cannot_be_reached_is_said_in_the_status_line(desk, bench):
    desk.fault("GET /tickets", "status", status=401, times=9)
    bench.refresh_button.click()
    assert "401" in bench.status.value
    assert len(bench.table.frame) == 35


def test_it_reads_the_mirror_where_there_is_one(desk):
    desk.ws.sync()
    before = len(desk.ask("GET", "/_sandbox/log"))
    bench = Workbench(desk.ws)
    assert set(bench.queue["details"].astype("str")) == {"read"}
    asked = [row["path"] for row in desk.ask("GET", "/_sandbox/log")[before:]]
    assert [path for path in asked if "/tickets" in path] == []


def test_a_live_look_is_newer_than_the_mirror(desk):
    desk.ws.sync()
    bench = Workbench(desk.ws)
    ticket = desk.ask("GET", "/api/v1/tickets?number=32182")["tickets"][0]
    desk.ask("PUT", f"/api/v1/tickets/{ticket['id']}", {"subject": "The whole office is down"})
    bench.refresh()
    assert bench.table.frame.set_index("number").loc[32182, "lane"] != "emergency"
    bench.refresh(live=True)
    assert bench.table.frame.set_index("number").loc[32182, "lane"] == "emergency"


def test_the_panel_of_a_ticket_in_the_mirror_speaks_of_that_ticket(desk):
    desk.ws.sync()
    bench = Workbench(desk.ws)
    for number in (32180, 32164):
        bench.select(number)
        lane = bench.table.frame.set_index("number").loc[number, "lane"]
        assert f">{lane}<" in bench.panel.head.value


def test_the_buttons_open_the_forms_on_the_ticket(desk):
    bench = Workbench(desk.ws)
    bench.select(32164)
    for title in bench.buttons:
        assert bench.open(title).draft.ticket_number == 32164
    bench.select(32164, 32182)
    assert set(bench.open_several().draft.ticket_numbers) == {32164, 32182}
    assert desk.writes() == []
