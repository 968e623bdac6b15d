"""What psa-sync reasons about: the PSA's things as read, and the writes that were asked of it."""
