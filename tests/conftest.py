"""Real stores for every test that needs one: started once, a fresh database each time."""

from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("trueup", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trueup")

pytest_plugins = ("workers", "stores")
