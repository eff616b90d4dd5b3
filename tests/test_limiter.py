import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncro_nb.clock import StillClock, SystemClock
from syncro_nb.database import open_database
from syncro_nb.errors import ConfigError
from syncro_nb.service.limiter import HAIR, LONGEST_REQUEST, TICKET_SECONDS, Limiter, Load, parse_rate

START = datetime(2026, 11, 2, 8, tzinfo=UTC)


class SharedClock(StillClock):
    """Time for several threads: one runs at a time, and when all sleep the clock moves to the first who wakes."""

    def __init__(self) -> None:
        super().__init__(START)
        self.turn = threading.Condition()
        self.awake = 0
        self.sleeping: list[tuple[float, int]] = []
        self.naps = 0

    def sleep(self, seconds: float) -> None:
        with self.turn:
            self.naps += 1
            nap = (self.elapsed + max(0.0, seconds), self.naps)
            self.sleeping.append(nap)
            self.awake -= 1
            self.turn.notify_all()
            self.turn.wait_for(lambda: self.awake == 0 and nap == min(self.sleeping))
            self.sleeping.remove(nap)
            self.awake += 1
            self.elapsed = max(self.elapsed, nap[0])

    def run(self, *jobs: Callable[[], None]) -> None:
        """Run the jobs at once, each in a thread of its own; the first comes first where all else is equal."""
        errors: list[BaseException] = []

        def play(job: Callable[[], None], start: float) -> None:
            try:
                self.sleep(start)
                job()
            except BaseException as error:
                errors.append(error)
            finally:
                with self.turn:
                    self.awake -= 1
                    self.turn.notify_all()

        self.awake = len(jobs)
        threads = [threading.Thread(target=play, args=(job, 1e-6 * i)) for i, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]


class PulledPlug(StillClock):
    """A process that dies while it waits: nothing is cleaned up behind it."""

    def sleep(self, seconds: float) -> None:
        self.limiter.close()
        raise SystemExit


@contextmanager
def limiters(path: Path, clock: StillClock, count: int = 1, **rate: object) -> Iterator[list[Limiter]]:
    """`count` limiters on one file, as that many processes have them."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Limiter(path, clock=clock, **rate))) for _ in range(count)]


@pytest.fixture
def clock() -> StillClock:
    return StillClock(START)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "limiter.sqlite"


def request(limiter: Limiter, latency: float = 0.0, *, bulk: bool = False) -> float:
    """Send one request; the moment at which it was let through."""
    with limiter.slot(bulk=bulk):
        sent = limiter._clock.moment().seconds
        limiter._clock.sleep(latency)
    return sent


def fill(limiter: Limiter, count: int) -> None:
    for _ in range(count):
        request(limiter)


def die_while_sending(limiter: Limiter) -> None:
    slot = limiter.slot()
    slot.__enter__()
    limiter.close()  # and only then is the slot dropped: nothing is written any more


def closest(moments: list[float], cap: int) -> float:
    """The shortest time in which a server saw one request more than the cap."""
    moments = sorted(moments)
    return min((later - earlier for earlier, later in zip(moments, moments[cap:], strict=False)), default=1e9)


# --- the cap ---------------------------------------------------------------------------------------------------------

seconds_to = st.floats(0, 7, allow_subnormal=False)
jobs = st.lists(
    st.tuples(st.booleans(), seconds_to, seconds_to, seconds_to),  # bulk, idle before, to the server, and back
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(cap=st.integers(1, 6), processes=st.lists(jobs, min_size=2, max_size=3))
def test_no_window_ever_sees_more_than_the_cap_however_the_latency_jitters(cap, processes):
    clock = SharedClock()
    arrived: list[float] = []

    def play(limiter: Limiter, requests: list) -> None:
        for bulk, idle, there, back in requests:
            clock.sleep(idle)
            with limiter.slot(bulk=bulk):
                clock.sleep(there)
                arrived.append(clock.elapsed)
                clock.sleep(back)

    with (
        tempfile.TemporaryDirectory() as folder,
        limiters(Path(folder) / "l", clock, len(processes), requests=cap, seconds=10) as opened,
    ):
        clock.run(*(lambda p=p, w=w: play(p, w) for p, w in zip(opened, processes, strict=True)))
    assert len(arrived) == sum(map(len, processes))
    assert closest(arrived, cap) > 10


def test_a_slot_cools_down_from_the_answer_and_not_from_the_start(path, clock):
    with limiters(path, clock, requests=1) as [limiter]:
        assert request(limiter, latency=25) == 0
        assert request(limiter) == pytest.approx(25 + 60 + HAIR, abs=0.01)


def test_a_request_that_fails_has_used_its_slot_all_the_same(path, clock):
    with limiters(path, clock, requests=1) as [limiter]:
        with pytest.raises(RuntimeError), limiter.slot():
            raise RuntimeError
        assert request(limiter) > 60


def test_a_request_that_outlasts_its_lease_cools_down_from_its_answer(path, clock):
    with limiters(path, clock, 2, requests=1) as [slow, other]:
        with slow.slot():
            clock.sleep(LONGEST_REQUEST + 100)
            assert other.load().used == 0
        assert request(other) == pytest.approx(LONGEST_REQUEST + 100 + 60 + HAIR, abs=0.01)


def test_processes_share_one_cap_and_servers_have_their_own(path, clock):
    with limiters(path, clock, 2, requests=3, scope="a") as [one, other], limiters(path, clock, scope="b") as [b]:
        fill(one, 2)
        fill(other, 1)
        fill(b, 180)
        assert clock.elapsed == 0
        assert one.load().used == 3
        fill(other, 1)
        assert clock.elapsed > 60


def test_threads_may_share_one_limiter(path):
    with limiters(path, SystemClock(), requests=100) as [limiter]:
        threads = [threading.Thread(target=fill, args=(limiter, 10)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert limiter.load().used == 40


def test_the_whole_cap_is_used_by_three_processes_in_bulk(path):
    clock = SharedClock()
    sent: list[float] = []

    def hammer(limiter: Limiter) -> None:
        while clock.elapsed < 8 * 60:
            sent.append(request(limiter, latency=0.3, bulk=True))

    with limiters(path, clock, 3, requests=30) as opened:
        clock.run(*(lambda p=p: hammer(p) for p in opened))
    steady = sum(120 < moment <= 480 for moment in sent)
    assert steady >= 0.97 * 6 * 30


# --- whose turn ------------------------------------------------------------------------------------------------------


def queue_up(path: Path, *waiters: tuple[str, bool]) -> list[str]:
    """The cap is used up; then the waiters (name, bulk) come, a second apart. The order in which they get a slot."""
    clock = SharedClock()
    served: list[str] = []

    def wait(limiter: Limiter, name: str, bulk: bool, after: float) -> None:
        clock.sleep(after)
        with limiter.slot(bulk=bulk):
            served.append(name)

    with limiters(path, clock, len(waiters), requests=1) as opened:
        clock.run(
            lambda: fill(opened[0], 1),
            *(
                lambda i=i, p=p, w=w: wait(p, *w, after=i)
                for i, (p, w) in enumerate(zip(opened, waiters, strict=True), 1)
            ),
        )
    return served


def test_first_come_first_served_between_processes(path):
    waiters = [("first", False), ("second", False), ("third", False), ("fourth", False)]
    assert queue_up(path, *waiters) == ["first", "second", "third", "fourth"]


def test_a_single_request_goes_before_the_bulk_reads_that_came_first(path):
    waiters = [("page 1", True), ("page 2", True), ("click", False), ("page 3", True), ("write", False)]
    assert queue_up(path, *waiters) == ["click", "write", "page 1", "page 2", "page 3"]


def test_a_person_hardly_waits_while_others_pull_in_bulk(path):
    clock = SharedClock()
    waits: list[float] = []

    def pull(limiter: Limiter) -> None:
        while clock.elapsed < 200:
            request(limiter, latency=0.05, bulk=True)

    def click(limiter: Limiter) -> None:
        while clock.elapsed < 190:
            clock.sleep(5.3)
            asked = clock.elapsed
            waits.append(request(limiter, latency=0.3) - asked)

    with limiters(path, clock, 3) as [one, two, person]:
        clock.run(lambda: pull(one), lambda: pull(two), lambda: click(person))
    assert len(waits) > 30
    assert max(waits) <= 1.5


def test_a_short_bulk_read_is_not_slowed_down(path, clock):
    with limiters(path, clock) as [limiter]:
        for _ in range(90):
            request(limiter, bulk=True)
        assert clock.elapsed == 0


def test_a_waiter_that_died_blocks_nobody_for_long(path, clock):
    plug = PulledPlug(START)
    with limiters(path, clock, requests=1) as [limiter]:
        fill(limiter, 1)
        plug.elapsed = 58  # it dies a moment before the slot comes back
        plug.limiter = Limiter(path, requests=1, clock=plug)
        with pytest.raises(SystemExit):
            request(plug.limiter)
        clock.elapsed = 58
        assert limiter.load().waiting == 1
        assert 58 + TICKET_SECONDS <= request(limiter) <= 58 + TICKET_SECONDS + 1


def test_an_interrupted_wait_leaves_no_ticket(path, clock):
    class Interrupted(StillClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    with limiters(path, clock, requests=1) as [one], limiters(path, Interrupted(START), requests=1) as [other]:
        fill(one, 1)
        with pytest.raises(KeyboardInterrupt):
            request(other)
        assert one.load().waiting == 0


# --- death, reboot, 429 ----------------------------------------------------------------------------------------------


def test_the_slot_of_a_dead_process_comes_back_a_window_after_its_longest_request_and_not_before(path, clock):
    with limiters(path, clock, requests=1) as [limiter]:
        die_while_sending(Limiter(path, requests=1, clock=clock))
        assert request(limiter) == pytest.approx(LONGEST_REQUEST + 60 + HAIR, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(former=st.floats(0, 1e6), present=st.floats(0, 1e6), latency=st.floats(0, 30), is_dead=st.booleans())
def test_after_a_reboot_no_slot_is_free_before_a_window_has_passed(former, present, latency, is_dead):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "l"
        before = StillClock(START, boot="before", elapsed=former)
        limiter = Limiter(path, requests=1, clock=before)
        request(limiter, latency)
        if is_dead:
            die_while_sending(limiter)
        limiter.close()
        after = StillClock(START, boot="after", elapsed=present)
        with limiters(path, after, requests=1) as [limiter]:
            got = request(limiter)
    assert got >= 60  # seconds since the machine started, which was after the last answer
    assert got - present <= 60 + HAIR + 0.01 + is_dead * LONGEST_REQUEST


def test_after_a_reboot_a_stop_lasts_no_longer_than_it_was_meant_to(path, clock):
    before = StillClock(START, boot="before", elapsed=1e6)
    with limiters(path, before) as [limiter]:
        limiter.penalise(30)
    with limiters(path, clock) as [limiter]:
        assert request(limiter) == pytest.approx(30, abs=0.01)


def test_a_429_stops_all_processes_of_this_server_and_then_they_go_on(path, clock):
    with limiters(path, clock, 2) as [one, other], limiters(path, clock, scope="b") as [elsewhere]:
        one.penalise(20)
        assert other.load().stopped_for_seconds == 20
        assert request(elsewhere) == 0
        assert request(other) == pytest.approx(20, abs=0.01)
        assert request(one) == clock.elapsed
        assert one.load().stopped_for_seconds == 0


def test_of_two_stops_the_longer_holds(path, clock):
    with limiters(path, clock) as [limiter]:
        limiter.penalise(30)
        limiter.penalise(5)
        limiter.penalise(-1)
        assert limiter.load().stopped_for_seconds == 30
        limiter.penalise(40)
        assert limiter.load().stopped_for_seconds == 40


# --- what people see -------------------------------------------------------------------------------------------------


def test_load_tells_how_busy_it_is(path, clock):
    with limiters(path, clock, requests=2) as [limiter]:
        assert limiter.load() == Load(used=0, cap=2, waiting=0, free_in_seconds=0, stopped_for_seconds=0)
        request(limiter, latency=10)
        with limiter.slot():
            assert limiter.load().free_in_seconds == pytest.approx(60 + HAIR)
        clock.sleep(15)
        assert limiter.load() == Load(2, 2, 0, pytest.approx(45 + HAIR), 0)
        clock.sleep(60)
        assert limiter.load().used == 0


def test_a_damaged_file_is_one_clear_line(path, clock):
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(ConfigError, match=r"limiter\.sqlite"):
        Limiter(path, clock=clock)


def test_a_file_that_stays_locked_is_one_clear_line_but_never_costs_an_answer(path, clock):
    with limiters(path, clock) as [limiter], closing(open_database(path, "", 1, durable=False)) as other:
        limiter._db.execute("PRAGMA busy_timeout=0")  # rather than half a minute
        with limiter.slot():
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(ConfigError, match=r"^[^\n]*limiter\.sqlite: database is locked[^\n]*$"):
                limiter.load()
        other.execute("ROLLBACK")
        assert limiter.load().used == 1  # until its lease ends


def test_a_table_that_is_gone_is_one_clear_line(path, clock):
    with limiters(path, clock) as [limiter]:
        limiter._db.execute("DROP TABLE entries")
        with pytest.raises(ConfigError, match="rate limiter"):
            request(limiter)


@pytest.mark.parametrize(
    ("text", "rate"), [("180/60", (180, 60.0)), (" 1/0.5\n", (1, 0.5)), ("1000000/1", (1_000_000, 1.0))]
)
def test_a_rate_is_requests_per_seconds(text, rate):
    assert parse_rate(text) == rate


WRONG = "|180|180/|/60|0/60|180/0|180/0.0|-1/60|1.5/60|180/inf|nan/1|1e3/60|180/60/1|180 per minute|180//60"


@pytest.mark.parametrize("text", [*WRONG.split("|"), "\N{ARABIC-INDIC DIGIT ONE}/1", "9" * 5000 + "/1"])
def test_anything_else_is_no_rate(text):
    with pytest.raises(ConfigError, match="SYNCRO_NB_RATE must be requests/seconds"):
        parse_rate(text)


# --- real processes --------------------------------------------------------------------------------------------------

HAMMER = """
import sys
from pathlib import Path
from syncro_nb.clock import SystemClock
from syncro_nb.service.limiter import Limiter

clock = SystemClock()
limiter = Limiter(Path(sys.argv[1]), requests=20, seconds=0.3, clock=clock)
for turn in range(30):
    with limiter.slot(bulk=turn % 2 == 0):
        print(clock.moment().seconds)
limiter.close()
"""


def test_two_real_processes_keep_to_one_cap(path):
    with limiters(path, SystemClock(), requests=20, seconds=0.3) as [watcher]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", HAMMER, str(path)]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
        sent = [float(line) for process in processes for line in process.communicate(timeout=30)[0].splitlines()]
        assert [process.returncode for process in processes] == [0, 0]
        assert watcher.load().waiting == 0
    assert len(sent) == 60
    assert closest(sent, 20) > 0.3
