"""A client for planning many bills in one go: what many tickets share is read once, what each has of its own every time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from . import wire
from .client import Client
from .records import Customer, Invoice, Me, Product

R = TypeVar("R")


class Once(Client):
    """`client` with a memory: products, customers and invoices by id, the first page of invoices and the key's owner are asked
    for once.

    For minutes, not for hours: make a new one for each planning. Closing it is closing `client`.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client._transport)
        self._known: dict[tuple[str, int | str], object] = {}

    def product(self, product_id: int) -> Product:
        """As `Client.product`."""
        return self._remembered("product", product_id, lambda: super(Once, self).product(product_id))

    def customer(self, customer_id: int, *, bulk: bool = False, flaws: list[wire.Flaw] | None = None) -> Customer:
        """As `Client.customer`."""
        read = partial(super().customer, customer_id, bulk=bulk, flaws=flaws)
        return self._remembered("customer", customer_id, read)

    def invoice(self, id_or_number: int | str, *, bulk: bool = False, flaws: list[wire.Flaw] | None = None) -> Invoice:
        """As `Client.invoice`."""
        read = partial(super().invoice, id_or_number, bulk=bulk, flaws=flaws)
        return self._remembered("invoice", id_or_number, read)

    def me(self) -> Me:
        """As `Client.me`."""
        return self._remembered("me", "", lambda: super(Once, self).me())

    def first_invoices(self) -> list[Invoice]:
        """As `Client.first_invoices`."""
        return self._remembered("invoices", "first", lambda: super(Once, self).first_invoices())

    def _remembered(self, what: str, key: int | str, read: Callable[[], R]) -> R:
        if (what, key) not in self._known:
            self._known[what, key] = read()
        return self._known[what, key]  # type: ignore[return-value]
