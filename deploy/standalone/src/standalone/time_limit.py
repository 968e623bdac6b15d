"""How long the launcher waits for a process to get ready, and the demo for a step, before it gives up.

A minute is plenty for a machine that does nothing else. `TRUEUP_TIMEOUT_SECONDS` sets another limit, for a
slow or busy machine; the tests do.
"""

import os

TIMEOUT_SECONDS = float(os.environ.get("TRUEUP_TIMEOUT_SECONDS", "60"))
