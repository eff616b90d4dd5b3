"""The two summaries that shops look at daily: open tickets, and time and charges that nobody has billed yet.

Pure functions of `Books`: `summarise_open_tickets` and `summarise_unbilled` give an object whose tables are DataFrames with
declared columns; every function that they use can be called by itself. Nothing here reads the network, the disk or a clock.
"""
