"""The exercises of lesson 03: signaling."""

from p2pchat.lab.clients import accepted, closed, frame_of, next_frame, registered, server_of, without_trouble
from p2pchat.lab.exercises import Exercise
from p2pchat.lab.serving import LessonServer, LessonSocket, ServerCoroutine
from p2pchat.messages import Bye, Reject

OFFER = '{ "type":"offer",  "sdp":"v=0\\r\\n", "unknown": {"kept": [1, 2.50, "\\u00e9"]} }'
CANDIDATE = '{"type": "candidate", "ice": {"candidate": "", "sdpMid": "0", "usernameFragment": "4Ztq"}}'


async def two_in_a_room(server: LessonServer, room: str) -> tuple[LessonSocket, LessonSocket]:
    """Ada, who came first, and Bob."""
    ada = await registered(server, room)
    await accepted(ada, "Ada", second=False)
    bob = await registered(server, room)
    await accepted(bob, "Bob", second=True)
    return ada, bob


async def relayed(sender: LessonSocket, receiver: LessonSocket, text: str, story: str) -> None:
    """A frame arrives as it was sent."""
    await sender.send(text)
    as_sent(await next_frame(receiver, story), text)


def as_sent(got: str, text: str) -> None:
    """What came is what was sent, letter by letter."""
    assert got == text, (
        f"a relay passes on the very text that came, but it was changed on the way.\n  sent: {text}\n  came: {got}"
    )


async def a_room_is_for_two(signaling: ServerCoroutine) -> None:
    """03.1: ``signaling(socket, rooms)`` turns a third client away."""
    async with server_of(signaling, {}) as server:
        ada, bob = await two_in_a_room(server, "blue")
        cleo = await registered(server, "blue")
        frame = await frame_of(cleo, "Cleo knocked at a room of two and must be told reject.")
        told = f"{type(frame).__name__.lower()!r}"
        assert isinstance(frame, Reject), f"Cleo knocked at a room of two and must be told reject, but was told {told}."
        assert frame.reason == "full", f'The reason that clients know is "full", not {frame.reason!r}.'
        await closed(cleo, "After reject the server must close Cleo's socket.")
        await relayed(bob, ada, OFFER, "After Cleo was turned away, Bob's offer must still reach Ada.")
        await relayed(ada, bob, CANDIDATE, "After Cleo was turned away, Ada's candidate must still reach Bob.")
        await two_in_a_room(server, "green")
        await without_trouble(server)


async def who_stays_is_told(signaling: ServerCoroutine) -> None:
    """03.2: it says bye to whoever stays behind, and frees the room."""
    async with server_of(signaling, {}) as server:
        for leaver, stayer in (("Ada", "Bob"), ("Bob", "Ada")):
            ada, bob = await two_in_a_room(server, "blue")
            sockets = {"Ada": ada, "Bob": bob}
            await relayed(bob, ada, OFFER, "Bob's offer must reach Ada.")
            await sockets[leaver].close()
            story = f"{leaver} left the room, and {stayer} must be told bye."
            frame = await frame_of(sockets[stayer], story)
            assert isinstance(frame, Bye), f"{story} {stayer} was told {type(frame).__name__.lower()!r}."
            end = await closed(sockets[stayer], f"After bye the server must close {stayer}'s socket.")
            assert end.code == 1000, f"After bye comes a normal close, 1000 (RFC 6455, section 7.4.1), not {end.code}."
        await without_trouble(server)


async def byte_for_byte(signaling: ServerCoroutine) -> None:
    """03.3: it relays the very text, in order, to the other one only."""
    async with server_of(signaling, {}) as server:
        ada, bob = await two_in_a_room(server, "blue")
        await relayed(bob, ada, OFFER, "Bob's offer must reach Ada.")
        await ada.send(CANDIDATE)
        got = await next_frame(bob, "Ada's candidate must reach Bob.")
        assert got != OFFER, f"Bob hears himself: the first thing that reached him is his own offer, {got}"
        as_sent(got, CANDIDATE)
        sent = [f'{{"type":"candidate", "ice":{{"candidate":"", "number":{number}}}}}' for number in range(50)]
        for text in sent:
            await bob.send(text)
        came = [await next_frame(ada, f"Bob sent 50 candidates, and Ada waits for number {n}.") for n in range(50)]
        assert came == sent, "Bob's 50 candidates must arrive in the order in which he sent them."
        await without_trouble(server)


EXERCISES = (
    Exercise(
        "03.1",
        a_room_is_for_two,
        "a room is for two, and the third hears nothing of them.",
        (
            "When somebody registers, look how many are in the room before you let them in.",
            'Send `{"type": "reject", "reason": "full"}`, and `return`: the socket is closed when the coroutine ends.',
        ),
    ),
    Exercise(
        "03.2",
        who_stays_is_told,
        "whoever stays is told, and the room is free for the next two.",
        (
            "The loop `async for text in socket` ends when its client leaves. What comes after it runs then.",
            "Take the leaver out of the room first. Then send bye to whoever is still in it, and close that socket.",
            "Closing the other socket ends the other coroutine's loop too: the room must be gone from `rooms` by then.",
        ),
    ),
    Exercise(
        "03.3",
        byte_for_byte,
        "a relay needs to know who is in the room, and not what they say.",
        (
            "Compare `sent` and `came` in the message, letter by letter.",
            "Which line writes the JSON anew? What does the other one need that JSON for?",
        ),
    ),
)
