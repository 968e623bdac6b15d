import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

import pytest

from shared.http_client.name_lookup import NameLookup

_HEAD_BYTES, _QUERY_TAIL_BYTES = 12, 4
_A_RECORD = 1


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Answers for the names that it knows (RFC 1035 §4), says of others that there are none, or nothing."""

    addresses: dict[str, str]
    silent: str
    """What the names begin with that it never answers for."""
    asked: set[str] = field(default_factory=set)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, end = _name_in(data)
        self.asked.add(name)
        if name.startswith(self.silent):
            return
        question = data[_HEAD_BYTES : end + _QUERY_TAIL_BYTES]
        wanted = int.from_bytes(data[end : end + 2], "big")
        known = self.addresses.get(name)
        answer = b""
        if known and wanted == _A_RECORD:
            # The name as a pointer to the question, type A, class IN, an hour, four bytes.
            answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04" + IPv4Address(known).packed
        flags = b"\x81\x80" if known else b"\x81\x83"
        counts = b"\x00\x01" + (b"\x00\x01" if answer else b"\x00\x00") + b"\x00\x00\x00\x00"
        self._transport.sendto(data[:2] + flags + counts + question + answer, addr)


def _name_in(query: bytes) -> tuple[str, int]:
    """Returns the name that is asked for, and the position behind it."""
    labels, position = [], _HEAD_BYTES
    while length := query[position]:
        labels.append(query[position + 1 : position + 1 + length].decode())
        position += 1 + length
    return ".".join(labels).lower(), position + 1


@pytest.fixture
async def name_server() -> AsyncIterator[tuple[NameServer, NameLookup]]:
    server = NameServer({"api.good.example": "93.184.215.14"}, silent="slow")
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
    lookup = NameLookup([f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"])
    yield server, lookup
    await lookup.aclose()
    transport.close()


async def test_hosts_whose_name_servers_never_answer_hold_up_no_other_look_up(
    name_server: tuple[NameServer, NameLookup],
) -> None:
    server, lookup = name_server
    slow = [asyncio.create_task(lookup(f"slow{number}.evil.example", 443)) for number in range(50)]
    async with asyncio.timeout(30):
        while len(server.asked) < len(slow):
            await asyncio.sleep(0.01)

        assert await lookup("api.good.example", 443) == ["93.184.215.14"]
        # The threads that all of the process shares, Kafka's client among them, are free.
        assert await asyncio.get_running_loop().run_in_executor(None, lambda: "free") == "free"

    assert not any(task.done() for task in slow)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_a_host_without_an_address_is_an_error_that_names_it(
    name_server: tuple[NameServer, NameLookup],
) -> None:
    _, lookup = name_server

    with pytest.raises(OSError, match=r"gone\.example cannot be looked up"):
        await lookup("gone.example", 443)


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"), ("::1", "::1")],
)
async def test_an_address_is_read_in_every_notation_and_nobody_is_asked(host: str, address: str) -> None:
    assert await NameLookup(["127.0.0.1:9"])(host, 443) == [address]


async def test_names_of_this_machine_are_known() -> None:
    lookup = NameLookup()

    found = await lookup("localhost", 443)

    await lookup.aclose()
    assert set(found) & {"127.0.0.1", "::1"}
