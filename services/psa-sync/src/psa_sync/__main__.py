"""Runs psa-sync."""

from psa_sync.app import create_app
from psa_sync.settings import Settings
from shared.serving import serve

serve(create_app, Settings, "psa-sync")
