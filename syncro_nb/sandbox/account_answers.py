"""Answers about the account itself: whose key it is, technicians, settings, attendance."""

from __future__ import annotations

from . import render, render_billing
from .desk import TICKET_TYPE
from .request import Refusal, Request, whole
from .state import Account
from .switches import DAYS
from .times import from_ms

Reply = tuple[int, object]

PROBLEM_TYPES = ["Email", "Hardware", "Network", "Other", "Printing", "Security", "Software", "User Account"]
PRIORITIES = ["", "0 Urgent", "1 High", "2 Normal", "3 Low"]
USER_TOKEN = "00000000-demo-0000-0000-000000000000"  # the real service shows the caller's secret here


def me(account: Account, request: Request) -> Reply:
    """GET /me"""
    owner, switches = account.owner, account.switches
    areas = ("asset", "customer", "ticket", "invoice", "payment")
    verbs = ("read", "write", "delete")
    return 200, {
        "user_token": USER_TOKEN,
        "user_email": owner["email"],
        "user_name": owner["full_name"],
        "user_id": owner["id"],
        "admin": owner["admin"],
        "can_use_app": True,
        "two_factor_required": False,
        "subdomain": "demo",
        "default_location": None,
        "enable_multi_locations": False,
        "locations_allowed": [],
        "permissions": {
            **{area: {verb: not switches.denies(area, verb) for verb in verbs} for area in areas},
            "worksheet": {"add": True, "manage": True, "delete": True},
            "script": {"execute": True},
        },
    }


def list_users(account: Account, request: Request) -> Reply:
    """GET /users: pairs of id and name."""
    return 200, {"users": [[row["id"], row["full_name"]] for row in account.users]}


def get_user(account: Account, request: Request) -> Reply:
    """GET /users/{id}"""
    row = account.users.get(whole(request.ids[0]))
    if row is None:
        raise Refusal(404)
    return 200, {"user": render.user(account, row)}


def settings(account: Account, request: Request) -> Reply:
    """GET /settings"""
    switches = account.switches
    offset = from_ms(request.now, switches.zone).strftime("%z")
    week = []
    for name in DAYS:
        start, end = switches.business_hours.get(name, ("09:00", "17:00"))
        week.append({"day": name, "start": start, "end": end, "closed": name not in switches.business_hours})
    shown = {
        "customers": {"required_fields": None, "customer_fields": [], "customer_field_answers": []},
        "assets": {"asset_types": [], "asset_type_fields": [], "asset_type_field_answers": []},
        "locale": {
            "iso_code": "en",
            "currency_symbol": "$",
            "date_format": switches.date_format,
            "time_format": "hh:mm tt",
            "time_zone": switches.time_zone,
            "time_offset": f"{offset[:3]}:{offset[3:5]}",
        },
        "ticket": {
            "ticket_types": [TICKET_TYPE],
            "ticket_type_fields": [],
            "ticket_type_field_answers": [],
            "problem_types": PROBLEM_TYPES,
            "priorities": PRIORITIES,
        },
        "business_hours_enabled": True,
        "business_hours": week,
        "default_holiday_calendar": "USA",
        "msp_addon": None,
    }
    return 200, {**shown, "pb_enabled": False} if switches.autumn else shown


def ticket_settings(account: Account, request: Request) -> Reply:
    """GET /tickets/settings"""
    return 200, {
        "ticket_status_list": list(account.switches.statuses),
        "default_labor_product_id": account.default_labor_product_id,
        "ticket_timer_charge_by_default": None,
        "saved_searches": [],
        "ticket_types": [TICKET_TYPE],
        "ticket_type_fields": [],
        "ticket_type_field_answers": [],
        "appointment_types": [],
        "users": [{"id": row["id"], "name": row["full_name"]} for row in account.users],
        "dashboard_settings": None,
        "worksheet_templates": [],
        "require_ticket_type": None,
        "require_intake_form_with_ticket": None,
        "require_outtake_form_with_ticket": None,
        "ticket_workflow_default_id": None,
    }


def list_timelogs(account: Account, request: Request) -> Reply:
    """GET /timelogs: all of them, without pages."""
    user_id = request.asked_id("user_id")
    rows = list(account.timelogs) if user_id is None else account.timelogs.where("user_id", user_id)
    return 200, {"timelogs": [render_billing.timelog(account, row) for row in rows]}
