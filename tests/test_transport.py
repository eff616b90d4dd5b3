"""The transport: what a broken connection means, and that the key shows nowhere."""

import contextlib
import json
import logging
import socket
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from syncro_nb.clock import StillClock
from syncro_nb.errors import Missing, NotSent, Refused, Unreachable
from syncro_nb.secret import Secret
from syncro_nb.service import transport, wire
from syncro_nb.service.client import Client
from syncro_nb.service.transport import Transport
from syncro_nb.writes import outcome

KEY = "canary-5d0c77aa"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b'{"ticket": {"id": 1, "number": 2, "comments": [], "line_items": [], "ticket_timers": []}}'
    headers: dict = None

    def __post_init__(self):
        self.headers = self.headers or {}


class Server:
    """Answers in order, the last one for ever; remembers what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def handle(self, method, target, headers, body):
        self.asked.append((method, target, headers))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def connected(*answers, auth="query"):
    server, clock = Server(*answers), StillClock(datetime(2026, 3, 31, tzinfo=UTC))
    return server, clock, Transport("http://x/api/v1", Secret(KEY), auth=auth, clock=clock, inside=server.handle)


def test_the_key_goes_first_in_the_query_or_in_a_header():
    server, _, line = connected(Answer())
    line.ask("GET", "/me", query={"page": 2})
    assert list(parse_qs(urlsplit(server.asked[0][1]).query)) == ["api_key", "page"]
    server, _, line = connected(Answer(), auth="bearer")
    line.ask("GET", "/me")
    assert server.asked[0][2]["authorization"] == f"Bearer {KEY}"
    assert KEY not in server.asked[0][1]


@pytest.mark.parametrize("auth", ["query", "bearer"])
@pytest.mark.parametrize("failure", [httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError])
def test_the_key_is_in_no_log_message_repr_or_traceback(monkeypatch, caplog, auth, failure):
    caplog.set_level(logging.DEBUG)

    def fail(self, request):
        raise failure(f"cannot reach {request.url}", request=request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", fail)
    line = Transport("http://127.0.0.1:9/api/v1", Secret(KEY), auth=auth, clock=StillClock(datetime.now(UTC)))
    with pytest.raises(Unreachable) as caught:
        line.ask("GET", "/tickets", query={"status": "New"})
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert KEY not in shown + caplog.text + repr(line.__dict__) + "".join(map(repr, chain))
    line.close()


def test_a_key_that_the_server_echoes_is_masked():
    _, _, line = connected(Answer(422, b'{"error": "bad", "params": {"api_key": "' + KEY.encode() + b'"}}'))
    assert KEY not in repr(line.ask("POST", "/tickets", body={}))


@pytest.mark.parametrize("key", [KEY, 'quote"and\\slash/0', "it's-a-key%41"])
@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize(
    "written",
    [
        lambda said: json.dumps(said).encode(),
        lambda said: json.dumps(said).encode("utf-16"),
        lambda said: json.dumps(said).encode("utf-8-sig"),
        lambda said: ('"' + "".join(f"\\u{ord(one):04X}" for one in said) + '"').encode(),
        lambda said: json.dumps(json.dumps(said)).encode(),
        lambda said: json.dumps(quote(said, safe="").replace("-", "%2D")).encode(),
        lambda said: json.dumps({said: [{"deep": said}]}).encode(),
    ],
)
def test_an_echoed_key_is_masked_however_the_answer_writes_it(key, status, written):
    server = Server(Answer(status, written(f"bad key {key}")))
    line = Transport("http://x/api/v1", Secret(key), clock=StillClock(datetime.now(UTC)), inside=server.handle)
    reply = line.ask("GET", "/tickets")
    assert reply.is_json
    assert "********" in str(reply.data)
    for form in (key, json.dumps(key)[1:-1], repr(key)[1:-1], quote(key, safe="")):
        assert form not in str(reply.data)


def test_a_word_as_short_as_the_sandboxs_key_is_not_masked():
    assert Secret("sandbox").hide_in_data({"sandbox": "sandbox"}) == {"sandbox": "sandbox"}


def test_nesting_that_cannot_be_masked_is_no_answer():
    _, _, line = connected(Answer(401, b"[" * 900 + b"]" * 900))
    assert line.ask("GET", "/tickets").data in (None, json.loads("[" * 900 + "]" * 900))


@contextmanager
def echoing():
    """A real server that gives the query back in its reason phrase and its headers."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self):
            query = urlsplit(self.path).query
            self.send_response(302, f"Moved {query}")
            self.send_header("Location", f"https://login.example/?{query.replace('-', '%2D')}")
            self.send_header("X-Echo", query)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_debug_log_of_httpcore_does_not_show_the_key(caplog):
    caplog.set_level(logging.DEBUG)
    with echoing() as url:
        line = Transport(url, Secret(KEY), clock=StillClock(datetime.now(UTC)))
        for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):  # as somebody in a notebook may
            caplog.set_level(logging.DEBUG, logger=name)
        assert line.ask("GET", "/tickets").status == 302
        line.close()
    assert "api_key=********" in caplog.text
    assert "receive_response_headers.complete" in caplog.text
    assert KEY not in caplog.text
    assert KEY.replace("-", "%2D") not in caplog.text


def test_every_logger_of_the_http_libraries_is_masked_while_a_transport_is_open():
    line = Transport("http://127.0.0.1:9/api/v1", Secret(KEY), clock=StillClock(datetime.now(UTC)))
    theirs = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("httpx", "httpcore")]
    assert "httpcore.http11" in theirs
    assert all(line._filter in logging.getLogger(name).filters for name in theirs)
    line.close()
    assert not any(line._filter in logging.getLogger(name).filters for name in theirs)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError, NotSent), (httpx.ConnectTimeout, NotSent), (httpx.PoolTimeout, NotSent),
        (httpx.ReadTimeout, Unreachable), (httpx.WriteTimeout, Unreachable), (httpx.ReadError, Unreachable),
        (httpx.WriteError, Unreachable), (httpx.RemoteProtocolError, Unreachable),
    ],
)  # fmt: skip
def test_only_what_never_left_is_called_not_sent(monkeypatch, failure, kind):
    def fail(self, request):
        raise failure("x", request=request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", fail)
    line = Transport("http://127.0.0.1:9/api/v1", Secret(KEY), clock=StillClock(datetime.now(UTC)))
    with pytest.raises(Unreachable) as caught:
        line.ask("POST", "/tickets", body={})
    assert (type(caught.value) is NotSent) == (kind is NotSent)
    line.close()


def test_an_answer_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 1000)
    _, _, line = connected(Answer(200, b"[" + b"1," * 1000))
    with pytest.raises(Unreachable, match="larger than"):
        line.ask("GET", "/tickets")


def test_a_read_is_repeated_after_5xx_and_a_429_is_waited_out():
    busy, wait = Answer(503, b""), Answer(429, b"slow down", {"Retry-After": "7"})
    server, clock, line = connected(busy, wait, Answer())
    assert Client(line).ticket(1).number == 2
    assert len(server.asked) == 3
    assert clock.elapsed >= 7


def test_a_429_without_retry_after_is_waited_out_for_a_minute():
    _, clock, line = connected(Answer(429, b""), Answer())
    Client(line).ticket(1)
    assert clock.elapsed == 60


TODAY = "Tue, 31 Mar 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "100000"}, 120),
        ({"Retry-After": "9" * 30}, 120),
        ({"Retry-After": "Tue, 31 Mar 2026 00:00:20 GMT"}, 20),  # by our clock
        ({"Retry-After": "Tue, 31 Mar 2026 09:00:20 GMT", "Date": "Tue, 31 Mar 2026 09:00:00 GMT"}, 20),
        ({"Retry-After": "Wed, 01 Apr 2026 00:00:00 GMT", "Date": TODAY}, 120),
        ({"Retry-After": "Mon, 30 Mar 2026 00:00:00 GMT", "Date": TODAY}, 0),
        ({"Retry-After": "soon"}, 60),
        ({"Retry-After": "Tue, 31 Mar 2026 00:00:20 -0000"}, 60),  # says that its zone is not known
        ({"Retry-After": "-5"}, 60),
    ],
)
def test_a_wait_is_read_as_seconds_or_as_a_time_and_never_lasts_long(headers, seconds):
    _, clock, line = connected(Answer(429, b"", headers), Answer())
    Client(line).ticket(1)
    assert clock.elapsed == seconds


def test_a_429_in_plain_text_is_called_what_it_is():
    _, _, line = connected(Answer(429, b"Retry later"))
    assert line.ask("POST", "/tickets", body={}).problem == "too many requests from this address"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": "Not Found"}'])
def test_a_404_on_a_list_means_that_the_address_is_wrong(body):
    _, _, line = connected(Answer(404, body))
    for ask in (Client(line).me, lambda: list(Client(line).tickets()), lambda: list(Client(line).customers())):
        with pytest.raises(Unreachable, match="must end in /api/v1"):
            ask()


@pytest.mark.parametrize("name", ["line_items", "ticket_timers", "comments"])
@pytest.mark.parametrize("is_null", [True, False])
def test_a_ticket_without_its_lines_timers_or_comments_is_not_syncros(name, is_null):
    ticket = {**json.loads(Answer().body)["ticket"], name: None}
    if not is_null:
        del ticket[name]
    _, _, line = connected(Answer(200, json.dumps({"ticket": ticket}).encode()))
    with pytest.raises(Unreachable, match=f"not Syncro's: no {name} in it"):
        Client(line).ticket(1)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(401, b'{"error": "Unauthorized"}'), Refused, "does not accept the API key"),
        (
            Answer(401, b'{"error": "Not authorized. Please ask account admin to update your group permissions."}'),
            Refused,
            "may not",
        ),
        (Answer(404, b""), Missing, "has no /tickets/1"),
        (Answer(404, b"<html>"), Unreachable, "web page"),
        (Answer(422, b'{"message": ["Odd"]}'), Refused, "Odd"),
        (Answer(302, b""), Unreachable, "redirect"),
        (Answer(200, b"<html>"), Unreachable, "web page"),
        (Answer(200, b""), Unreachable, "empty"),
        (Answer(200, b"[]"), Unreachable, "no ticket"),
        (Answer(200, b'{"ticket": {"id": 1}}'), Unreachable, "no number"),
        (Answer(500, b'{"error": "oops"}'), Unreachable, "oops"),
        (Answer(429, b""), Unreachable, "429"),
    ],
)
def test_what_an_answer_to_a_read_means(answer, kind, words):
    _, _, line = connected(answer)
    with pytest.raises(kind, match=words):
        Client(line).ticket(1)


def test_pages_are_read_to_the_end_and_a_row_counts_once():
    def page(number, *ids):
        rows = ",".join(f'{{"id": {one}, "number": {one}}}' for one in ids)
        return Answer(200, f'{{"tickets": [{rows}], "meta": {{"page": {number}, "total_pages": 3}}}}'.encode())

    server, _, line = connected(page(1, 1, 2), page(2, 2, 3), page(3, 4))
    assert [ticket.id for ticket in Client(line).tickets()] == [1, 2, 3, 4]
    assert len(server.asked) == 3


def test_a_list_that_says_one_page_but_more_entries_is_read_on():
    def page(*ids):
        rows = ",".join(f'{{"id": {one}, "number": {one}}}' for one in ids)
        return Answer(
            200, f'{{"tickets": [{rows}], "meta": {{"page": 1, "total_pages": 1, "total_entries": 3}}}}'.encode()
        )

    _, _, line = connected(page(1, 2), page(3))
    assert [ticket.id for ticket in Client(line).tickets()] == [1, 2, 3]
    server, _, line = connected(page(1, 2))  # the server knows no other page
    assert [ticket.id for ticket in Client(line).tickets()] == [1, 2]
    assert len(server.asked) == 2


def listed(ids, meta):
    """A page of tickets; without `meta` in it if that is None."""
    data = {"tickets": [{"id": one, "number": one} for one in ids]} | ({} if meta is None else {"meta": meta})
    return Answer(200, json.dumps(data).encode())


@pytest.mark.parametrize(
    "meta", [{"total_pages": "3"}, {"total_pages": None}, {"total_pages": "x"}, {"total_pages": {}}, {"total_pages": -1},
             {"total_pages": True}, {"total_pages": 10**9}, {}, None, "x"],
)  # fmt: skip
def test_no_row_is_lost_where_meta_cannot_be_read(meta):
    pages = [range(1, 11), range(11, 21), range(21, 26), ()]
    server, _, line = connected(*[listed(ids, meta) for ids in pages])
    assert [ticket.id for ticket in Client(line).tickets()] == list(range(1, 26))
    assert len(server.asked) <= 4


def test_a_server_that_knows_no_pages_is_asked_for_a_second_one_only_if_the_first_is_full():
    server, _, line = connected(listed(range(1, 11), None))
    assert len(list(Client(line).tickets())) == 10
    assert len(server.asked) == 2
    server, _, line = connected(listed(range(1, 10), None))
    assert len(list(Client(line).tickets())) == 9
    assert len(server.asked) == 1


def test_an_empty_page_in_the_middle_does_not_end_a_list():
    meta = {"total_pages": 3}
    server, _, line = connected(listed([1, 2], meta), listed([], meta), listed([3], meta))
    assert [ticket.id for ticket in Client(line).tickets()] == [1, 2, 3]
    assert len(server.asked) == 3


def test_a_list_that_never_ends_is_no_list(monkeypatch):
    monkeypatch.setattr(wire, "MAX_PAGES", 5)
    _, _, line = connected(*[listed([number], {"total_pages": None}) for number in range(1, 9)])
    with pytest.raises(Unreachable, match="does not end"):
        list(Client(line).tickets())


def test_a_filter_that_the_server_ignores_is_applied_here():
    rows = b'{"tickets": [{"id": 1, "number": 1, "status": "New"}, {"id": 2, "number": 2, "status": "Closed"}]}'
    _, _, line = connected(Answer(200, rows))
    client = Client(line)
    assert client.ticket_by_number(2).id == 2
    assert client.ticket_by_number(3) is None
    assert [ticket.id for ticket in client.tickets(status="New")] == [1]


@pytest.mark.parametrize(
    "status", [200, 201, 204, 301, 304, 400, 401, 403, 404, 408, 409, 418, 422, 425, 429, 499, 500, 502, 599]
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"comment": {"id": 1}}', b'{"comment": null}', b"{"])
def test_every_answer_to_a_write_is_one_of_the_four(status, body):
    from syncro_nb.service import requests

    _, _, line = connected(Answer(status, body))
    sent = requests.add_comment(1, subject="s", body="b", hidden=False, do_not_email=True)
    result = outcome.send(sent, Client(line).send)
    landed = 200 <= status < 300 and body == b'{"comment": {"id": 1}}'
    definite = status in (400, 401, 403, 404, 409, 422, 429)
    assert isinstance(result, outcome.Answered) == landed
    assert isinstance(result, outcome.Refused) == definite
    assert isinstance(result, outcome.Unknown) == (not landed and not definite)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": ' + b'{"a": ' * 900 + b"1" + b"}" * 901,
        b'{"ticket": {"id": 1, "number": 2, "zz": 1e999999999999999999999}}',
        b'{"ticket": {"id": 1, "number": 2, "line_items": [{"id": 1, "price_retail": 1e99999999}]}}',
        b'{"ticket": {"id": 1, "number": 2, "line_items": [{"id": 1, "quantity": "1e40"}]}}',
        b'{"ticket": {"id": 1, "number": 2, "line_items": [{"id": 1, "price_retail": 1' + b"0" * 30 + b"}]}}",
    ],
)
@pytest.mark.parametrize("status", [200, 422])
def test_an_absurd_answer_is_one_clear_error(status, body):
    _, _, line = connected(Answer(status, body))
    with pytest.raises((Unreachable, Refused)) as caught:
        Client(line).ticket(1)
    assert "\n" not in str(caught.value)


def test_an_answer_that_is_packed_twice_is_not_unpacked():
    _, _, line = connected(Answer(200, b"x" * 100, {"Content-Encoding": "gzip, gzip"}))
    with pytest.raises(Unreachable, match="odd way"):
        line.ask("GET", "/tickets")


def test_an_absurd_date_header_changes_nothing():
    _, _, line = connected(Answer(headers={"Date": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"}))
    line.ask("GET", "/tickets/1")
    assert line.server_now() == line.clock.now()


def test_a_server_that_trickles_headers_for_ever_is_left(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def trickle():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
                while not stop.wait(0.02):
                    connection.sendall(b"a")

        server = threading.Thread(target=trickle, daemon=True)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        line = Transport(url, Secret(KEY), timeout_seconds=5, clock=StillClock(datetime.now(UTC)))
        monkeypatch.setattr(line._deadline, "seconds", 0.2)
        with pytest.raises(Unreachable, match="the connection broke") as caught:
            line.ask("GET", "/tickets")
        assert not isinstance(caught.value, NotSent)
        stop.set()
        server.join()
        line.close()
