"""Business hours: every figure here can be checked with a calendar; the rest is held against a count of single minutes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncro_nb import hours, zones
from syncro_nb.hours import Hours, federal_holidays, from_settings
from syncro_nb.service import records, wire
from syncro_nb.zones import zone_of

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
NINE_TO_FIVE = Hours(LOS_ANGELES)
HOUR = 3600


def at(text, zone=LOS_ANGELES):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def week(**days):
    rows = [
        {"day": day.capitalize(), "start": span.split("-")[0], "end": span.split("-")[1], "closed": False}
        for day, span in days.items()
    ]
    return {"business_hours": rows, "default_holiday_calendar": "USA"}


def read(settings_json, zone=LOS_ANGELES):
    written = {"locale": {"time_zone": "Pacific Time (US & Canada)"}, **settings_json}
    return from_settings(wire.read(records.Settings, written), zone)


def test_a_zone_has_the_name_of_rails_or_its_own_and_another_is_said():
    assert zone_of({"time_zone": "Arizona"}).key == "America/Phoenix"
    assert zone_of({"time_zone": "America/New_York"}).key == "America/New_York"
    for nothing in (None, {}, {"time_zone": None}, {"time_zone": "Middle of nowhere"}, {"time_zone": "../etc/passwd"}):
        assert zone_of(nothing) is None
    assert "no time zone" in read(week(monday="08:00-17:00") | {"locale": None}).doubts[0]


def test_every_name_of_rails_is_a_zone_that_there_is():
    assert [name for name in zones._RAILS if zone_of({"time_zone": name}) is None] == []


def test_a_weekend_does_not_count():
    friday, monday = at("2026-03-20 16:00"), at("2026-03-23 10:00")
    assert NINE_TO_FIVE.open_seconds(friday, monday) == 2 * HOUR
    assert NINE_TO_FIVE.outside_seconds(friday, monday) == (2 * 24 + 18 - 2) * HOUR


def test_an_end_before_its_start_is_no_time():
    assert NINE_TO_FIVE.open_seconds(at("2026-03-23 10:00"), at("2026-03-20 16:00")) == 0


def test_a_holiday_does_not_count():
    assert NINE_TO_FIVE.open_seconds(at("2026-05-22 16:00"), at("2026-05-26 10:00")) == 2 * HOUR  # Memorial Day
    assert Hours(LOS_ANGELES, calendar="").open_seconds(at("2026-05-22 16:00"), at("2026-05-26 10:00")) == 10 * HOUR


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2026-01-01", "New Year"),
        ("2026-01-19", "Martin Luther King"),
        ("2026-02-16", "Presidents"),
        ("2026-05-25", "Memorial"),
        ("2026-06-19", "Juneteenth"),
        ("2026-07-03", "Independence Day, a Saturday, as it is observed"),
        ("2026-07-04", "Independence Day itself"),
        ("2026-09-07", "Labor Day"),
        ("2026-10-12", "Columbus"),
        ("2026-11-11", "Veterans"),
        ("2026-11-26", "Thanksgiving"),
        ("2026-12-25", "Christmas"),
        ("2021-12-31", "New Year of 2022, a Saturday, as it is observed"),
        ("2023-01-02", "New Year of 2023, a Sunday, as it is observed"),
    ],
)
def test_the_federal_holidays(day, name):
    assert date.fromisoformat(day) in federal_holidays(int(day[:4])), name


def test_no_day_more_is_a_holiday():
    assert len(federal_holidays(2026)) == 12  # eleven, and the third of July
    assert date(2020, 6, 19) not in federal_holidays(2020)  # not yet


def test_the_day_of_twenty_three_hours_and_that_of_twenty_five():
    round_the_clock = Hours(LOS_ANGELES, hours.ROUND_THE_CLOCK, "")
    assert round_the_clock.open_seconds(at("2026-03-08 00:00"), at("2026-03-09 00:00")) == 23 * HOUR
    assert round_the_clock.open_seconds(at("2026-11-01 00:00"), at("2026-11-02 00:00")) == 25 * HOUR
    night = Hours(LOS_ANGELES, (((0, 360),),) * 7, "")
    assert night.open_seconds(at("2026-03-08 00:00"), at("2026-03-08 12:00")) == 5 * HOUR


def test_the_week_as_the_account_writes_it():
    found = read(week(monday="08:00-17:00", saturday="9:00 AM-1:00 PM"))
    assert found.week == (((480, 1020),), (), (), (), (), ((540, 780),), ())
    assert found.doubts == ()


def test_a_night_shift_goes_on_into_the_next_day():
    assert read(week(sunday="22:00-06:00")).week[6] == ((1320, 1440),)
    assert read(week(sunday="22:00-06:00")).week[0] == ((0, 360),)


def test_a_minute_to_midnight_is_midnight():
    assert read(week(monday="00:00-23:59")).week[0] == ((0, 1440),)


def test_what_the_account_does_not_say_is_assumed_and_said():
    for nothing in ({}, {"business_hours": []}, {"business_hours": "soon"}, {"business_hours": [{"day": "Moonday"}]}):
        found = read(nothing)
        assert found.week == hours.USUAL_WEEK
        assert "assumed" in found.doubts[0]
    assert "assumed" in from_settings(None, LOS_ANGELES).doubts[0]
    off = read(week(monday="08:00-17:00") | {"business_hours_enabled": False})
    assert off.week == hours.ROUND_THE_CLOCK
    assert "switched off" in off.doubts[0]
    assert "not known" in read(week(monday="08:00-17:00") | {"default_holiday_calendar": "Canada"}).doubts[0]


def test_business_days_are_counted_at_the_same_time_of_the_day():
    thursday = at("2026-03-19 15:00")
    assert NINE_TO_FIVE.days_later(thursday, 3) == at("2026-03-24 15:00")
    assert NINE_TO_FIVE.days_between(thursday, at("2026-03-24 14:59")) == 2
    assert NINE_TO_FIVE.days_between(thursday, at("2026-03-24 15:00")) == 3
    assert NINE_TO_FIVE.days_between(thursday, at("2026-03-21 09:00")) == 1  # Saturday: Friday has passed


def test_a_shop_that_never_opens():
    never = Hours(LOS_ANGELES, ((),) * 7)
    assert never.open_seconds(at("2026-03-01 00:00"), at("2026-04-01 00:00")) == 0
    with pytest.raises(ValueError, match="not open"):
        never.later(at("2026-03-01 00:00"), 60)


def test_absent_times_stay_absent():
    starts = pd.Series([pd.Timestamp("2026-03-20 16:00", tz="UTC"), pd.NaT]).astype("datetime64[us, UTC]")
    now = at("2026-03-21 00:00")
    assert NINE_TO_FIVE.open_seconds_between(starts, now).isna().tolist() == [False, True]
    assert NINE_TO_FIVE.days_between_all(starts, now).isna().tolist() == [False, True]
    empty = starts[:0]
    assert len(NINE_TO_FIVE.open_seconds_between(empty, empty)) == 0


# Opening times by the quarter; none inside the two hours of the night in which clocks change.
MINUTES = st.sampled_from([0, 15, *range(4 * 60, 24 * 60 + 1, 15)])
SPAN = st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: (pair,))
WEEKS = st.tuples(*[st.one_of(st.just(()), SPAN)] * 7)
ZONES = st.sampled_from(["America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "UTC"]).map(ZoneInfo)
DAYS = ["2026-03-06", "2026-03-28", "2026-10-23", "2026-10-30", "2026-07-01", "2025-12-30"]
MOMENTS = st.builds(
    lambda day, minutes: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(DAYS),
    st.integers(0, 4 * 24 * 60),
)


def minutes_counted(shop, start, end):
    """One minute after the other, each asked by the clock on the shop's wall."""
    minutes = 0
    while start < end:
        local = start.astimezone(shop.zone)
        minute = local.hour * 60 + local.minute
        spans = shop.week[local.weekday()] if not shop.is_holiday(local.date()) else ()
        minutes += any(opens <= minute < closes for opens, closes in spans)
        start += timedelta(minutes=1)
    return minutes


@settings(max_examples=20, deadline=None)
@given(week=WEEKS, zone=ZONES, start=MOMENTS, length=st.integers(0, 3 * 24 * 60))
def test_open_seconds_are_the_minutes_counted_one_by_one(week, zone, start, length):
    shop, end = Hours(zone, week), start + timedelta(minutes=length)
    assert shop.open_seconds(start, end) == 60 * minutes_counted(shop, start, end)
    assert shop.open_seconds(start, end) + shop.outside_seconds(start, end) == length * 60


@settings(max_examples=20, deadline=None)
@given(week=WEEKS.filter(any), zone=ZONES, start=MOMENTS, seconds=st.integers(1, 200_000))
def test_later_is_the_first_instant_with_so_much_open_time(week, zone, start, seconds):
    shop = Hours(zone, week)
    then = shop.later(start, seconds)
    assert shop.open_seconds(start, then) == seconds
    assert shop.open_seconds(start, then - timedelta(seconds=1)) == seconds - 1


@settings(max_examples=20, deadline=None)
@given(week=WEEKS.filter(any), zone=ZONES, pairs=st.lists(st.tuples(MOMENTS, MOMENTS), min_size=1, max_size=5))
def test_a_column_gives_what_its_rows_give(week, zone, pairs):
    shop = Hours(zone, week)
    starts, ends = (pd.Series([pair[place] for pair in pairs]).astype("datetime64[us, UTC]") for place in (0, 1))
    assert shop.open_seconds_between(starts, ends).tolist() == [shop.open_seconds(*pair) for pair in pairs]
    assert shop.days_between_all(starts, ends).tolist() == [shop.days_between(*pair) for pair in pairs]
    for start, end in pairs:
        days = shop.days_between(start, end)
        assert days == 0 or shop.days_later(start, days) <= end
        assert shop.days_later(start, days + 1) > end or end < start
