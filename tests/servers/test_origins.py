"""Which web pages may talk to the servers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.servers.origins import is_allowed

HOST = "192.168.1.5:8081"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "http://localhost",
        "http://localhost:8888",
        "https://LOCALHOST:8888",
        "http://lab.localhost:8888",
        "http://127.0.0.1:8080",
        "http://127.8.9.10",
        "http://[::1]:8080",
        "http://192.168.1.5:8080",
        "https://192.168.1.5",
    ],
)
def test_programs_this_machine_and_the_site_beside_are_welcome(origin: str | None) -> None:
    assert is_allowed(origin, HOST)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://192.168.1.6:8080",
        "http://localhost.evil.example",
        "http://evillocalhost",
        "http://127.0.0.1.evil.example",
        "http://evil.example#localhost",
        "http://localhost@evil.example",
        "http://0.0.0.0:8080",
        "null",
        "",
        "localhost",
        "//localhost",
        "file://localhost",
        "chrome-extension://localhost",
        "http://",
        "http://[",
        "http://[::1",
        "http://[evil]",
    ],
)
def test_all_others_are_not(origin: str) -> None:
    assert not is_allowed(origin, HOST)


def test_a_name_is_not_welcome_because_the_server_is_reached_by_it() -> None:
    """DNS rebinding: whoever owns the name can point it at this machine."""
    assert not is_allowed("http://evil.example:8081", "evil.example:8081")


@pytest.mark.parametrize("host", [None, "", "[", "evil.example", "192.168.1.5:port"])
def test_an_address_is_welcome_only_where_the_server_is_reached_by_it(host: str | None) -> None:
    assert is_allowed("http://192.168.1.5:8080", host) is (host == "192.168.1.5:port")


def test_an_address_of_ipv6_is_welcome_where_the_server_is_reached_by_it() -> None:
    assert is_allowed("http://[2001:db8::5]:8080", "[2001:db8::5]:8081")
    assert not is_allowed("http://[2001:db8::6]:8080", "[2001:db8::5]:8081")


def test_more_can_be_welcome() -> None:
    assert is_allowed("https://chat.example", HOST, ["https://chat.example"])
    assert not is_allowed("https://chat.example:444", HOST, ["https://chat.example"])
    assert not is_allowed("http://chat.example", HOST, ["https://chat.example"])


def test_a_star_opens_the_door_to_all() -> None:
    assert all(is_allowed(origin, HOST, ["*"]) for origin in ("https://evil.example", "null", "http://["))


@settings(deadline=None)
@given(origin=st.text() | st.text().map("http://".__add__), host=st.none() | st.text())
def test_any_header_gets_an_answer(origin: str, host: str | None) -> None:
    assert is_allowed(origin, host) in (True, False)
