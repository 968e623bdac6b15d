"""A person says that enough is mapped."""
