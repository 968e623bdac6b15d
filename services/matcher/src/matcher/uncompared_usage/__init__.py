"""What is used and compared with nothing, for its account or its service is not mapped."""
