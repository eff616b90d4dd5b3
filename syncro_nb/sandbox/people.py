"""What can be done to customers, their phones and their contacts. See `desk` for `fields` and `now`."""

from __future__ import annotations

import re

from .request import Refusal, flag, plain, text, whole
from .state import Account, Row

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CONTACT_TEXTS = ("name", "address1", "address2", "city", "state", "zip", "email", "phone", "mobile", "notes")
_CUSTOMER_TEXTS = (
    "business_name",
    "firstname",
    "lastname",
    "email",
    "phone",
    "mobile",
    "address",
    "address_2",
    "city",
    "state",
    "zip",
    "notes",
    "referred_by",
    "notification_email",
    "invoice_cc_emails",
)


def create_customer(account: Account, fields: Row, now: int) -> Row:
    """POST /customers."""
    values = _customer_values(account, fields)
    if not (values.get("business_name") or values.get("firstname") or values.get("lastname")):
        message = ["Firstname can't be blank", "Lastname can't be blank"]
        raise Refusal(422, {"success": False, "message": message, "params": plain(fields)})
    blank: Row = dict.fromkeys(_CUSTOMER_TEXTS)
    flags = dict.fromkeys(("get_sms", "opt_out", "no_email", "disabled"), False)
    ids = dict.fromkeys(("tax_rate_id", "invoice_term_id", "ref_customer_id"))
    row = account.customers.add(
        {**blank, **flags, **ids, "properties": {}, "prepay_hours": None, "created_at": now, **values}
    )
    _finish(account, row, now)
    return row


def change_customer(account: Account, row: Row, fields: Row, now: int) -> None:
    """PUT /customers/{id}: only what is named changes."""
    account.customers.change(row, _customer_values(account, fields))
    _finish(account, row, now)


def _customer_values(account: Account, fields: Row) -> Row:
    mail = text(fields.get("email"))
    if mail is not None and not _MAIL.fullmatch(mail):
        message = ["Email is not an email", f'Email Only able to parse up to "{mail}"']
        raise Refusal(422, {"success": False, "message": message, "params": plain(fields)})
    values: Row = {name: text(fields[name]) for name in _CUSTOMER_TEXTS if name in fields}
    for name in ("phone", "mobile"):
        if name in values:
            values[name] = digits(values[name])
    for name in ("get_sms", "opt_out", "no_email", "disabled"):
        if flag(fields.get(name)) is not None:
            values[name] = flag(fields[name])
    for name in ("tax_rate_id", "invoice_term_id", "ref_customer_id"):
        if name in fields:
            values[name] = whole(fields[name])
    if isinstance(fields.get("properties"), dict):
        values["properties"] = plain(fields["properties"])
    return values


def _finish(account: Account, row: Row, now: int) -> None:
    """The names that are joined from others, and the phones."""
    fullname = " ".join(filter(None, (row["firstname"], row["lastname"]))) or row["business_name"]
    both = f"{row['business_name']} - {fullname}" if row["business_name"] else fullname
    row.update(
        fullname=fullname,
        business_and_full_name=both,
        business_then_name=row["business_name"] or fullname,
        updated_at=now,
    )
    have = {phone["number"] for phone in account.phones.where("customer_id", row["id"])}
    for label, number in (("Phone", row["phone"]), ("Mobile", row["mobile"])):
        if number and number not in have:
            account.phones.add(
                {"label": label, "number": number, "customer_id": row["id"], "created_at": now, "updated_at": now}
            )


def delete_customer(account: Account, row: Row) -> None:
    """DELETE /customers/{id}. One with tickets or invoices is only disabled: its records must keep their owner."""
    if account.tickets.where("customer_id", row["id"]) or account.invoices.where("customer_id", row["id"]):
        row["disabled"] = True
        return
    for table in (account.contacts, account.phones, account.payments, account.contracts, account.schedules):
        for part in table.where("customer_id", row["id"]):
            table.remove(part)
    account.customers.remove(row)


def create_contact(account: Account, fields: Row, now: int) -> Row:
    """POST /contacts."""
    values = _contact_values(fields)
    blank: Row = {**dict.fromkeys(_CONTACT_TEXTS), "id": None, "customer_id": None, "properties": {}}
    blank.update(created_at=None, updated_at=None)
    customer_id = whole(fields.get("customer_id"))
    if fields.get("customer_id") in (None, ""):
        raise BadContact({**blank, **values}, "Customer can't be blank")
    if account.customers.get(customer_id) is None:
        raise Refusal(404, {"message": "Not found"})
    _check_mail({**blank, **values, "customer_id": customer_id})
    del blank["id"]
    return account.contacts.add({**blank, **values, "customer_id": customer_id, "created_at": now, "updated_at": now})


def change_contact(account: Account, row: Row, fields: Row, now: int) -> None:
    """PUT /contacts/{id}: the name must be named."""
    values = _contact_values(fields)
    if not values.get("name"):
        raise BadContact({**row, **values}, "Name can't be blank")
    _check_mail({**row, **values})
    if text(fields.get("title")):
        values["properties"] = {**row["properties"], "title": text(fields["title"])}
    account.contacts.change(row, {**values, "updated_at": now})


class BadContact(Exception):
    """A contact that cannot be kept: Syncro shows it back, with what is wrong."""

    def __init__(self, row: Row, errors: str) -> None:
        super().__init__(errors)
        self.row, self.errors = row, errors


def _contact_values(fields: Row) -> Row:
    values: Row = {name: text(fields[name]) for name in _CONTACT_TEXTS if name in fields}
    if isinstance(fields.get("properties"), dict):
        values["properties"] = plain(fields["properties"])
    return values


def _check_mail(row: Row) -> None:
    if row["email"] is not None and not _MAIL.fullmatch(row["email"]):
        raise BadContact(row, "Email is not an email")


def digits(number: str | None) -> str | None:
    """A phone number as it is kept: digits only."""
    return re.sub(r"\D", "", number, flags=re.ASCII) or None if number else None
