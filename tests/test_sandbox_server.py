"""The sandbox on a port of this machine."""

import http.client
import json
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from syncro_nb.errors import ConfigError
from syncro_nb.sandbox import RunningClock, Sandbox, Server, serve

CONFORM = Path(__file__).resolve().parents[1].parent / "shared" / "tools" / "conform.py"
FRESH = Sandbox().dump()


@pytest.fixture
def server():
    with serve(Sandbox.load(FRESH)) as running:
        yield running


@pytest.fixture
def connection(server):
    parts = urlsplit(server.url)
    made = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    yield made
    made.close()


def ask(connection, method, path, body=None):
    headers = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_one_connection_serves_many_requests(server, connection):
    ask(connection, "GET", "/api/v1/me")
    first = connection.sock
    status, body = ask(connection, "GET", "/api/v1/tickets?number=32164")
    assert connection.sock is first
    assert (status, json.loads(body)["tickets"][0]["number"]) == (200, 32164)


def test_it_listens_on_this_machine_only(server):
    assert server.url.startswith("http://127.0.0.1:")
    assert server.url.endswith("/api/v1")
    assert server.key == "sandbox"


def test_a_taken_port_is_one_clear_line(server):
    with pytest.raises(ConfigError, match=rf"cannot listen on 127.0.0.1:{server.port}: .*in use"):
        serve(Sandbox.load(FRESH), port=server.port)


@pytest.mark.parametrize("port", [70_000, -1])
def test_a_port_that_cannot_be_is_one_clear_line(port):
    with pytest.raises(ConfigError, match="cannot listen"):
        serve(Sandbox.load(FRESH), port=port)


def test_a_dropped_connection_is_a_reset_without_an_answer(server, connection):
    ask(connection, "POST", "/_sandbox/faults", {"match": "GET /me", "kind": "drop_after"})
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        ask(connection, "GET", "/api/v1/me")
    assert ask(connection, "GET", "/api/v1/me")[0] == 200


def test_a_truncated_answer_ends_too_early(server, connection):
    ask(connection, "POST", "/_sandbox/faults", {"match": "GET /me", "kind": "truncate"})
    with pytest.raises(http.client.IncompleteRead):
        ask(connection, "GET", "/api/v1/me")


def test_the_controls_need_no_key(server, connection):
    ask(connection, "GET", "/api/v1/me?api_key=sandbox")
    connection.request("GET", "/_sandbox/log")
    log = json.loads(connection.getresponse().read())
    assert [(row["method"], row["path"], row["query"], row["status"]) for row in log] == [("GET", "/me", {}, 200)]


def test_a_switch_can_be_set_over_the_wire(server, connection):
    assert ask(connection, "POST", "/_sandbox/switches", {"rate_limit": [1, 60]})[0] == 200
    assert [ask(connection, "GET", "/api/v1/me")[0] for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    "request_text",
    [
        "BREW /api/v1/tickets HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        "POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
        "POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET http://127.0.0.1/api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
        "nonsense\r\n\r\n",
    ],
)
def test_nonsense_on_the_wire_is_refused_below_500(server, request_text):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(request_text.encode())
        raw.shutdown(socket.SHUT_WR)
        answer = raw.recv(10_000).decode()
    assert " 40" in answer.split("\r\n")[0] or answer.split()[1] in ("401", "404", "413")


def test_a_head_request_has_no_body(server, connection):
    assert ask(connection, "HEAD", "/api/v1/me") == (200, b"")
    assert ask(connection, "GET", "/api/v1/me")[0] == 200


def test_many_at_once_get_their_own_answers(server):
    numbers = list(range(32150, 32166))
    found = {}

    def look(number):
        parts = urlsplit(server.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        status, body = ask(connection, "GET", f"/api/v1/tickets?number={number}")
        found[number] = (status, json.loads(body)["tickets"][0]["number"])
        connection.close()

    threads = [threading.Thread(target=look, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: (200, number) for number in numbers}


def test_after_closing_nobody_answers():
    server = serve(Sandbox.load(FRESH))
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_a_server_can_run_in_the_foreground_and_be_closed_by_another_thread():
    server = Server(Sandbox.load(FRESH))
    thread = threading.Thread(target=server.run)
    thread.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(b"GET /api/v1/me?api_key=sandbox HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
    server.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_server_that_never_ran_can_be_closed():
    Server(Sandbox.load(FRESH)).close()


def test_a_running_clock_begins_where_it_is_told():
    start = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    assert timedelta(0) <= RunningClock(start)() - start < timedelta(seconds=5)


@pytest.mark.skipif(not CONFORM.exists(), reason="the official payloads are not on this machine")
@pytest.mark.parametrize("switches", [{}, {"time_zone": "Asia/Kolkata", "page_sizes": {"customers": 100}}])
def test_it_answers_as_the_official_payloads_say(switches):
    sandbox = Sandbox()
    sandbox.handle("POST", "/_sandbox/switches", {}, json.dumps(switches).encode())
    with serve(sandbox) as server:
        done = subprocess.run(
            [sys.executable, str(CONFORM), server.url, server.key], capture_output=True, text=True, check=False
        )
    assert done.stdout.splitlines()[-1].endswith(" 0 differences, 0 missing operations"), done.stdout
    assert done.returncode == 0
