"""Entry point: `python -m sandbox` serves the sandbox with the settings in the SANDBOX__… variables."""

from sandbox.server import serve
from sandbox.settings import load

serve(load())
