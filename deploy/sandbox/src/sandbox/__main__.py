"""`python -m sandbox` serves the sandbox as the SANDBOX__… variables say."""

from sandbox.server import serve
from sandbox.settings import load

serve(load())
