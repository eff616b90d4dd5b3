"""ipywidgets forms. A form writes only what was previewed and confirmed, through `Workspace.apply`.

Each function takes the workspace, a ticket's number, and values that fill inputs in, by the names of the draft. Panels and the
workbench only read.
"""

from .batch import BatchForm, batch_form
from .bill import bill_form
from .bulk import bulk_form
from .correct import correct_form
from .customer import contact_form, create_form, customer_form
from .customerpanel import CustomerPanel
from .form import Form
from .journal import JournalForm, journal_form
from .payment import payment_form
from .repair import repair_form
from .review import review_form
from .table import Table
from .ticket import close_form, comment_form, delete_form, schedule_form, update_form
from .ticketpanel import TicketPanel
from .timer import timer_form
from .workbench import Workbench

__all__ = [
    "BatchForm",
    "CustomerPanel",
    "Form",
    "JournalForm",
    "Table",
    "TicketPanel",
    "Workbench",
    "batch_form",
    "bill_form",
    "bulk_form",
    "close_form",
    "comment_form",
    "contact_form",
    "correct_form",
    "create_form",
    "customer_form",
    "delete_form",
    "journal_form",
    "payment_form",
    "repair_form",
    "review_form",
    "schedule_form",
    "timer_form",
    "update_form",
]
