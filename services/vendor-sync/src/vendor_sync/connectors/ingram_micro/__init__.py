"""The Ingram Micro Cloud Marketplace."""
