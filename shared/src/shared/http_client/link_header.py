"""Reads the header `Link` (RFC 8288 §3), by which a far side names the next page."""

# Invariant: the time is linear in the length, whatever is sent: each match starts where the last one ended,
# nothing that was matched is given back (`*+`), and the first text that is no link ends it with an error.
#
#   <https://a.example/x?pageId=7>; title="a, <b>"; rel="next last"     relation next → https://a.…pageId=7

import re

_PARAMETER = r'\s*+;\s*+([^\s=;,"<>]*+)(?:\s*+=\s*+(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s;,"<>]*+)))?+'
_LINK = re.compile(rf"[\s,]*+<([^<>]*+)>((?:{_PARAMETER})*+)\s*+(?=,|$)")
_PARAMETERS = re.compile(_PARAMETER)


def link_target(header: str, relation: str) -> str | None:
    """Returns the first target of that relation, None when there is none; ValueError for no such header."""
    position, end = 0, len(header.rstrip(", \t"))
    while position < end:
        link = _LINK.match(header, position)
        if link is None:
            raise ValueError(f"no link at character {position}")
        relations = next((value for name, value in _values(link[2]) if name == "rel"), "")
        if relation in relations.lower().split():
            return link[1]
        position = link.end()
    return None


def _values(parameters: str) -> list[tuple[str, str]]:
    return [(name.lower(), quoted or plain) for name, quoted, plain in _PARAMETERS.findall(parameters)]
