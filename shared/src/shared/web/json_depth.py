"""How deep lists and objects lie in each other in JSON text, judged while the text comes in pieces."""

# Invariant: only brackets outside of strings count, wherever the text was cut. Escapes are dropped first, for
# JSON has them in strings only; then every other stretch between quotes is outside of a string:
#
#   {"a\"[": [{   →  escapes gone {"a[": [{   →  outside of strings {: [{   →  depth 3
#
# Each step runs over the whole piece at once, in C: a bulk approval of megabytes costs a few milliseconds.

import re

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPEN = frozenset(b"[{")


class JsonDepth:
    """Follows one text."""

    def __init__(self, most: int) -> None:
        self._most, self._depth = most, 0
        self._in_string = False
        self._cut_escape = b""
        """The backslash with which the piece before ended."""

    def exceeded_by(self, piece: bytes) -> bool:
        """Takes the next piece; tells whether the text is too deep by now, or is not UTF-8 at all.

        The encodings other than UTF-8 that Python's parser would take have a zero byte in every bracket, and
        brackets could be hidden in them.
        """
        text = _ESCAPE.sub(b"", self._cut_escape + piece)
        self._cut_escape = b"\\" if text.endswith(b"\\") else b""
        stretches = text.removesuffix(b"\\").split(b'"')
        outside = stretches[self._in_string :: 2]
        self._in_string ^= len(stretches) % 2 == 0
        for bracket in b"".join(outside).translate(None, _NOT_BRACKETS):
            self._depth += 1 if bracket in _OPEN else -1
            if self._depth > self._most:
                return True
        return b"\0" in piece
