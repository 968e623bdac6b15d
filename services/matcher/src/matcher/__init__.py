"""Says what belongs to what: vendor accounts and services to PSA accounts and products."""
