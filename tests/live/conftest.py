"""The live system that the tests of this directory share: it stops as soon as the last of them is over."""

from live_system import others_servers, system
from reviewed_system import reviewed

__all__ = ["others_servers", "reviewed", "system"]
