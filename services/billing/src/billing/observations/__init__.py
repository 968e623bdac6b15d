"""What the other services said, as billing keeps it."""
