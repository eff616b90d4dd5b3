"""The queue: every signal, every lane, the order, and the why. It is Tuesday, March 31st 2026, 13:00 in Los Angeles; the shop
is open Monday to Friday, nine to five."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from everything import read_everything
from world import HOUSE, NOW, comment, line, ticket, timer, world

from syncro_nb import triage
from syncro_nb.errors import InputError
from syncro_nb.service.records import Settings
from syncro_nb.thresholds import Target, Thresholds
from syncro_nb.workspace import practice

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
SETTINGS = Settings(
    locale={"time_zone": "America/Los_Angeles"},
    business_hours=[{"day": day, "start": "09:00", "end": "17:00", "closed": False} for day in DAYS],
    holiday_calendar="USA",
)


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=LOS_ANGELES).astimezone(UTC)


def open_ticket(number=1, **more):
    """Dana's, two hours old, with a service level that is far from any breach."""
    facts = {
        "status": "In Progress",
        "priority": "2 Normal",
        "user_id": 1,
        "created_at": NOW - timedelta(hours=2),
        "updated_at": NOW - timedelta(hours=2),
        "response_seconds": 90 * 86_400,
        "resolution_seconds": 90 * 86_400,
    }
    return ticket(number, **{**facts, **more})


def bare(number=1, **more):
    """The same without a service level."""
    return open_ticket(number, **{"response_seconds": None, "resolution_seconds": None, **more})


def ours(id, at, number=1, **more):
    return comment(id, number, created_at=local(at), author="Dana", **more)


def theirs(id, at, number=1, **more):
    return comment(id, number, created_at=local(at), author="Rita Customer", user_id=None, **more)


def ranked(*tickets, house=HOUSE, **records):
    books = replace(world(tickets=tickets, **records), settings=SETTINGS)
    return triage.queue(books, house)


def row(*tickets, **records):
    """The first row of a queue."""
    return ranked(*tickets, **records).iloc[0]


def unread(books):
    """The same books with no ticket's details in them."""
    tickets = books.tables["tickets"].copy()
    tickets["detail_at"] = tickets["detail_at"].mask(tickets["detail_at"].notna())
    return replace(books, tables={**books.tables, "tickets": tickets})


# ---------------------------------------------------------------- what is in it


def test_a_resolved_ticket_is_not_in_the_queue():
    assert ranked(*(open_ticket(n, status=s) for n, s in enumerate(("Resolved", "Invoiced", "Closed", "New"), 1)))[
        "number"
    ].tolist() == [4]


def test_an_empty_queue_has_the_same_columns():
    empty, full = ranked(), ranked(open_ticket())
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()
    assert list(empty) == list(triage.QUEUE)
    assert {name: str(dtype) for name, dtype in full.dtypes.items()} == {
        name: column.dtype for name, column in triage.QUEUE.items()
    }


# ---------------------------------------------------------------- whose move it is


@pytest.mark.parametrize(
    ("facts", "ball"),
    [
        ({"customer_reply": True}, "ours"),
        ({"status": "Customer Reply"}, "ours"),
        ({"status": "Waiting on Customer", "customer_reply": True}, "ours"),
        ({"status": "Waiting on Customer"}, "theirs"),
        ({"status": "Waiting for Parts"}, "third"),
        ({"status": "Waiting on Vendor"}, "third"),
        ({"status": "Scheduled", "start_at": NOW + timedelta(days=2)}, "none"),
        ({"status": "In Progress", "start_at": NOW + timedelta(hours=1)}, "none"),
        ({"status": "Scheduled"}, "none"),
        ({"status": "Scheduled", "start_at": NOW - timedelta(hours=1)}, ""),
        ({"status": "Scheduled", "due_on": date(2026, 3, 31)}, ""),
        ({"status": "In Progress"}, ""),
        ({"status": "Departed"}, ""),
    ],
)
def test_the_ball_by_the_lists_fields(facts, ball):
    assert row(open_ticket(**facts))["ball"] == ball


def test_the_ball_is_ours_when_the_customer_wrote_last():
    talk = [theirs(1, "2026-03-31 10:00"), ours(2, "2026-03-31 11:00")]
    assert row(open_ticket(), comments=talk)["ball"] == ""
    assert row(open_ticket(), comments=[*talk, theirs(3, "2026-03-31 12:00")])["ball"] == "ours"


def test_a_hidden_note_is_no_reply():
    talk = [theirs(1, "2026-03-31 10:00"), ours(2, "2026-03-31 11:00", hidden=True)]
    assert row(open_ticket(), comments=talk)["ball"] == "ours"


def test_a_comment_in_a_technicians_name_is_ours_even_without_an_id():
    talk = [theirs(1, "2026-03-31 10:00"), ours(2, "2026-03-31 11:00", user_id=None)]
    assert row(open_ticket(), comments=talk)["ball"] == ""


def test_the_customer_waits_in_business_hours_since_the_first_unanswered_comment():
    talk = [
        theirs(1, "2026-03-26 10:00"),
        ours(2, "2026-03-27 16:00"),
        theirs(
            3, "2026-03-27 16:30"
        ),  # Friday: half an hour, then the weekend, Monday's eight hours and Tuesday's four
        theirs(4, "2026-03-30 11:00"),  # asks again; that does not start it anew
    ]
    assert row(open_ticket(), comments=talk)["customer_wait_hours"] == 12.5


def test_nobody_waits_after_our_reply():
    assert row(open_ticket(), comments=[theirs(1, "2026-03-26 10:00"), ours(2, "2026-03-27 16:00")]).isna()[
        "customer_wait_hours"
    ]


# ---------------------------------------------------------------- targets


def test_the_response_is_met_by_the_second_public_comment():
    sla = {"response_seconds": 4 * 3600, "resolution_seconds": 48 * 3600, "created_at": local("2026-03-31 12:00")}
    first = row(open_ticket(**sla), comments=[theirs(1, "2026-03-31 12:00")])
    assert (first["breach_of"], first["breach_in_hours"]) == ("response", 3.0)
    hidden = row(open_ticket(**sla), comments=[theirs(1, "2026-03-31 12:00"), ours(2, "2026-03-31 12:10", hidden=True)])
    assert hidden["breach_of"] == "response"
    second = row(open_ticket(**sla), comments=[theirs(1, "2026-03-31 12:00"), theirs(2, "2026-03-31 12:10")])
    assert (second["breach_of"], second["breach_in_hours"]) == ("resolution", 47.0)


def test_targets_run_in_calendar_hours():
    over_the_weekend = open_ticket(
        created_at=local("2026-03-27 16:00"), response_seconds=None, resolution_seconds=86_400
    )
    assert row(over_the_weekend)["breach_in_hours"] == -69.0
    assert row(over_the_weekend)["lane"] == "breached"


def test_syncros_own_word_on_a_breach_counts_without_any_target():
    assert row(open_ticket(sla_breached=True))["lane"] == "breached"
    assert row(open_ticket(sla_breaching_soon=True))["lane"] == "at-risk"


@pytest.mark.parametrize(
    ("target_hours", "left_hours", "lane"),
    [(2, 1.0, "at-risk"), (2, 1.1, "parked"), (24, 6.0, "at-risk"), (24, 6.1, "parked"), (24, 0, "breached")],
)
def test_at_risk_is_an_hour_or_a_quarter_of_the_target_whichever_is_longer(target_hours, left_hours, lane):
    came = NOW - timedelta(hours=target_hours - left_hours)
    one = open_ticket(created_at=came, response_seconds=None, resolution_seconds=target_hours * 3600)
    assert row(one)["lane"] == lane


def test_without_a_service_level_the_house_promises_by_priority_and_says_so():
    house = replace(HOUSE, triage=Thresholds(targets={1: Target(3600, None), 2: Target(7200, None)}))
    queue = ranked(bare(1, priority="1 High"), bare(2, priority="2 Normal"), bare(3, priority="3 Low"), house=house)
    rows = queue.set_index("number")
    assert rows["breach_in_hours"].to_dict() == {1: -1.0, 2: 0.0, 3: 0.0}
    assert set(queue["target"]) == {"house"}
    assert rows["why"][1] == "response missed 1 h ago (house)"
    assert row(open_ticket())["target"] == "sla"


def test_a_service_level_with_one_target_only_leaves_the_houses_out():
    one = row(open_ticket(response_seconds=None, resolution_seconds=864_000))
    assert (one["breach_of"], one["target"]) == ("resolution", "sla")


def test_a_forgotten_ticket_turns_stale_before_the_houses_usual_target_is_missed():
    talk = [theirs(1, "2026-03-17 10:00"), ours(2, "2026-03-17 11:00")]
    one = row(bare(created_at=local("2026-03-17 10:00"), updated_at=NOW), comments=talk)
    assert one["lane"] == "stale"


# ---------------------------------------------------------------- lanes


def test_priority_zero_is_an_emergency_whatever_it_is_called():
    for priority in ("0 Urgent", "0", "0 - P1", "URGENT", "Critical"):
        one = row(open_ticket(priority=priority))
        assert one["lane"] == "emergency"
        assert one["why"].startswith(f"priority {priority}")


@pytest.mark.parametrize(
    "subject", ["Internet  is DOWN!", "Server down at the plant", "possible ransomware", "nobody can sign in"]
)
def test_impact_words_in_the_subject_are_an_emergency(subject):
    one = row(open_ticket(subject=subject, priority="3 Low"))
    assert one["lane"] == "emergency"
    assert one["why"].startswith("the subject says")


@pytest.mark.parametrize("subject", ["Shut down the old server", "Slow download", "Outages report", "A printer"])
def test_other_words_are_none(subject):
    assert row(open_ticket(subject=subject))["lane"] == "parked"


def test_impact_words_are_the_shops_own():
    house = replace(HOUSE, triage=Thresholds(impact_words=("till (frozen)",)))
    assert row(open_ticket(subject="Till (frozen) again"), house=house)["lane"] == "emergency"
    assert row(open_ticket(subject="ransomware"), house=house)["lane"] == "parked"
    assert row(open_ticket(subject="x"), house=replace(HOUSE, triage=Thresholds(impact_words=())))["lane"] == "parked"


def test_the_customer_waits():
    one = row(open_ticket(), comments=[theirs(1, "2026-03-31 12:00")])
    assert (one["lane"], one["why"]) == ("customer-waiting", "customer waits 1 business h")


@pytest.mark.parametrize(
    ("facts", "lane"),
    [
        ({"created_at": NOW - timedelta(minutes=16)}, "new-unassigned"),
        ({"created_at": NOW - timedelta(minutes=15)}, "parked"),
        ({"user_id": 1}, "parked"),
        ({"status": "Waiting on Customer"}, "new-unassigned"),
        ({"status": "Scheduled", "start_at": NOW + timedelta(days=1)}, "new-unassigned"),
    ],
)
def test_a_ticket_that_is_nobodys_for_a_quarter_of_an_hour(facts, lane):
    assert row(open_ticket(**{"user_id": None, "status": "New", **facts}))["lane"] == lane


@pytest.mark.parametrize(
    ("due", "came", "status", "lane"),
    [
        ("2026-03-31", "2026-03-30", "In Progress", "due-today"),
        ("2026-03-31", "2026-03-31", "In Progress", "due-today"),
        ("2026-03-31", "2026-03-30", "Waiting on Customer", "due-today"),
        ("2026-04-01", "2026-03-30", "In Progress", "parked"),
        ("2026-03-30", "2026-03-27", "In Progress", "due-today"),
        ("2026-03-30", "2026-03-27", "Waiting on Customer", "parked"),
        ("2026-03-27", "2026-03-27", "In Progress", "parked"),  # Syncro's own date, not a promise
        ("2026-03-28", "2026-03-27", "In Progress", "parked"),  # the same, by UTC
    ],
)
def test_due_today(due, came, status, lane):
    late = "18:00" if due == "2026-03-28" else "09:00"
    facts = {"due_on": date.fromisoformat(due), "created_at": local(f"{came} {late}"), "updated_at": NOW}
    assert row(open_ticket(status=status, **facts))["lane"] == lane


def test_the_day_ends_in_the_accounts_time_zone():
    late = datetime(2026, 4, 1, 5, 0, tzinfo=UTC)  # still March 31st in Los Angeles
    books = replace(world(tickets=[open_ticket(due_on=date(2026, 3, 31))]), settings=SETTINGS, as_of=late)
    assert triage.queue(books, HOUSE).iloc[0]["lane"] == "due-today"


@pytest.mark.parametrize(
    ("priority", "touched", "lane"),
    [
        ("2 Normal", "2026-03-18 13:00", "parked"),  # nine days of eight hours: 72, not more
        ("2 Normal", "2026-03-18 12:59", "stale"),
        ("", "2026-03-18 12:59", "stale"),
        ("3 Low", "2026-03-18 13:00", "parked"),
        ("1 High", "2026-03-26 13:00", "parked"),
        ("1 High", "2026-03-26 12:59", "stale"),
    ],
)
def test_stale_is_so_many_business_hours_without_a_technician(priority, touched, lane):
    came = open_ticket(priority=priority, created_at=local("2026-03-01 09:00"), updated_at=NOW)
    assert row(came, comments=[ours(1, touched, hidden=True)])["lane"] == lane
    assert row(came, timers=[timer(1, started_at=local(touched), ended_at=local(touched))])["lane"] == lane


def test_an_urgent_ticket_says_after_eight_hours_that_nobody_was_there():
    came = open_ticket(priority="0 Urgent", created_at=local("2026-03-01 09:00"))
    assert "no technician for 8.5 business h (limit 8)" in row(came, comments=[ours(1, "2026-03-30 12:30")])["why"]


def test_what_a_customer_writes_or_a_change_does_not_make_a_ticket_fresh():
    came = open_ticket(created_at=local("2026-03-01 09:00"), updated_at=NOW)
    talk = [ours(1, "2026-03-10 09:00"), theirs(2, "2026-03-31 09:00")]
    assert "no technician for 124 business h (limit 72)" in row(came, comments=talk)["why"]


def test_a_limit_that_is_just_met_is_not_passed_by_the_parts_of_a_second_that_a_server_does_not_tell():
    fresh = open_ticket(1, user_id=None, created_at=NOW - timedelta(minutes=15))
    asked = open_ticket(2, status="Waiting on Customer", created_at=local("2026-03-01 09:00"), updated_at=NOW)
    books = world(tickets=[fresh, asked], comments=[ours(1, "2026-03-26 13:00", 2)])
    queue = triage.queue(replace(books, settings=SETTINGS, as_of=NOW + timedelta(milliseconds=700)), HOUSE)
    assert set(queue["lane"]) == {"parked"}


@pytest.mark.parametrize(
    ("asked", "lane"),
    [("2026-03-26 13:00", "parked"), ("2026-03-26 12:59", "chase-due"), ("2026-03-02 12:00", "stale")],
)
def test_a_ticket_that_waits_on_its_customer_for_more_than_three_business_days_is_chased(asked, lane):
    one = open_ticket(status="Waiting on Customer", created_at=local("2026-03-01 09:00"), updated_at=NOW)
    assert row(one, comments=[ours(1, asked)])["lane"] == lane


def test_what_waits_for_parts_is_not_chased_but_turns_stale():
    one = open_ticket(status="Waiting for Parts", created_at=local("2026-03-01 09:00"))
    assert row(one, comments=[ours(1, "2026-03-24 09:00")])["lane"] == "parked"
    assert row(one, comments=[ours(1, "2026-03-02 09:00")])["lane"] == "stale"


def test_what_is_scheduled_ahead_is_parked_until_it_is_stale():
    one = open_ticket(status="Scheduled", start_at=NOW + timedelta(days=2), created_at=local("2026-03-24 09:00"))
    parked = row(one)
    assert (parked["lane"], parked["why"]) == ("parked", "scheduled, in 2 days")
    assert row(replace(one, created_at=local("2026-02-02 09:00")))["lane"] == "stale"


def test_the_first_lane_that_fits_takes_the_ticket():
    everything = {"priority": "0 Urgent", "sla_breached": True, "customer_reply": True, "sla_breaching_soon": True}
    everything |= {"user_id": None, "due_on": date(2026, 3, 31)}
    left = [("priority", "2 Normal"), ("sla_breached", False), ("customer_reply", False), ("sla_breaching_soon", False)]
    left += [("user_id", 1), ("due_on", None)]
    lanes = []
    for name, value in left:
        lanes.append(row(open_ticket(**everything))["lane"])
        everything[name] = value
    assert lanes == list(triage.LANES[:6])


# ---------------------------------------------------------------- order


def numbers(*tickets, **records):
    return ranked(*tickets, **records)["number"].tolist()


def test_lanes_come_in_their_order():
    rows = ranked(
        open_ticket(1),
        open_ticket(2, status="Waiting on Customer", created_at=local("2026-03-02 09:00")),
        open_ticket(3, created_at=local("2026-03-02 09:00")),
        open_ticket(4, due_on=date(2026, 3, 31)),
        open_ticket(5, user_id=None),
        open_ticket(6, sla_breaching_soon=True),
        open_ticket(7, customer_reply=True),
        open_ticket(8, sla_breached=True),
        open_ticket(9, priority="0 Urgent"),
        comments=[ours(1, "2026-03-20 09:00", 2)],
    )
    assert rows["number"].tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert rows["rank"].tolist() == list(range(1, 10))
    assert rows["lane"].tolist() == list(triage.LANES)


def test_inside_a_lane_the_next_breach_comes_first_and_none_last():
    near, far = ({"response_seconds": None, "resolution_seconds": days * 86_400} for days in (30, 60))
    house = replace(HOUSE, triage=Thresholds(targets={}))
    assert numbers(bare(1), open_ticket(2, **far), open_ticket(3, **near), house=house) == [3, 2, 1]


def test_then_priority_then_vip_then_the_longest_wait_then_age_then_number():
    house = replace(HOUSE, triage=Thresholds(targets={}))
    reply = {"customer_reply": True}
    queue = [
        bare(7, **reply),
        bare(6, **reply),
        bare(5, created_at=NOW - timedelta(hours=3), **reply),
        bare(4, **reply),
        bare(3, **reply),
        bare(2, tags=("VIP ",), **reply),
        bare(1, priority="1 High", **reply),
    ]
    talk = [theirs(1, "2026-03-31 12:00", 4), theirs(2, "2026-03-31 11:00", 3)]
    assert numbers(*queue, comments=talk, house=house) == [1, 2, 3, 4, 5, 6, 7]


def test_no_priority_is_normal_and_flagged():
    house = replace(HOUSE, triage=Thresholds(targets={}))
    queue = ranked(bare(3, priority="3 Low"), bare(2, priority=""), bare(1, priority="1 High"), house=house)
    assert queue["number"].tolist() == [1, 2, 3]
    assert "no priority set" in queue["why"][1]


def test_a_tag_of_the_customer_makes_a_vip_too():
    assert row(open_ticket(customer_tags=("gold", "vip")))["vip"]
    assert not row(open_ticket(customer_tags=("vipers",)))["vip"]


def test_money_is_shown_and_never_ranks():
    poor, rich = open_ticket(1), open_ticket(2)
    queue = ranked(rich, poor, timers=[timer(1, 2, minutes=30)], charges=[line(1, 2), line(2, 2, converted=True)])
    assert queue["number"].tolist() == [1, 2]
    assert queue["unbilled_cents"].tolist() == [0, 22500]


def test_the_order_does_not_depend_on_the_order_of_the_records():
    tickets = [open_ticket(number, created_at=NOW - timedelta(hours=number % 5 + 1)) for number in range(1, 30)]
    assert numbers(*tickets) == numbers(*reversed(tickets))


# ---------------------------------------------------------------- why, and what is not known


def test_a_row_has_up_to_three_reasons_its_lanes_first():
    one = row(
        open_ticket(sla_breaching_soon=True, tags=("vip",), due_on=date(2026, 3, 29), priority="", user_id=None),
        comments=[theirs(1, "2026-03-31 09:00")],
    )
    reasons = one["why"].split(triage.SEPARATOR)
    assert one["lane"] == "customer-waiting"
    assert reasons == ["customer waits 4 business h", "response due in 89 days of 90 days", "nobody's for 2 h"]


def test_every_row_has_a_reason():
    queue = ranked(
        open_ticket(1), open_ticket(2, status="Waiting on Customer"), open_ticket(3, status="Scheduled"), bare(4)
    )
    assert queue["why"].str.len().min() > 0
    assert queue.set_index("number")["why"][1] == "nothing is due; response due in 89 days"


def test_a_ticket_whose_details_were_not_read_says_so_and_guesses_nothing():
    books = replace(world(tickets=[open_ticket(created_at=local("2026-03-02 09:00"))]), settings=SETTINGS)
    one = triage.queue(unread(books), HOUSE).iloc[0]
    assert (one["details"], one["lane"]) == ("missing", "parked")
    assert one[["customer_wait_hours", "untouched_hours"]].isna().all()


def test_without_details_a_new_ticket_is_unanswered_and_any_other_is_taken_for_answered():
    sla = {"response_seconds": 3600, "resolution_seconds": 864_000, "created_at": NOW - timedelta(hours=3)}
    books = world(tickets=[open_ticket(1, status="New", **sla), open_ticket(2, **sla)])
    queue = triage.queue(unread(replace(books, settings=SETTINGS)), HOUSE).set_index("number")
    assert queue["lane"].to_dict() == {1: "breached", 2: "parked"}


def test_details_that_are_older_than_the_ticket_are_called_so():
    assert row(open_ticket(updated_at=NOW + timedelta(minutes=1)))["details"] == "old"


def test_a_live_look_reads_the_top_of_the_queue():
    books = replace(world(tickets=[open_ticket(number) for number in range(1, 20)]), settings=SETTINGS)
    queue = triage.queue(unread(books), HOUSE)
    assert triage.to_look_at(queue, 10) == [number + 1000 for number in range(1, 11)]
    assert triage.to_look_at(triage.queue(books, HOUSE), 10) == []


def test_the_document_has_plain_values_in_the_order_of_the_queue():
    queue = ranked(open_ticket(2, due_on=date(2026, 3, 31), tags=("vip",)), open_ticket(1, priority="0 Urgent"))
    listed = triage.as_json(queue)
    assert [one["number"] for one in listed] == [1, 2]
    assert listed[1]["why"] == ["due today", "VIP"]
    assert (listed[1]["due_on"], listed[1]["customer_wait_hours"], listed[1]["vip"]) == ("2026-03-31", None, True)
    assert type(listed[0]["rank"]) is int


# ---------------------------------------------------------------- other thresholds


def test_what_other_thresholds_would_move():
    books = replace(
        world(tickets=[open_ticket(1), open_ticket(2, subject="Till frozen"), open_ticket(3)]), settings=SETTINGS
    )
    moved = triage.what_if(books, HOUSE, Thresholds(impact_words=("frozen",)))
    assert moved["number"].tolist() == [2]
    assert moved.loc[0, ["lane", "new_lane", "rank", "new_rank"]].tolist() == ["parked", "emergency", 2, 1]
    assert len(triage.what_if(books, HOUSE, HOUSE.triage)) == 0


def test_how_many_there_are_in_each_lane():
    counted = triage.counts(ranked(open_ticket(1), open_ticket(2)))
    assert counted.to_dict() == {**dict.fromkeys(triage.LANES, 0), "parked": 2}


def test_the_queue_of_the_invented_account():
    with practice() as workspace:
        books = read_everything(workspace.client)
    queue = triage.queue(books, workspace.house)
    assert len(queue) == 35
    assert queue["lane"].is_monotonic_increasing
    assert set(queue["details"]) == {"read"}


def test_hostile_text_stays_in_its_column():
    one = row(open_ticket(subject="<script>alert(1)</script>\n · x", priority="0 · a\x1b[31m · b"))
    assert one["why"].count(triage.SEPARATOR) == 0
    assert "\x1b" not in one["why"]


def test_a_workspace_tries_other_thresholds_and_keeps_none():
    with practice() as ws:
        before = ws.triage(live=True)
        moved = ws.what_if(live=True, impact_words=("drawer",))
        assert moved[["number", "new_lane"]].values.tolist() == [[32183, "emergency"]]
        assert ws.triage(live=True)["lane"].tolist() == before["lane"].tolist()
        with pytest.raises(InputError, match="there is no threshold 'chase'"):
            ws.what_if(chase=1)


@pytest.mark.parametrize(
    ("hours", "said"),
    [(3.5, "response due in 3.5 h (service level)"), (-50, "response target missed 2 days ago (service level)")],
)
def test_the_clock_of_a_row_in_words(hours, said):
    one = row(open_ticket())
    one = one.copy()
    one["breach_in_hours"], one["breach_of"], one["target"] = hours, "response", "sla"
    assert triage.clock(one) == said


def test_the_clock_of_a_row_without_a_target():
    house = replace(HOUSE, triage=Thresholds(targets={}))
    assert triage.clock(ranked(bare(), house=house).iloc[0]) == "no target"


def test_ages_fall_into_bands():
    days = [0, 1, 3, 4, 7, 8, 30, 31, 400]
    tickets = [open_ticket(n, created_at=NOW - timedelta(days=age)) for n, age in enumerate(days, 1)]
    rows = ranked(*tickets).sort_values("number")
    bands = triage.age_bands(rows).tolist()
    assert bands == ["today", *["1 to 3 days"] * 2, *["4 to 7"] * 2, *["8 to 30"] * 2, *["older"] * 2]
