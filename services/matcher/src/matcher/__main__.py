"""Runs matcher, or its trial, which needs neither servers nor what the service imports."""

import sys

if sys.argv[1:2] == ["trial"]:
    from matcher.proposals.trial import main as try_lists

    sys.exit(try_lists(sys.argv[2:]))

from matcher.app import create_app
from matcher.settings import Settings
from shared.runtime.command_line import main

main(create_app, Settings, "matcher")
