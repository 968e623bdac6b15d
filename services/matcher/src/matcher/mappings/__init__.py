"""What belongs to what: decided by equal names, or by a person."""
