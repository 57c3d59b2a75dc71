"""A trace becomes a picture: every arrow in order, what two peers say to each other drawn between the two."""

import re
from xml.etree import ElementTree

import pytest

from p2pchat import ChatPeer, Servers, State, Trace
from p2pchat.ladder import Ladder

SVG = "{http://www.w3.org/2000/svg}"


def ladder_of(*arrows: tuple[str, str, str] | tuple[str, str, str, str], **options: object) -> Ladder:
    trace = Trace()
    for source, target, what, *room in arrows:
        trace.report(source, target, what, room="".join(room), received=source == "stranger")
    return Ladder(trace, **options)  # type: ignore[arg-type]


def told(ladder: Ladder) -> list[tuple[str, str, str]]:
    return [(step.source, step.target, step.label) for step in ladder.steps]


MEETING = [
    ("Ada", "matchmaking", "join"),
    ("Bob", "matchmaking", "join"),
    ("matchmaking", "Ada", "MATCH"),
    ("matchmaking", "Bob", "MATCH"),
    ("Ada", "signaling", "offer", "blue"),
    ("signaling", "Bob", "offer", "blue"),
]


class TestTheArrows:
    def test_stand_in_the_order_in_which_they_went(self) -> None:
        assert told(ladder_of(*MEETING)) == [arrow[:3] for arrow in MEETING]

    def test_of_a_message_told_by_both_peers_are_one_between_the_two(self) -> None:
        ladder = ladder_of(*MEETING, ("Ada", "stranger", "message", "blue"), ("stranger", "Bob", "message", "blue"))
        assert told(ladder)[6:] == [("Ada", "Bob", "message")]
        assert ladder.steps[-1].direct
        assert not ladder.steps[-1].pending

    def test_of_messages_that_cross_are_kept_apart(self) -> None:
        ladder = ladder_of(
            *MEETING,
            ("Ada", "stranger", "message", "blue"),
            ("Bob", "stranger", "message", "blue"),
            ("Ada", "stranger", "message", "blue"),
            ("stranger", "Bob", "message", "blue"),
            ("stranger", "Ada", "message", "blue"),
        )
        assert told(ladder)[6:] == [("Ada", "Bob", "message"), ("Bob", "Ada", "message"), ("Ada", "Bob", "message")]
        assert [step.pending for step in ladder.steps[6:]] == [False, False, True]
        assert "(not seen to arrive)" in ladder.text.splitlines()[-1]

    def test_of_a_peer_that_is_alone_in_its_trace_lead_to_a_stranger(self) -> None:
        ladder = ladder_of(("Ada", "stranger", "message", "blue"), ("stranger", "Ada", "message", "blue"))
        assert told(ladder) == [("Ada", "stranger", "message"), ("stranger", "Ada", "message")]
        assert not any(step.pending for step in ladder.steps)

    def test_of_each_room_lead_to_the_stranger_of_that_room(self) -> None:
        ladder = ladder_of(
            *MEETING,
            ("Ada", "signaling", "bye", "green"),
            ("signaling", "Cleo", "bye", "green"),
            ("Ada", "stranger", "message", "green"),
            ("Bob", "stranger", "message", "blue"),
        )
        assert told(ladder)[8:] == [("Ada", "Cleo", "message"), ("Bob", "Ada", "message")]

    def test_that_nobody_wants_to_see_can_be_left_out(self) -> None:
        assert told(ladder_of(*MEETING, ("signaling", "Ada", "ping", "blue"))) == [arrow[:3] for arrow in MEETING]
        assert len(ladder_of(*MEETING, leave_out=("join", "MATCH")).steps) == 2

    def test_are_bounded_and_the_rest_is_counted(self) -> None:
        ladder = ladder_of(*MEETING * 10, max_arrows=20)
        assert len(ladder.steps) == 20
        assert ladder.text.endswith("... and 40 more")


class TestThePicture:
    def test_has_a_line_for_each_peer_and_each_server_with_the_servers_inside(self) -> None:
        assert ladder_of(*MEETING).lifelines == ["Ada", "matchmaking", "signaling", "Bob"]

    def test_ends_a_servers_line_where_it_is_needed_no_more(self) -> None:
        svg = ElementTree.fromstring(ladder_of(*MEETING).svg)
        ends = [int(line.get("y2", 0)) for line in svg.iter(f"{SVG}line") if line.get("class") == "life"]
        ada, matchmaking, signaling, bob = ends
        assert matchmaking < signaling < ada == bob

    def test_draws_what_goes_directly_in_a_class_of_its_own_from_peer_to_peer(self) -> None:
        svg = ElementTree.fromstring(ladder_of(*MEETING, ("Ada", "stranger", "message", "blue")).svg)
        (direct,) = [group for group in svg.iter(f"{SVG}g") if "direct" in group.get("class", "")]
        line = direct.find(f"{SVG}line")
        lives = [life.get("x1") for life in svg.iter(f"{SVG}line") if life.get("class") == "life"]
        assert line is not None
        assert (line.get("x1"), line.get("x2")) == (lives[0], lives[-1])

    def test_can_be_read_aloud(self) -> None:
        svg = ElementTree.fromstring(ladder_of(*MEETING).svg)
        title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
        assert title is not None
        assert description is not None
        assert svg.get("role") == "img"
        assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert "4 from or to matchmaking" in "".join(description.itertext())
        assert "Ada --> matchmaking  join" in "".join(description.itertext())

    def test_shows_names_as_text_and_never_as_markup(self) -> None:
        evil = '<script>alert("1")</script>&'
        ladder = ladder_of((evil, "signaling", evil, "blue"))
        assert "<script" not in ladder._repr_html_()
        names = [text.text for text in ElementTree.fromstring(ladder.svg).iter(f"{SVG}text")]
        assert names[0] == evil[:17] + "…"
        assert evil in repr(ladder)

    def test_is_well_formed_and_says_so_when_nothing_happened(self) -> None:
        ladder = ladder_of()
        ElementTree.fromstring(ladder.svg)
        assert repr(ladder) == "Nothing has happened yet."

    def test_has_the_text_beside_it(self) -> None:
        html = ladder_of(*MEETING)._repr_html_()
        assert "<summary>The same as text</summary>" in html
        assert "6 arrows: 4 from or to matchmaking, 2 from or to signaling, 0 directly between peers." in html

    @pytest.mark.parametrize(("ground", "theme"), [("#ffffff", "true"), ("#111111", "false")], ids=["light", "dark"])
    def test_has_a_colour_for_direct_arrows_that_stands_out(self, ground: str, theme: str) -> None:
        rule = rf'\[data-jp-theme-light="{theme}"\] \.p2pchat-ladder {{ --p2pchat-direct: (#\w{{6}}) }}'
        colour = re.search(rule, ladder_of(*MEETING).svg)
        assert colour
        assert contrast(colour[1], ground) >= 4.5  # WCAG 2.2, success criterion 1.4.3


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


async def test_a_real_meeting_tells_the_whole_story() -> None:
    trace = Trace()
    async with Servers(static_port=None) as servers:
        urls = (servers.matchmaking_url, servers.signaling_url)
        async with ChatPeer(*urls, name="Ada", trace=trace) as ada, ChatPeer(*urls, name="Bob", trace=trace) as bob:
            await ada.start()
            await bob.start()
            await ada.wait_for(State.OPEN, 60)
            await bob.wait_for(State.OPEN, 60)
            await ada.send("hello")
            async for event in bob:
                if type(event).__name__ == "MessageReceived":
                    break
    ladder = Ladder(trace)
    labels = [label for _, _, label in told(ladder)]
    assert [labels.count(what) for what in ("join", "MATCH", "register", "accept", "offer", "answer")] == [2] * 6
    assert ("Ada", "Bob", "message") in told(ladder)
    assert not any(step.pending for step in ladder.steps)
    assert ladder.lifelines == ["Ada", "matchmaking", "signaling", "Bob"]
    offers = [step for step in ladder.steps if step.label == "offer"]
    assert (offers[0].target, offers[1].source) == ("signaling", "signaling")
    assert offers[0].source != offers[1].target
