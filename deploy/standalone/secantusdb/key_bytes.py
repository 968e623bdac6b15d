"""Writes and reads the keys of indexes at once; see server.py.

The storage engine's package puts a key together in Python, character of its format by character: a third of
an insert into a collection with five indexes, and most of going through one. SecantusDB encodes the same
tenants and words over and over.
"""

# A key of format `SSSu` is three texts, each ended by a zero byte, and bytes to the end; a value of format
# `u` is bytes alone. Any other format goes the package's way:
#
#   ("db", "rows", "by_name", b"\x04a\x00\x00…")   ↔   b"db\x00rows\x00by_name\x00\x04a\x00\x00…"

from functools import lru_cache
from typing import Any

from secantus import storage
from wiredtiger import swig_wiredtiger

_KEY, _VALUE, _END = "SSSu", "u", b"\x00"
_SHORT = 100
_SAMPLE = ("db", "rows", "näme", b"\x04a\x00\x00\xff")


def install() -> None:
    """Replaces both functions; raises `ValueError` if this package has another form of key."""
    pack_others, unpack_others = swig_wiredtiger.pack, swig_wiredtiger.unpack
    as_packed = pack_others(_KEY, *_SAMPLE)
    if as_packed != pack_key(*_SAMPLE) or unpack_others(_KEY, as_packed) != unpack_key(as_packed):
        raise ValueError("this WiredTiger writes its keys in another form: leave key_bytes.py out")

    def pack(form: str, *values: Any) -> Any:
        if form == _KEY and type(values[3]) is bytes:
            return pack_key(*values)
        if form == _VALUE and type(values[0]) is bytes:
            return values[0]
        return pack_others(form, *values)

    def unpack(form: str, packed: bytes) -> Any:
        return unpack_key(packed) if form == _KEY else unpack_others(form, packed)

    swig_wiredtiger.pack, swig_wiredtiger.unpack = pack, unpack
    storage.encode_value_directed = _remembering(storage.encode_value_directed)
    storage._index_field_values = _plain_first(storage._index_field_values)


def _plain_first(values_of: Any) -> Any:
    """Returns the function that finds what an index has of a document, which is quick with a plain text."""

    def index_field_values(document: Any, field: str) -> Any:
        value = document.get(field) if "." not in field else None
        return ([value], False) if type(value) in (str, bool, int) else values_of(document, field)

    return index_field_values


def _remembering(encode: Any) -> Any:
    """Returns the function that encodes a value for an index, which encodes a short text once."""
    encode_text = lru_cache(maxsize=20_000)(encode)

    def encode_value(value: Any, direction: int = 1, *, collation: Any = None) -> Any:
        if type(value) is str and len(value) <= _SHORT and direction == 1 and collation is None:
            return encode_text(value)
        return encode(value, direction, collation=collation)

    return encode_value


def pack_key(database: str, collection: str, index: str, entry: bytes) -> bytes:
    return beginning(database, collection, index) + entry


def unpack_key(packed: bytes) -> list[Any]:
    *texts, entry = packed.split(_END, 3)
    return [*(_text(text) for text in texts), entry]


@lru_cache(maxsize=1_000)
def beginning(database: str, collection: str, index: str) -> bytes:
    """Returns how every key of an index begins."""
    texts = (database, collection, index)
    # A text with a zero byte would end there, as it does in the package.
    return b"".join(text.partition("\0")[0].encode() + _END for text in texts)


@lru_cache(maxsize=1_000)
def _text(packed: bytes) -> str:
    return packed.decode()
