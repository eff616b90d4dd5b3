"""The transport: what a broken connection means, and that the key shows nowhere."""

import logging
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from syncro_nb.clock import StillClock
from syncro_nb.errors import Missing, NotSent, Refused, Unreachable
from syncro_nb.secret import Secret
from syncro_nb.service import transport
from syncro_nb.service.client import Client
from syncro_nb.service.transport import Transport
from syncro_nb.writes import outcome

KEY = "canary-5d0c77aa"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b'{"ticket": {"id": 1, "number": 2}}'
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
