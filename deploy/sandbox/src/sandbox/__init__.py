"""A stateful, seeded simulation of the providers' APIs; it knows nothing of the product."""
