"""The weekly and monthly reports, each a function of the books: `make("wip", Question(books, house))`.

A report is a table with declared columns and notes: what it could not see, and what a reader has to know to read it rightly.
"""

from .registry import REPORTS, Question, Report, Table, every_report, find, make

__all__ = ["REPORTS", "Question", "Report", "Table", "every_report", "find", "make"]
