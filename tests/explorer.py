"""A small model checker: every state that can be reached, breadth first, and the shortest way to one that must not be.

A state is any hashable value. `moves(state)` yields (what happens, next state); `broken(state)` says what is wrong with a
state, or "". Nothing is drawn by lot: a run that ends without a finding has looked at every order of events in its bounds.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Explored:
    """How many states were seen, what was found, and the way there: what happened, in order."""

    states: int
    finding: str = ""
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        way = "".join(f"\n  {number}. {what}" for number, what in enumerate(self.trace, 1))
        return f"{self.states} states" + (f"; {self.finding}:{way}" if self.finding else "")


def explore(start, moves, broken, *, most=5_000_000):
    """Look at every state that can be reached from `start`. Stops at the first broken one."""
    came_from = {start: None}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        if finding := broken(state):
            return Explored(len(came_from), finding, _way(came_from, state))
        for what, after in moves(state):
            if after not in came_from:
                came_from[after] = (what, state)
                queue.append(after)
                if len(came_from) > most:
                    raise AssertionError(f"more than {most} states: the bounds of the model are too wide")
    return Explored(len(came_from))


def _way(came_from, state):
    trace = []
    while (step := came_from[state]) is not None:
        what, state = step
        trace.append(what)
    return tuple(reversed(trace))
