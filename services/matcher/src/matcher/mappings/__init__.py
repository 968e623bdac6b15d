"""What belongs to what: decided by the exact rule, or by a person."""
