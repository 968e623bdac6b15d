"""Reads the body of an answer, and no more of it than its kind may have, packed or unpacked."""

# Invariant: however much arrives, however far it unpacks and however slowly it comes, no more is held than
# `most_bytes` and one network read, for `most_seconds`. httpx unpacks each network read whole, 64 KB into
# 64 MB, so unpacking is ours:
#
#   success, limit 1,000 bytes    Content-Length 2000 → refused unread     1,001 bytes unpacked → refused
#   error, limit 1,000 bytes      1,001 bytes → its first 1,000: the status already says what to do

import asyncio
import zlib
from typing import cast

import httpx

from shared.errors import TransientError, UnexpectedResponse
from shared.http_client.answer_size import SMALL, AnswerSize
from shared.limits import record_hit

ACCEPTED_ENCODINGS = "gzip"
"""For the header `Accept-Encoding`; not `deflate`, which has two meanings (RFC 9110 §8.4.1.2)."""
_GZIP = zlib.MAX_WBITS | 16
_UNPACKED = ("gzip", "x-gzip")
_MAX_LENGTH_DIGITS = 18
_QUOTED_CHARACTERS = 40


class UnfinishedAnswer(TransientError):
    """An answer began and did not end in the time that its kind may take."""


async def read_body(response: httpx.Response, name: str, size: AnswerSize) -> bytearray:
    """Returns the unpacked body of an open response; of an error the beginning, as far as it is readable.

    Raises UnexpectedResponse for a success that is too long, UnfinishedAnswer, httpx.DecodingError for a
    success that cannot be unpacked, and what the stream raises.
    """
    size, body = size if response.is_success else SMALL, bytearray()
    try:
        async with asyncio.timeout(size.most_seconds.most):
            whole = await _read_into(body, response, size.most_bytes.most)
    except TimeoutError as error:
        record_hit(size.most_seconds)
        raise UnfinishedAnswer(f"{name} did not end its answer within {size.most_seconds}") from error
    except zlib.error as error:
        if response.is_success:
            raise httpx.DecodingError(str(error)) from error
        return body
    if not whole:
        record_hit(size.most_bytes)
        if response.is_success:
            sentence = f"{name} answered with more than {size.most_bytes}"
            raise UnexpectedResponse(sentence, status=response.status_code)
        del body[size.most_bytes.most :]
    return body


async def _read_into(body: bytearray, response: httpx.Response, most_bytes: int) -> bool:
    """Reads until the end, or one byte beyond `most_bytes`; tells whether the end was reached."""
    if response.is_success and _declared_bytes(response) > most_bytes:
        return False
    unpacker, arrived_bytes = _unpacker(response), 0
    async for part in cast("httpx.AsyncByteStream", response.stream):
        arrived_bytes += len(part)
        body += unpacker.decompress(part, most_bytes + 1 - len(body)) if unpacker else part
        # What arrives counts too: it may unpack to nothing for ever.
        if max(arrived_bytes, len(body)) > most_bytes:
            return False
    return True


def _declared_bytes(response: httpx.Response) -> int:
    text = response.headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) <= _MAX_LENGTH_DIGITS else 0


def _unpacker(response: httpx.Response) -> "zlib._Decompress | None":
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in _UNPACKED:
        raise zlib.error(f"{encoding[:_QUOTED_CHARACTERS]} was not asked for")
    return zlib.decompressobj(_GZIP)
