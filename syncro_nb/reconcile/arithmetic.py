"""Arithmetic on whole columns, as the rules need it: keys that may be absent, cents half up, and no loop over rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import terms

Array = np.ndarray[Any, Any]
NO_ID, ids = terms.NO_ID, terms.plain_ids


def at(keys: pd.Series, frame: pd.DataFrame, key: str, column: str) -> pd.Series:
    """For each id the value of `column` in the first row of `frame` with that `key`; absent (text: empty) where there
    is none.
    """
    return terms.look_up(keys, frame, key, {"value": column})["value"]


def among(values: Array, wanted: Any) -> Array:
    """Which of these whole numbers are among the others; by hashing, which is faster than np.isin's sorting."""
    return np.asarray(pd.Series(values).isin(wanted).to_numpy())


def mixed(columns: Iterable[Array]) -> Array:
    """One 64-bit number for each row of several whole-number columns; equal rows give equal numbers."""
    result: Array | None = None
    for column in columns:
        value = np.asarray(column).astype("uint64", copy=False)
        value = (
            value if result is None else value + (result * np.uint64(0x9E3779B97F4A7C15) ^ (result >> np.uint64(29)))
        )
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        result = value ^ (value >> np.uint64(31))
    assert result is not None
    return result


def of_one_ticket(lines: pd.DataFrame, places: Array, names: Iterable[str], *more: Array) -> Array:
    """For these lines (places) numbers that are equal for lines of one ticket with equal facts (columns, and `more`).

    Those of one ticket stand together when sorted, and lines do so nearly anyway: sorting is quick.
    """
    facts = mixed([*(ids(lines[name])[places] for name in ("ticket_id", *names)), *more])
    return np.asarray(
        (lines["ticket"].to_numpy()[places] + 1).astype("uint64") << np.uint64(40) | facts >> np.uint64(24)
    )


def _starts(ordered: Array) -> Array:
    """Where runs of equal values begin."""
    if not len(ordered):
        return np.zeros(0, dtype="int64")
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def _within_runs(ordered: Array) -> Array:
    """For each value how many equal ones stand right before it."""
    starts = _starts(ordered)
    return np.asarray(np.arange(len(ordered)) - np.repeat(starts, np.diff(np.append(starts, len(ordered)))))


def repeated(keys: Array) -> Array:
    """Rows whose key occurs more than once."""
    order = np.argsort(keys, kind="stable")
    starts = _starts(keys[order])
    lengths = np.diff(np.append(starts, len(keys)))
    found = np.empty(len(keys), dtype=bool)
    found[order] = np.repeat(lengths > 1, lengths)
    return found


def marked(places: Array, count: int) -> Array:
    """Of so many rows those that are among these places (-1: none)."""
    found = np.zeros(count + 1, dtype=bool)
    found[places] = True
    return found[:-1]


def added_up(places: Array, values: Array, count: int) -> Array:
    """Exact sums of whole numbers (wrapping around) for each of so many places (-1: none)."""
    sums = np.zeros(count + 1, dtype=values.dtype)
    np.add.at(sums, places, values)
    return sums[:-1]


@dataclass(frozen=True)
class Sums:
    """Sums of whole numbers by key, keys ascending."""

    keys: Array
    sums: Array

    def at(self, keys: Array) -> Array:
        """The sum of each of these keys; 0 where there is none."""
        if not len(self.keys):
            return np.zeros(len(keys), dtype="int64")
        spots = np.searchsorted(self.keys, keys)
        spots[spots == len(self.keys)] = 0
        return np.where(self.keys[spots] == keys, self.sums[spots], 0)


def sum_by(keys: Array, values: Array) -> Sums:
    """Exact sums of int64 values by key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    if not len(ordered):
        return Sums(ordered, np.zeros(0, dtype="int64"))
    starts = _starts(ordered)
    return Sums(ordered[starts], np.add.reduceat(values[order].astype("int64"), starts))


def half_up(numerator: Any, denominator: int) -> Any:
    """numerator / denominator as whole numbers, halves away from zero. The product must fit into 63 bits."""
    doubled = 2 * np.asarray(numerator, dtype="int64")
    return (np.abs(doubled) + denominator) // (2 * denominator) * np.sign(doubled)


def line_amount(quantity_millionths: Any, price_cents: Any) -> Any:
    """quantity × price in cents, half up."""
    quantity, price = np.asarray(quantity_millionths, dtype="int64"), np.asarray(price_cents, dtype="int64")
    return half_up(quantity * price, 1_000_000)


def net_cents(lines: pd.DataFrame) -> Array:
    """What lines come to with their discount."""
    amount: Array = lines["amount_cents"].to_numpy()
    percent, cents = lines["discount_percent"], lines["discount_cents"]
    if percent.notna().any():
        thousandths = np.round(percent.fillna(0).to_numpy() * 1000).astype("int64")
        amount = amount - half_up(amount * thousandths, 100_000)
    if cents.notna().any():
        amount = amount - cents.fillna(0).to_numpy(dtype="int64")
    return amount


def has_word(texts: pd.Series, words: Iterable[str]) -> Array:
    """Whether a text holds one of these words, whole and in any case."""
    listed = "|".join(re.escape(one.lower()) for one in words if one)
    return matches(texts, rf"(?i)(?<!\w)(?:{listed})(?!\w)") if listed else np.zeros(len(texts), dtype=bool)


def matches(texts: pd.Series, pattern: str) -> Array:
    """Whether a pattern is found in a text; every different text is looked at once, and absent ones have nothing."""
    search = re.compile(pattern).search
    codes, different = pd.factorize(texts)
    found = np.array([search(str(one)) is not None for one in different] + [False], dtype=bool)
    return np.asarray(found[codes])
