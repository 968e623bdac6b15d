"""What psa-sync keeps: the writes asked of it, and what its runs still have to read."""
