"""Maps vendor accounts and services to PSA accounts and products."""
