"""How many accounts are loaded and calculated at once."""

# An account may have one subscription or thousands; what costs memory and time is the rows. So a batch is as
# large as the last one suggests, at most twice as large:  16 accounts held 4,800 rows → 1 next;  30 rows →
# 32, then 64

ROWS = 300
"""Rows in one batch, about: it bounds memory, and how long others wait for the event loop and the lease.

Batches of four times as many took ten megabytes more and were no faster."""
FIRST_ACCOUNTS, MAX_ACCOUNTS = 16, 64


class BatchSize:
    """Adjusts the batch size so that one batch loads about `ROWS` rows."""

    def __init__(self) -> None:
        self.accounts = FIRST_ACCOUNTS

    def record(self, accounts: int, rows: int) -> None:
        """Adjusts to a batch of that many accounts that held that many rows."""
        fitting = accounts * ROWS // max(rows, 1)
        self.accounts = max(1, min(fitting, 2 * self.accounts, MAX_ACCOUNTS))
