"""The exercises of lesson 02: matchmaking."""

from p2pchat.lab.clients import joined, match_of, server_of, without_trouble
from p2pchat.lab.exercises import Exercise
from p2pchat.lab.serving import LessonServer, ServerCoroutine


async def a_pair_meets(server: LessonServer) -> None:
    """The plain case: two come, and get one room."""
    ada = await joined(server, "ada")
    bob = await joined(server, "bob")
    for_bob = await match_of(bob, "Ada waits and Bob comes: Bob must get a MATCH.")
    for_ada = await match_of(ada, "Ada waits and Bob comes: Ada must get a MATCH.")
    assert for_ada.room_id == for_bob.room_id, "Ada and Bob must get the same room_id, or they never meet."
    assert for_bob.user_id == "bob", f"Bob came last and gets his own user_id back, not {for_bob.user_id!r}."
    assert for_ada.user_id == "peer", f'Ada waited and gets "peer" as user_id, not {for_ada.user_id!r}.'
    await ada.close()
    await bob.close()


async def no_ghosts(matchmaking: ServerCoroutine) -> None:
    """02.1: ``matchmaking(socket, waiting)`` matches nobody with one who left."""
    async with server_of(matchmaking, []) as server:
        await a_pair_meets(server)
        ghost = await joined(server, "ada")
        await ghost.close()
        bob = await joined(server, "bob")
        cleo = await joined(server, "cleo")
        story = "Ada came and left. Then Bob and Cleo came: they must be matched with each other."
        for_cleo = await match_of(cleo, f"{story} Cleo got no MATCH: Bob was given to somebody who is gone.")
        for_bob = await match_of(bob, f"{story} Bob got no MATCH.")
        assert for_cleo.room_id == for_bob.room_id, f"{story} They were sent to two different rooms."
        await without_trouble(server)


async def nobody_forgotten(matchmaking: ServerCoroutine) -> None:
    """02.2: it also matches nobody with themselves, and leaves nobody in the line who could be paired."""
    async with server_of(matchmaking, []) as server:
        await a_pair_meets(server)
        tabs = [await joined(server, "ada"), await joined(server, "ada")]
        bob = await joined(server, "bob")
        cleo = await joined(server, "cleo")
        story = "Ada pressed START in two tabs, then Bob and Cleo came."
        for_bob = await match_of(bob, f"{story} Bob must meet one of the tabs, but got no MATCH.")
        for_cleo = await match_of(cleo, f"{story} Bob met one tab. Cleo must meet the other, but got no MATCH.")
        rooms = {(await match_of(tab, f"{story} One of the tabs got no MATCH.")).room_id for tab in tabs}
        assert rooms == {for_bob.room_id, for_cleo.room_id}, f"{story} The two tabs were matched with each other."
        await without_trouble(server)
    async with server_of(matchmaking, []) as server:
        ghost = await joined(server, "ada")
        await ghost.close()
        bob = await joined(server, "bob")
        cleo = await joined(server, "cleo")
        await match_of(cleo, "Ada came and left, and now there are ghosts again: Cleo got no MATCH.")
        await match_of(bob, "Ada came and left, and now there are ghosts again: Bob got no MATCH.")
        await without_trouble(server)


EXERCISES = (
    Exercise(
        "02.1",
        no_ghosts,
        "no ghosts: who leaves is out of the line before the next one comes.",
        (
            "Your coroutine notices that its client left: `async for _ in socket` ends. What has to happen then?",
            "A list has `remove`. But who was matched stands in the line no more, and `remove` would raise ValueError.",
            "After the loop: `if socket in waiting: waiting.remove(socket)`.",
        ),
    ),
    Exercise(
        "02.2",
        nobody_forgotten,
        "nobody meets themselves, and nobody is forgotten.",
        (
            "Write down what `waiting` holds after Ada's first tab, after her second, after Bob.",
            "`pop` takes somebody out of the line. What becomes of the one who was taken out and does not suit?",
            "Look first, take out later: find the first in the line with another user_id, and remove only that one.",
        ),
    ),
)
