"""The exercises of lesson 00: start here."""

from collections.abc import Callable, Mapping

from p2pchat import ChatError, ChatPeer, Servers, State
from p2pchat.lab.exercises import Exercise

MEETING = 5.0  # seconds for two peers on one machine, who need a twentieth of one

RIGHT = {
    "who wants to chat": "matchmaking",
    "where Ada and Bob can be reached": "signaling",
    "the word hello": "no server",
}
BECAUSE = {
    "who wants to chat": "START asks one server to find a stranger. Which arrow of the picture comes first?",
    "where Ada and Bob can be reached": "The addresses are in the offer and the answer. Which server passes them on?",
    "the word hello": "You stopped all servers, and the chat went on. So through which of them does a message go?",
}


async def who_knows(answers: Mapping[str, str | None]) -> None:
    """00.1: which server learns what."""
    for question, right in RIGHT.items():
        given = answers.get(question)
        assert given is not None, f'you have not said yet who learns "{question}".'
        choices = ("matchmaking", "signaling", "no server")
        assert given in choices, f'"{given}" is none of the choices: {", ".join(choices)}.'
        assert given == right, f'"{question}": not {given}. {BECAUSE[question]}'


async def they_meet(new_peer: Callable[[Servers, str], ChatPeer]) -> None:
    """00.2: two peers made by ``new_peer(servers, name)`` get to talk."""
    async with Servers(static_port=None) as servers:
        peers = [new_peer(servers, name) for name in ("Ada", "Bob")]
        try:
            for peer in peers:
                await peer.start()
            for peer in peers:
                await peer.wait_for(State.OPEN, MEETING)
        except ChatError as error:
            said = str(error)
            for url in servers.urls.values():
                said = said.replace(url.rpartition("/")[0], "ws://127.0.0.1:PORT")
            raise AssertionError(f'Ada and Bob did not meet. The peer says: "{said}"') from None
        finally:
            for peer in peers:
                await peer.leave()


EXERCISES = (
    Exercise(
        "00.1",
        who_knows,
        "three questions, three right answers. A server knows what goes through it, and no more.",
        (
            "Look at the picture: which arrows touch which server?",
            "An offer says where its sender can be reached. A message is drawn in the other colour.",
        ),
    ),
    Exercise(
        "00.2",
        they_meet,
        "Ada and Bob met. The message named the part that failed, and the address in it showed why.",
        (
            "Read the address in the message to its end. Which server did the peer ask, and which one did it want?",
            "A peer needs two addresses, and `servers` has one property for each.",
        ),
    ),
)
