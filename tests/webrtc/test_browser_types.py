"""What the browser's engine reads and makes by itself, beside aiortc's; the rest of it needs a browser."""

import pytest

from p2pchat.webrtc import aiortc_engine, browser_types

HOST = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"
NAMES = ("component", "foundation", "ip", "port", "priority", "protocol", "type")
LINES = [
    HOST,
    "candidate:8 1 udp 1677729535 203.0.113.5 50001 typ srflx raddr 192.0.2.1 rport 50000 generation 0 ufrag x",
    "candidate:a+/ 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active",
]


class TestACandidate:
    @pytest.mark.parametrize("line", LINES)
    def test_is_read_as_aiortc_reads_it(self, line: str) -> None:
        init = {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0}
        ours, theirs = browser_types.ice_candidate(init), aiortc_engine.ice_candidate(init)
        for name in (*NAMES, "relatedAddress", "relatedPort", "sdpMid", "sdpMLineIndex", "tcpType"):
            assert getattr(ours, name) == getattr(theirs, name), name

    @pytest.mark.parametrize("prefix", ["", "a="])
    def test_goes_out_as_it_came_in(self, prefix: str) -> None:
        init = {"candidate": HOST, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "x"}
        candidate = browser_types.ice_candidate({**init, "candidate": prefix + HOST})
        assert candidate is not None
        assert candidate.toJSON() == init

    def test_may_have_a_name_that_only_browsers_can_look_up(self) -> None:
        candidate = browser_types.ice_candidate({"candidate": HOST.replace("192.0.2.1", "1b2c3d4e.local")})
        assert candidate is not None
        assert candidate.ip == "1b2c3d4e.local"

    @pytest.mark.parametrize("line", ["", "candidate:", "a="])
    def test_that_ends_them_is_none(self, line: str) -> None:
        assert browser_types.ice_candidate({"candidate": line}) is None

    @pytest.mark.parametrize(
        "init",
        [
            {"candidate": 7},
            {"candidate": "nonsense"},
            {"candidate": HOST.replace("50000", "port")},
            {"candidate": HOST.replace("2130706431", "high")},
            {"candidate": HOST.replace("typ host", "")},
            {"candidate": HOST + "\r\na=setup:active"},
        ],
        ids=str,
    )
    def test_that_cannot_be_read_is_an_error(self, init: dict) -> None:
        with pytest.raises(ValueError, match="candidate"):
            browser_types.ice_candidate(init)


def test_a_configuration_says_what_was_given_and_no_more() -> None:
    servers = [
        browser_types.RTCIceServer("stun:192.0.2.1"),
        browser_types.RTCIceServer(["turn:192.0.2.1"], username="u", credential="p"),
    ]
    assert browser_types.RTCConfiguration(servers, "relay").to_init() == {
        "iceServers": [
            {"urls": "stun:192.0.2.1"},
            {"urls": ["turn:192.0.2.1"], "username": "u", "credential": "p"},
        ],
        "iceTransportPolicy": "relay",
    }
    assert browser_types.RTCConfiguration().to_init() == {"iceServers": [], "iceTransportPolicy": "all"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("InvalidStateError", browser_types.InvalidStateError),
        ("TypeError", TypeError),
        ("SyntaxError", ValueError),
        ("InvalidAccessError", ValueError),
        ("OperationError", browser_types.OperationError),
        ("of tomorrow", RuntimeError),
    ],
)
def test_errors_keep_the_browsers_words(name: str, kind: type[Exception]) -> None:
    error = browser_types.error_from(name, "the words")
    assert isinstance(error, kind)
    assert str(error) == "the words"
