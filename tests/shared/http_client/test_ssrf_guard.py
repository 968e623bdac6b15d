from collections.abc import Iterable, Sequence

import httpcore
import pytest

from shared.errors import AddressRefused
from shared.http_client.name_lookup import NameLookup
from shared.http_client.ssrf_guard import PublicAddressBackend, is_exempt, origin_of, refusal

PUBLIC = "93.184.215.14"


class Network(httpcore.AsyncNetworkBackend):
    """Connects to nothing and remembers what it was asked for; `dead` addresses refuse."""

    def __init__(self, *dead: str) -> None:
        self.asked: list[str] = []
        self._dead = dead

    async def connect_tcp(  # noqa: PLR0917 (httpcore's own signature)
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 (the protocol's)
        local_address: str | None = None,  # noqa: ARG002 (the protocol's)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 (the protocol's)
    ) -> httpcore.AsyncNetworkStream:
        self.asked.append(f"{host}:{port}")
        if host in self._dead:
            raise httpcore.ConnectError(f"{host} refuses")
        return httpcore.AsyncMockStream([])


class Answers:
    """A resolver that gives each look-up the next of the prepared answers."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002 (the protocol's)
        return self._answers.pop(0)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 (the case)
        "255.255.255.255",
        "240.0.0.1",
        "224.0.0.1",
        "192.0.0.9",
        "192.88.99.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "::ffff:127.0.0.1",
        "::169.254.169.254",
        "::8.8.8.8",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:a9fe:a9fe::",
        "2001:0:a9fe:a9fe::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "not an address",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::6810:84e5", "::ffff:93.184.215.14"])
def test_a_public_address_is_called(address: str) -> None:
    assert refusal(address) is None


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    network = Network()
    backend = PublicAddressBackend(Answers([PUBLIC], ["127.0.0.1"]), network)

    await backend.connect_tcp("rebind.example", 443)

    assert network.asked == [f"{PUBLIC}:443"]


async def test_the_second_answer_of_a_rebinding_name_is_refused() -> None:
    network = Network()
    backend = PublicAddressBackend(Answers([PUBLIC], ["127.0.0.1"]), network)
    await backend.connect_tcp("rebind.example", 443)

    with pytest.raises(AddressRefused, match=r"rebind.example leads to 127.0.0.1"):
        await backend.connect_tcp("rebind.example", 443)

    assert network.asked == [f"{PUBLIC}:443"]


async def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    network = Network()

    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
        await PublicAddressBackend(Answers([PUBLIC, "169.254.169.254"]), network).connect_tcp(
            "mixed.example", 443
        )

    assert network.asked == []


async def test_a_dead_address_is_followed_by_the_next() -> None:
    network = Network("2606:4700::1")
    backend = PublicAddressBackend(Answers(["2606:4700::1", PUBLIC]), network)

    await backend.connect_tcp("two.example", 443)

    assert network.asked == ["2606:4700::1:443", f"{PUBLIC}:443"]


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "::1"])
async def test_loopback_in_another_notation_is_refused(host: str) -> None:
    network, lookup = Network(), NameLookup()

    with pytest.raises((AddressRefused, httpcore.ConnectError)):
        await PublicAddressBackend(lookup, network).connect_tcp(host, 443)

    await lookup.aclose()
    assert network.asked == []


async def test_a_name_without_addresses_cannot_be_connected_to() -> None:
    with pytest.raises(httpcore.ConnectError, match=r"gone.example has no address"):
        await PublicAddressBackend(Answers([]), Network()).connect_tcp("gone.example", 443)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://api.example/x", "https:// is needed"),
        ("ftp://api.example", "https:// is needed"),
        ("api.example", "names no host"),
        ("https://", "names no host"),
        ("https://me:hush@api.example", "user name or password"),
        ("https://me:hush@api.example:port", "malformed"),
        ("https://[::1", "malformed"),
    ],
)
def test_an_address_that_is_not_plain_https_is_refused_without_repeating_it(url: str, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason) as refused:
        is_exempt(origin_of(url), ())

    assert "hush" not in str(refused.value)


def test_an_exact_origin_may_be_allowed_as_it_is() -> None:
    allowed = {origin_of("http://127.0.0.1:8090")}

    assert is_exempt(origin_of("http://127.0.0.1:8090/marketplace/na"), allowed)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8091/", "http://localhost:8090/", "http://127.0.0.1/"])
def test_an_origin_beside_the_allowed_one_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        is_exempt(origin_of(url), {origin_of("http://127.0.0.1:8090")})


def test_the_allowed_origin_under_https_is_checked_like_any_other() -> None:
    assert not is_exempt(origin_of("https://127.0.0.1:8090/"), {origin_of("http://127.0.0.1:8090")})
