"""One run of one city: populations, mechanisms, ledger and indicators."""
