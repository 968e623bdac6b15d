"""Whatever a far side answers, in its headers or its body, reading it raises nothing but our own errors."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import UnexpectedResponse
from shared.http_client.link_header import link_target
from shared.http_client.response import parse_response
from shared.limits.answers import PROVIDER_PAUSE_SECONDS

HEADERS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            *("", " ", ",", "0", "-1", "1e9", "inf", "nan", "9" * 64, "1." + "9" * 50, "Mon"),
            *("Mon, 01 Jan 0001 00:00:00 +1400", "Fri, 31 Dec 9999 23:59:59 -2400", "1 Jan 99999999999"),
        ]
    ),
)


@settings(max_examples=500)
@given(header=HEADERS, words=st.text(max_size=30))
def test_a_pause_is_some_seconds_or_none(header: str, words: str) -> None:
    for body in (f"again in {words} second", f"again in {header} second", f"replenished in {words}"):
        pause = parse_response("GET x", 429, {"retry-after": header}, bytearray(body.encode())).retry_after
        assert pause is None or 0 <= pause <= PROVIDER_PAUSE_SECONDS.most


@settings(max_examples=500)
@given(header=HEADERS)
def test_a_link_leads_somewhere_or_nowhere(header: str) -> None:
    with suppress(ValueError):
        assert isinstance(link_target(header, "next"), str | None)


@settings(max_examples=500)
@given(body=st.binary(max_size=60), status=st.sampled_from([200, 204, 301, 400, 403, 404, 429, 500]))
def test_any_body_is_an_answer_or_refused(body: bytes, status: int) -> None:
    with suppress(UnexpectedResponse):
        answer = parse_response("GET x", status, {}, bytearray(body))
        assert len(answer.message) <= 500
        assert answer.is_json or answer.json is None
