"""Ages in whole days and the four bands that they are shown in."""

from __future__ import annotations

import pandas as pd

AGE_BANDS = ("0–7", "8–14", "15–30", "30+")  # days; with an en dash, since a spreadsheet takes 8-14 for a date
UNDATED = "no date"
_LAST_DAYS = (7, 14, 30)


def age_band(days: pd.Series) -> pd.Series:
    """The band of each age in days (Int64): 0–7, 8–14, 15–30, 30+ (31 and more); "no date" where it is absent."""
    bands = pd.Series(UNDATED, index=days.index, dtype="str").mask(days.notna(), AGE_BANDS[-1])
    for last, band in reversed(list(zip(_LAST_DAYS, AGE_BANDS[:-1], strict=True))):
        bands = bands.mask((days <= last).fillna(False).astype("bool"), band)
    return bands.astype(pd.CategoricalDtype([*AGE_BANDS, UNDATED], ordered=True))
