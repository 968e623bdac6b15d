"""Real stores for every test that needs one: started once, a fresh database each time."""

pytest_plugins = ("workers", "stores", "live_system", "reviewed_system")
