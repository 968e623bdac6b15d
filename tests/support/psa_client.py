"""Drives a PSA with the public client `pyconnectwise` and prints what it saw as JSON; run as a process.

The client reads its trusted certificates from the environment and prints warnings, so it gets a process of
its own.  Arguments: host:port, company, public key, private key, client id, agreement, line.
"""

import json
import sys

from pyconnectwise import ConnectWiseManageAPIClient

host, company, public_key, private_key, client_id = sys.argv[1:6]
agreement_id, line_id = map(int, sys.argv[6:8])
# The client leaves `codebase` unset when one is passed, so it must discover it.
client = ConnectWiseManageAPIClient(company, host, client_id, public_key, private_key)

names: list[str | None] = []
page = client.company.companies.paginated(1, 5)
while page.has_data:
    names += [company.name for company in page.data]
    page = page.get_next_page()

line = client.finance.agreements.id(agreement_id).additions.id(line_id)
before = line.get()
after = line.patch([{"op": "replace", "path": "quantity", "value": 14}])
print(  # noqa: T201 - its output is its result
    json.dumps(
        {"codebase": client.codebase, "names": names, "before": before.quantity, "after": after.quantity}
    )
)
