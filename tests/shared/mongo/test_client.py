from pydantic import SecretStr
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import Primary
from pymongo.write_concern import WriteConcern

from shared.mongo import Mongo, Session
from shared.runtime.settings import MongoSettings

CARELESS = "?replicaSet=secantus&w=1&readConcernLevel=local&readPreference=secondaryPreferred"


class MongoWithItsDatabase(Mongo):
    @property
    def guarantees(self) -> tuple[object, object, object]:
        database = self._database
        return database.read_concern, database.write_concern, database.read_preference


async def test_whatever_the_address_says_a_majority_on_the_primary_answers(mongo_url: str) -> None:
    careless = SecretStr(mongo_url.partition("?")[0] + CARELESS)
    store = MongoWithItsDatabase(MongoSettings(url=careless, database="guarantees"))

    assert store.guarantees == (ReadConcern("majority"), WriteConcern("majority"), Primary())

    await store.close()


async def test_what_was_acknowledged_is_read_in_a_transaction_and_after_it(mongo: Mongo) -> None:
    people = mongo.documents("people", "demo")

    async def work(session: Session) -> None:
        await people.put({"_id": "ann", "age": 40}, session=session)
        assert (await people.get("ann", session=session) or {})["age"] == 40

    await mongo.transaction(work)

    assert (await people.get("ann") or {})["age"] == 40
