"""Lists that lag behind: the account as it was some seconds ago, kept while the switch `list_lag` is on."""

from __future__ import annotations

from collections import deque

from .state import Account
from .times import SECOND


class Past:
    """Copies of the account from before each write. It costs time in proportion to the account: meant for the small one."""

    def __init__(self) -> None:
        self._states: deque[tuple[int, Account]] = deque()  # until when it was so, and how it was

    def keep(self, account: Account, now: int) -> None:
        """Something will be written now."""
        if account.switches.list_lag:
            self._states.append((now, Account.load(account.dump(), account.switches)))

    def seen(self, account: Account, now: int) -> Account:
        """The account as lists show it now."""
        then = now - int(account.switches.list_lag * SECOND)
        while self._states and self._states[0][0] <= then:
            self._states.popleft()
        return self._states[0][1] if self._states else account
