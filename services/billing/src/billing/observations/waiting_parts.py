"""Finds the parts of manifests that are not settled: stored, and named by no header."""

from collections.abc import Iterable, Mapping, Sequence

from billing.usage.manifest_reader import BESIDE, HEADERS, NAMED_FIELDS, PARTS, header_id, named_parts
from billing.usage.ref import Ref
from shared.mongo import Document, Filter, Mongo

COUNTING_FIELDS = ("ref", "current", *BESIDE)
"""The fields of a header that tell which parts it names, and all of the manifest that counts."""
_MARKERS = ("ref", "revision", "parts")


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
