"""What matcher does; the verbs, and what they need of a store."""
