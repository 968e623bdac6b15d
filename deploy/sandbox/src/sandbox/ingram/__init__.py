"""The Ingram Micro Cloud Marketplace: CloudBlue SimpleAPI 1.15 as seen by one reseller."""
