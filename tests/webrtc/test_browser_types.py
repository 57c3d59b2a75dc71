"""What the browser's engine reads and makes by itself, beside aiortc's; the rest of it needs a browser."""

import pytest

from p2pchat import errors
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
        ("InvalidStateError", errors.InvalidStateError),
        ("TypeError", TypeError),
        ("SyntaxError", ValueError),
        ("InvalidAccessError", ValueError),
        ("OperationError", errors.OperationError),
        ("of tomorrow", errors.OperationError),
    ],
)
def test_errors_keep_the_browsers_words(name: str, kind: type[Exception]) -> None:
    error = browser_types.error_from(name, "the words")
    assert isinstance(error, kind)
    assert str(error) == "the words"


@pytest.mark.parametrize(
    "url",
    [
        *("stun:h", "stun:h:3478", "stuns:h.example:5349", "STUN:192.0.2.1", "stun:[2001:db8::1]:3478", "stun:a_b.c"),
        *("turn:h", "turn:h:1?transport=udp", "turns:h:65535?transport=TCP", "stun:grüße.example"),
    ],
)
def test_a_server_may_have_what_browsers_take(url: str) -> None:
    server = browser_types.RTCIceServer(url, username="ü" * 254, credential="c")
    init = browser_types.RTCConfiguration([server]).to_init()
    assert init["iceServers"] == [{"urls": url, "username": "ü" * 254, "credential": "c"}]


@pytest.mark.parametrize(
    ("urls", "who", "words"),
    [
        ([], {}, "at least one URL"),
        *((url, {}, "not the URL") for url in ("", "h", "stun:", "stun://h", "stun:a b", "stun:[::1", "http://h/")),
        *((url, {}, "not the URL") for url in ("stun:h:0", "stun:h:65536", "stun:h:x", "stun:u@h", "stun:h:1?x=y")),
        (["stun:h", "turn:h?transport=sctp"], {}, "not the URL"),
        ("stun:h?transport=udp", {}, "no transport"),
        ("turn:h", {}, "username and a credential"),
        ("turns:h", {"username": "u", "credential": ""}, "username and a credential"),
        ("turn:h", {"username": "u" * 510, "credential": "c"}, "509 bytes at most"),
        ("stun:" + "h" * 1000 + "@", {}, r"'stun:h{75}' is"),
    ],
    ids=str,
)
def test_a_server_that_no_browser_takes_is_an_error_that_names_it(urls: object, who: dict, words: str) -> None:
    configuration = browser_types.RTCConfiguration([browser_types.RTCIceServer(urls, **who)])
    with pytest.raises(ValueError, match=words):
        configuration.to_init()


def test_a_policy_that_no_browser_takes_is_an_error() -> None:
    with pytest.raises(ValueError, match="iceTransportPolicy"):
        browser_types.RTCConfiguration(iceTransportPolicy="some").to_init()


OPTIONS = {
    **{"label": "chat", "maxPacketLifeTime": None, "maxRetransmits": None},
    **{"ordered": True, "protocol": "", "negotiated": False, "id": None},
}


@pytest.mark.parametrize(
    ("given", "init"),
    [
        ({}, {}),
        ({"maxRetransmits": 0, "ordered": False}, {"maxRetransmits": 0, "ordered": False}),
        ({"maxPacketLifeTime": 65_535}, {"maxPacketLifeTime": 65_535}),
        ({"label": "x" * 65_535, "protocol": "é" * 32_767}, {"protocol": "é" * 32_767}),
        ({"negotiated": True, "id": 0}, {"negotiated": True, "id": 0}),
        ({"negotiated": True, "id": 65_534}, {"negotiated": True, "id": 65_534}),
        ({"id": 7}, {}),
    ],
    ids=range(7),
)
def test_options_of_a_channel_are_the_w3cs_dictionary(given: dict, init: dict) -> None:
    expected = {"ordered": True, "protocol": "", "negotiated": False, **init}
    assert browser_types.data_channel_init(**{**OPTIONS, **given}) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"label": "é" * 32_768}, "65535 bytes"),
        ({"protocol": "x" * 65_536}, "65535 bytes"),
        ({"maxRetransmits": 1, "maxPacketLifeTime": 1}, "both"),
        ({"maxRetransmits": -1}, "maxRetransmits must be in range 0-65535"),
        ({"maxPacketLifeTime": 65_536}, "maxPacketLifeTime must be in range 0-65535"),
        ({"negotiated": True}, "ID"),
        ({"negotiated": True, "id": -1}, "ID"),
        ({"negotiated": True, "id": 65_535}, "ID"),
    ],
    ids=range(8),
)
def test_options_that_no_browser_takes_are_an_error(given: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        browser_types.data_channel_init(**{**OPTIONS, **given})


def test_a_description_is_of_a_known_type() -> None:
    assert browser_types.RTCSessionDescription("v=0", "offer").type == "offer"
    with pytest.raises(ValueError, match="'type' must be in"):
        browser_types.RTCSessionDescription("v=0", "OFFER")


def test_an_empty_candidate_is_the_end_of_candidates_as_firefox_tells_it() -> None:
    assert browser_types.RTCIceCandidate("", "0", 0).toJSON() == {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0}


def test_a_report_has_the_browsers_members_and_a_moment() -> None:
    report = browser_types.RTCStats.read({"id": "D1", "type": "data-channel", "timestamp": 1500.0, "messagesSent": 3})
    assert (report.id, report.type, report.messagesSent) == ("D1", "data-channel", 3)
    assert report.timestamp.isoformat() == "1970-01-01T00:00:01.500000+00:00"
