"""ipywidgets forms. A form writes only what was previewed and confirmed, through `Workspace.apply`."""

from .bill import bill_form
from .form import Form

__all__ = ["Form", "bill_form"]
