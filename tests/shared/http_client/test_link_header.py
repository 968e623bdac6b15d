import time
from contextlib import suppress

import pytest

from shared.http_client.link_header import link_target

URL = "https://api.example/x?pageSize=1000&pageId=250"


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", None),
        (f'<{URL}>; rel="next"', URL),
        (f"<{URL}>;rel=next", URL),
        (f'<https://a.example/first>; rel="first", <{URL}>; rel="next"', URL),
        (f'<{URL}>; title="one, <two>; rel=\\"prev\\""; rel="next last"', URL),
        (f'<{URL}>; Rel="NEXT"', URL),
        (f'<{URL}>; rel="prev"', None),
        (f'<{URL}>; rel="prev"; rel="next"', None),
        (f'<{URL}>; title="next"', None),
        ('<>; rel="next"', ""),
        (" , ", None),
    ],
)
def test_the_next_page_is_found(header: str, target: str | None) -> None:
    assert link_target(header, "next") == target


@pytest.mark.parametrize(
    "header", ["next", f'{URL}; rel="next"', f'<{URL}; rel="next"', f'<{URL}> rel="next"']
)
def test_a_header_that_is_none_is_an_error_and_not_the_end_of_the_list(header: str) -> None:
    with pytest.raises(ValueError, match="no link at character"):
        link_target(header, "next")


@pytest.mark.parametrize(
    "part", ["<", ">", ">;rel=", "<a>;", "<a>;rel=", "<a>,", ",", " ", '<a>;x="', '\\"', "<a>;a;", "<a>;a=b"]
)
def test_any_header_is_read_in_linear_time(part: str) -> None:
    for beginning in ("", "<", '<a>; x="', "<a>; rel="):
        half, whole = (seconds_for(beginning + part * (size // len(part))) for size in (50_000, 100_000))

        assert whole < 1
        assert whole < 4 * half + 0.05


def test_sixty_thousand_brackets_take_no_time() -> None:
    assert seconds_for("<" * 60_000) < 0.05


def seconds_for(header: str) -> float:
    """The least processor time of three, so that a busy machine does not decide."""
    times = list[float]()
    for _ in range(3):
        since = time.process_time()
        with suppress(ValueError):
            link_target(header, "next")
        times.append(time.process_time() - since)
    return min(times)
