"""The whole of an account read into memory as books, for tests that ask what a summary or a rule says of it."""

import itertools
from dataclasses import replace

from syncro_nb import books
from syncro_nb.tables import Snapshot
from syncro_nb.zones import zone_of


def read_everything(client):
    """Every table of the account behind `client`, each ticket and customer in full."""
    settings = client.settings()
    listed_tickets = [row.in_zone(zone_of(settings.locale)) for row in client.tickets()]
    tickets = [merged(row, client.ticket(row.id)) for row in listed_tickets]
    customers = [replace(client.customer(row.id), name=row.name) for row in client.customers(include_disabled=True)]
    schedules = [client.schedule(row.id) for row in client.schedules()]
    now = client.server_now()
    listed = {row.id: row for row in client.ticket_timers()}
    inner = {timer.id: replace(timer, ticket_id=one.id) for one in tickets for timer in one.timers}
    return books.from_records(
        {
            "tickets": tickets,
            "comments": [replace(row, ticket_id=one.id) for one in tickets for row in one.comments],
            "charges": [replace(row, ticket_id=one.id) for one in tickets for row in one.lines],
            "timers": list((inner | listed).values()),
            "invoices": list(client.invoices()),
            "invoice_lines": list(client.line_items()),
            "customers": customers,
            "contacts": list(client.contacts()),
            "products": list(client.products()),
            "payments": list(client.payments()),
            "schedules": schedules,
            "schedule_lines": list(
                itertools.chain.from_iterable(
                    (replace(line, schedule_id=one.id) for line in one.lines or ()) for one in schedules
                )
            ),
            "contracts": list(client.contracts()),
            "users": list(client.users()),
            "timelogs": list(client.timelogs()),
            "prepaid": [Snapshot(f"{one.id}@{now}", one.id, now, _millionths(one.prepaid_hours)) for one in customers],
        },
        as_of=now,
        settings=settings,
        ticket_settings=client.ticket_settings(),
    )


def merged(listed, detail):
    """A ticket's list row with the comments, lines and timers of its detail."""
    return replace(listed, comments=detail.comments, lines=detail.lines, timers=detail.timers)


def _millionths(hours):
    return None if hours is None else int(hours * 1_000_000)
