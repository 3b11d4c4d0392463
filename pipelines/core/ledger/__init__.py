"""The ledger: one SQL database that knows what arrived, what became of it and what was made from it."""
