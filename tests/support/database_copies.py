"""A database that can be put back to an older state, as from a backup."""

from shared.mongo import Document, Mongo, Put

DatabaseCopy = dict[str, list[Document]]
"""All documents, by collection."""


class RestorableMongo(Mongo):
    """The real store, of which a test takes copies."""

    async def copy(self) -> DatabaseCopy:
        names = await self._database.list_collection_names()
        return {name: await self.all_tenants(name).find() for name in names}

    async def restore(self, copy: DatabaseCopy) -> None:
        """Makes the database what it was; what came since is gone."""
        for name in await self._database.list_collection_names():
            await self.all_tenants(name).remove({})
            await self.all_tenants(name).bulk([Put(row) for row in copy.get(name, [])])
