import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.canonical_url import canonical_url

NA = "https://api.cloud.im/marketplace/na"


@pytest.mark.parametrize(
    "typed",
    [
        "https://api.cloud.im/marketplace/na",
        "https://api.cloud.im/marketplace/na/",
        "https://api.cloud.im:443/marketplace/na",
        "https://api.cloud.im:0443/marketplace/na",
        "https://api.cloud.im:/marketplace/na",
        "HTTPS://API.Cloud.IM/marketplace/na",
        "https://api.cloud.im./marketplace/na",
        "https://api.cloud.im/marketplace/./na/.",
        "https://api.cloud.im//marketplace//na//",
        "https://api.cloud.im/marketplace/eu/../na",
        "https://api.cloud.im/../marketplace/na",
        "https://api.cloud.im/%6darketplace/n%61",
        "https://api.cloud.im/%%36darketplace/na",
        "https://api.cloud.im/marketplace/%2E/na",
        "https://api.cloud.im/marketplace/x/%2e%2E/na",
        "https://me:secret@api.cloud.im/marketplace/na?x=1#y",
        " https://api.cloud.im/marketplace/na ",
    ],
)
def test_every_spelling_of_one_address_has_one_form(typed: str) -> None:
    assert canonical_url(typed) == NA


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://BÜCHER.example/x", "https://xn--bcher-kva.example/x"),
        ("https://xn--bcher-kva.example/x", "https://xn--bcher-kva.example/x"),
        ("https://api。cloud.im", "https://api.cloud.im"),
        ("https://[2001:0DB8::0001]:443/x", "https://[2001:db8::1]/x"),
        ("http://127.0.0.1:8090/marketplace/na", "http://127.0.0.1:8090/marketplace/na"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://api.example:8443", "https://api.example:8443"),
        ("http://api.example:443", "http://api.example:443"),
        ("https://api.example/a%2fb", "https://api.example/a%2Fb"),
    ],
)
def test_hosts_ports_and_encodings_have_one_form(typed: str, form: str) -> None:
    assert canonical_url(typed) == form


@pytest.mark.parametrize(
    "other",
    [
        "http://api.cloud.im/marketplace/na",
        "https://api.cloud.im:8443/marketplace/na",
        "https://api.cloud.im.example/marketplace/na",
        "https://api.cloud.im/marketplace/eu",
        "https://api.cloud.im/marketplace%2Fna",
        "https://api.cloud.im/marketplace",
    ],
)
def test_another_address_has_another_form(other: str) -> None:
    assert canonical_url(other) != NA


@pytest.mark.parametrize(
    "typed", ["", "api.cloud.im/na", "https://[", "https://a b :", "https://x:port/", "https://" + "a" * 300]
)
def test_what_is_no_address_is_compared_as_it_is(typed: str) -> None:
    assert canonical_url(typed) == typed


@example(typed="https://api.example/ #")
@example(typed="https://api.example/na/\u2003?page=1")
@given(typed=st.text(max_size=40).map(lambda rest: f"https://api.example/{rest}") | st.text(max_size=40))
def test_a_form_is_its_own_form(typed: str) -> None:
    form = canonical_url(typed)

    assert canonical_url(form) == form
