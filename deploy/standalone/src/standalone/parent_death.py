"""Runs a command that must not outlive the process that asked for it: `tether.py PARENT -- COMMAND…`.

On Linux the kernel kills the command when the parent dies, however it dies, and this script becomes the
command: no process more. Elsewhere (or with `--watch` before the `--`) it stays and watches the parent.
Runs as a bare script and imports little, since every part of the system waits for it.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
"""linux/prctl.h; fires when the *thread* that forked us ends: the launcher does it in its main one."""

ORPHANED = 70
_GLANCE = 0.1


def main(arguments: list[str]) -> int:
    split = arguments.index("--")
    parent, command = int(arguments[0]), arguments[split + 1 :]
    if sys.platform != "linux" or "--watch" in arguments[:split]:
        return _watch(parent, command)
    _die_with_parent()
    if os.getppid() != parent:  # it died before the kernel knew of our wish
        return ORPHANED
    return _become(command)


def _die_with_parent() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refused to tether the process to its parent")


def _become(command: list[str]) -> int:
    try:
        os.execvp(command[0], command)  # noqa: S606  the command is the launcher's own
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
        return 127


def _watch(parent: int, command: list[str]) -> int:
    """The launcher made us leader of a process group: signals reach the command without our help."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child = os.fork()
    if child == 0:
        os._exit(_become(command))
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if os.getppid() != parent:
            os.killpg(os.getpgrp(), signal.SIGKILL)
        time.sleep(_GLANCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
