"""Which account groups are calculated again, when, and by whom."""
