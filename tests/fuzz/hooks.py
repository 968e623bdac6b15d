"""What schemathesis must know of our APIs: how cursors are made, and that nobody outside is to be called."""

import os
from typing import Any

import schemathesis
from hypothesis import strategies as st

from shared.web.pagination import encode_cursor

PROVIDER = os.environ["FUZZ_PROVIDER_URL"]
"""The simulated providers' address."""

# Without halves of surrogate pairs, which no cursor holds; control characters are in some names.
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
schemathesis.openapi.format("key-cursor", st.builds(encode_cursor, _text))
schemathesis.openapi.format("revision-cursor", st.builds(encode_cursor, st.integers(0, 2**53).map(str)))
schemathesis.openapi.format("pair-cursor", st.builds(encode_cursor, _text, _text))


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case[Any], __: dict[str, Any]) -> None:
    """Points each connection at the simulated providers: made-up hosts might be somebody's."""
    if (case.method.upper(), case.path) == ("POST", "/integrations") and isinstance(case.body, dict):
        for field in ("host", "base_url"):
            if isinstance(case.body.get(field), str) and case.body[field]:
                case.body[field] = PROVIDER
