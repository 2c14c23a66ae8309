"""The books: ledger, balance sheet, single accounts, and the identities that must hold."""
