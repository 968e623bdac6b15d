"""A run of a marketplace: accounts, lists, details from a persisted to-do list, the lists again."""
