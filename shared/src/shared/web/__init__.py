"""What every HTTP service has: who calls, how refusals look, how lists are cut into pages."""
