"""Reconciliation: every dollar between work and ledger, followed. Rules find, the report weighs and adds up."""
