"""`p2pchat chat`, as processes that talk to each other."""

import signal

from p2pchat import ChatPeer, MessageReceived, State, Timeouts, start_servers
from p2pchat.views.terminal import printable
from tests.support.processes import p2pchat, serving


def servers_of(urls: dict[str, str]) -> list[str]:
    return ["--matchmaking", urls["matchmaking"], "--signaling", urls["signaling"]]


async def test_two_terminals_talk_and_the_one_whose_input_ends_leaves():
    async with serving() as (_, urls):
        async with p2pchat("chat", *servers_of(urls)) as ann, p2pchat("chat", "--json", *servers_of(urls)) as bob:
            await ann.line(lambda line: "You are talking to a stranger" in line)
            await bob.event(state="open")
            await ann.say("hello, Bob – ça va? 🙂")
            assert (await bob.event(event="message"))["text"] == "hello, Bob – ça va? 🙂"
            await bob.say("fine")
            assert (await ann.line(lambda line: "[Stranger]" in line)).endswith("[Stranger] fine")
            await bob.event(event="delivered", id=1)
            ann.end_input()
            assert (await ann.end())[0] == 0
            assert any("[You] hello, Bob" in line for line in ann.lines)
            assert (await bob.event(state="closed"))["why"] == "The stranger left."
            bob.end_input()
            assert (await bob.end())[0] == 0


async def test_what_is_typed_before_somebody_is_there_is_said_once_somebody_is():
    async with serving() as (_, urls):
        async with p2pchat("chat", *servers_of(urls)) as early, p2pchat("chat", "--json", *servers_of(urls)) as late:
            await early.say("first!")
            early.end_input()
            assert (await late.event(event="message"))["text"] == "first!"
            assert (await early.end())[0] == 0


async def test_next_in_a_terminal_finds_another_stranger():
    async with (
        serving() as (_, urls),
        p2pchat("chat", "--json", *servers_of(urls)) as ann,
        p2pchat("chat", "--json", *servers_of(urls)) as bob,
    ):
        await ann.event(state="open")
        await bob.event(state="open")
        async with p2pchat("chat", "--json", *servers_of(urls)) as cyd:
            await cyd.event(state="waiting")
            await ann.say("/next")
            await bob.event(state="closed")
            await cyd.event(state="open")
            await ann.event(state="open")


async def test_a_killed_stranger_is_noticed_and_told_in_words():
    servers = await start_servers()
    timeouts = Timeouts(ping=0.2, silence=0.8)
    async with ChatPeer(servers.matchmaking_url, servers.signaling_url, timeouts=timeouts) as peer:
        arguments = ["--matchmaking", servers.matchmaking_url, "--signaling", servers.signaling_url]
        async with p2pchat("chat", "--json", *arguments) as stranger:
            await peer.start()
            await stranger.event(state="open")
            await stranger.say("still here")
            async for event in peer:
                if isinstance(event, MessageReceived):
                    stranger.kill(signal.SIGKILL)
            assert peer.state is State.CLOSED
            assert peer.why == "The stranger vanished: nothing heard for 0.8 seconds."
    await servers.stop()


async def test_ctrl_c_says_goodbye():
    async with (
        serving() as (_, urls),
        p2pchat("chat", "--json", *servers_of(urls)) as ann,
        p2pchat("chat", "--json", *servers_of(urls)) as bob,
    ):
        await ann.event(state="open")
        await bob.say("hello")
        await bob.event(event="delivered")
        ann.kill(signal.SIGINT)
        status, _, err = await ann.end()
        assert (status, err) == (0, "")
        assert (await bob.event(state="closed"))["why"] == "The stranger left."


async def test_without_a_matchmaking_server_it_says_so_and_ends_with_1():
    async with p2pchat("chat", "--matchmaking", "ws://127.0.0.1:9/matchmaking") as process:
        status, _, err = await process.end()
    assert status == 1
    assert err.startswith("Matchmaking failed (ws://127.0.0.1:9/matchmaking): the server cannot be reached")
    assert len(err.splitlines()) == 1


async def test_a_line_that_cannot_be_said_is_explained_and_counts():
    async with (
        serving() as (_, urls),
        p2pchat("chat", "--json", *servers_of(urls)) as ann,
        p2pchat("chat", "--json", *servers_of(urls)) as bob,
    ):
        await ann.event(state="open")
        await ann.say("x" * 65_537)
        assert "too long" in (await ann.event(event="notice"))["text"]
        await bob.event(state="open")
        bob.end_input()
        await ann.event(state="closed")
        await ann.say("anybody?")
        assert "/next finds another stranger" in (await ann.event(event="notice"))["text"]
        ann.end_input()
        assert (await ann.end())[0] == 1


def test_a_stranger_cannot_command_the_terminal():
    assert printable("\x1b[2Jgone\x07") == "\\x1b[2Jgone\\x07"
    assert printable("abc\u202edef") == "abc\\u202edef"
    assert printable("one\ntwo") == "one\n    two"
    assert printable("👩\u200d🚀 नमस्ते") == "👩\u200d🚀 नमस्ते"
