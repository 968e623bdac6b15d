"""Finds the next page of a list (ConnectWise §2.4)."""

from urllib.parse import parse_qs, urlsplit

from shared.errors import UnexpectedResponse
from shared.http_client.link_header import link_target
from shared.http_client.response import ApiResponse
from shared.limits import record_hit
from shared.limits.answers import HEADER_CHARACTERS, PAGE_ID_DIGITS


def next_page_id(answer: ApiResponse) -> int | None:
    """Returns the `pageId` of the next page, None at the end, where the header is there but empty (§2.4)."""
    header = answer.headers.get("link", "")
    if len(header) > HEADER_CHARACTERS.most:
        record_hit(HEADER_CHARACTERS)
        raise UnexpectedResponse(f"{answer.call} links to the next page in more than {HEADER_CHARACTERS}")
    try:
        target = link_target(header, "next")
        ids = parse_qs(urlsplit(target).query).get("pageId", [""]) if target is not None else None
    except ValueError as error:
        raise UnexpectedResponse(f"{answer.call} links to the next page unreadably: {error}") from error
    if ids is None:
        return None
    if not ids[0].isascii() or not ids[0].isdecimal():
        raise UnexpectedResponse(f"{answer.call} names no pageId in its link to the next page")
    if len(ids[0]) > PAGE_ID_DIGITS.most:
        record_hit(PAGE_ID_DIGITS)
        raise UnexpectedResponse(f"{answer.call} names a pageId of more than {PAGE_ID_DIGITS}")
    return int(ids[0])
