"""The last step of mapping: a person declares that enough is mapped to bill by it."""
