"""Runs a command that must not outlive its parent: `parent_death.py PARENT [--watch] -- COMMAND…`."""

# Invariant: once the process PARENT has ended, however it ended, COMMAND ends too.
#
# On Linux the kernel keeps it: the script asks for SIGKILL at the parent's death (PR_SET_PDEATHSIG survives
# exec), then becomes the command, so there is no process more.  The parent may have died before the request;
# then the script has another parent by now, and runs nothing:
#   launcher 10 forks 11, 10 dies, 11 asks the kernel, getppid() is 1, not 10  → exit code 70
# Elsewhere (or with --watch before the `--`) the script stays between the two, and kills its whole process
# group when its parent is no longer PARENT.  It imports little: every process of the system waits for it.

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
"""linux/prctl.h; fires when the *thread* that forked ends: the launcher forks in its main thread."""

ORPHANED = 70
_POLL_SECONDS = 0.1


def main(arguments: list[str]) -> int:
    split = arguments.index("--")
    parent, command = int(arguments[0]), arguments[split + 1 :]
    if sys.platform != "linux" or "--watch" in arguments[:split]:
        return _watch(parent, command)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refused to end the process with its parent")
    if os.getppid() != parent:  # the parent died before the kernel knew of the request
        return ORPHANED
    return _exec(command)


def _exec(command: list[str]) -> int:
    """Become the command; return 127, as shells do, when it cannot be run."""
    try:
        os.execvp(command[0], command)  # noqa: S606  the command is the launcher's own
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
        return 127


def _watch(parent: int, command: list[str]) -> int:
    # The launcher made this process the leader of a group: signals to the group reach the command too, and
    # this process ignores them, so that it can return the command's exit code.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child = os.fork()
    if child == 0:
        os._exit(_exec(command))
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if os.getppid() != parent:
            os.killpg(os.getpgrp(), signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
