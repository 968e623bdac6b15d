"""What a person types to connect, and how it is sealed."""
