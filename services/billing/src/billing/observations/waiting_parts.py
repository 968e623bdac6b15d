"""Finds the parts of manifests that are not settled: stored, and named by no header."""

from collections.abc import Iterable, Mapping, Sequence

from billing.usage.manifest_reader import HEADERS, PARTS, header_id
from billing.usage.ref import Ref
from shared.mongo import Document, Filter, Mongo

_PLACES = ("current", "before", "believed")
_BESIDE = tuple(f"{place}.{name}" for place in _PLACES[1:] for name in ("revision", "parts"))
NAMED_FIELDS = ("ref", "current.revision", "current.parts", *_BESIDE)
"""The fields of a header that tell which parts it names."""
COUNTING_FIELDS = ("ref", "current", *_BESIDE)
"""The same, and all that the header tells of the manifest that counts."""
_MARKERS = ("ref", "revision", "parts")


def named_parts(header: Document) -> dict[int, int]:
    """How many parts each manifest has that the header names, by its revision."""
    places = (header.get(place) for place in _PLACES)
    return {fields["revision"]: fields["parts"] for fields in places if fields}


async def waiting_parts(
    mongo: Mongo, tenant_id: str, accounts: Iterable[str], *, where: Filter | None = None
) -> list[Document]:
    """Returns the parts of these accounts (encoded refs) that wait, without what they name."""
    parts = await mongo.documents(PARTS, tenant_id).find_in("ref", accounts, where=where, fields=_MARKERS)
    # Read afterwards: what was settled since is named by now.
    ids = {header_id(tenant_id, Ref.decode(ref)) for ref in {part["ref"] for part in parts}}
    headers = await mongo.documents(HEADERS, tenant_id).get_many(ids, fields=NAMED_FIELDS)
    return unnamed(parts, headers)


def unnamed(parts: Sequence[Document], headers: Mapping[str, Document]) -> list[Document]:
    """Those of these parts that none of these headers names."""
    named = {row["ref"]: named_parts(row).keys() for row in headers.values()}
    return [part for part in parts if part["revision"] not in named.get(part["ref"], ())]
