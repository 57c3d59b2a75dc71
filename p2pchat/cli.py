"""The command line: ``p2pchat serve`` and its single servers, and ``p2pchat chat``.

Three terminals, one server each, or one terminal for all::

    p2pchat static          p2pchat serve
    p2pchat matchmaking
    p2pchat signaling

and two more to chat: ``p2pchat chat``.
"""

import argparse
import asyncio
import logging
import signal
import ssl
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from p2pchat import __version__
from p2pchat.errors import ChatError, ServerFailed
from p2pchat.messages import MAX_INTEREST, MAX_INTERESTS
from p2pchat.peer import MATCHMAKING_URL, SIGNALING_URL, ChatPeer
from p2pchat.servers import NAMES, Servers, built_site
from p2pchat.servers.limits import Limits
from p2pchat.sockets.ports import DEFAULT_PORTS
from p2pchat.views.terminal import Terminal

LIMITS = {
    "matchmaking_frame": ("BYTES", "largest frame from a client to matchmaking"),
    "signaling_frame": ("BYTES", "largest frame from a client to signaling"),
    "first_frame": ("SECONDS", "time that a new client has for its first frame"),
    "frames_per_second": ("N", "frames a second from one client"),
    "frames_at_once": ("N", "frames from one client in a burst"),
    "connections": ("N", "connections from one address to one server; loopback is exempt"),
    "queued": ("BYTES", "bytes waiting for a client that does not read"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in ``argv``. Returns: the exit status, 0 if all went well."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("aioice").setLevel(logging.WARNING)
    try:
        return _run(args.command(args))
    except ChatError as error:
        print(error, file=sys.stderr)
        return 1


# --- servers --------------------------------------------------------------------------------------------------


async def _serve(args: argparse.Namespace) -> int:
    """Run the servers until Ctrl-C or SIGTERM; print one line for each that is ready."""
    servers = Servers(
        host=args.host,
        **{f"{name}_port": getattr(args, f"{name}_port", None) for name in NAMES},
        site=getattr(args, "site", None),
        ice_servers=getattr(args, "ice_server", ()),
        origins=getattr(args, "origin", ()),
        tls=_tls(args.tls_cert, args.tls_key),
        limits=Limits(**{name: getattr(args, name) for name in LIMITS if hasattr(args, name)}),
        log_private=args.log_private,
    )
    stopped = _on_signal()
    async with servers:
        for name, url in servers.urls.items():
            print(name, url, flush=True)
        await stopped.wait()
    return 0


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None:
        if key is not None:
            raise ServerFailed("A key alone is not enough: --tls-key goes with --tls-cert.")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ServerFailed(
            f"The certificate {cert} and its key cannot be used: {error}. Both must be PEM files that fit each other."
        ) from None
    return context


# --- a chat ---------------------------------------------------------------------------------------------------


async def _chat(args: argparse.Namespace) -> int:
    """Chat in this terminal until the input ends, or Ctrl-C."""
    peer = ChatPeer(args.matchmaking, args.signaling, interests=args.interest, ice_servers=args.ice_server)
    terminal = Terminal(peer, as_json=args.json)
    stopped = _on_signal()
    chat = asyncio.create_task(terminal.run())
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait({chat, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not chat.done():
        await peer.leave()
        chat.cancel()
        return 0
    return chat.result()


# --- what both need -------------------------------------------------------------------------------------------


def _run(command: Coroutine[Any, Any, int]) -> int:
    """Run on uvloop where it is installed (``pip install p2pchat[fast]``), which serves nearly twice as many."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(command)


def _on_signal() -> asyncio.Event:
    """An event that is set by Ctrl-C or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    return stopped


# --- the arguments --------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="p2pchat", description="Chat with strangers, peer to peer.")
    parser.add_argument("--version", action="version", version=f"p2pchat {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run all three servers")
    _add_server_arguments(serve, NAMES)
    for name, what in (
        ("static", "run the static server, which hands out the site"),
        ("matchmaking", "run the matchmaking server, which pairs strangers"),
        ("signaling", "run the signaling server, which carries offer, answer and candidates"),
    ):
        _add_server_arguments(commands.add_parser(name, help=what), (name,))

    chat = commands.add_parser("chat", help="chat in this terminal; /next finds another stranger, Ctrl-D leaves")
    chat.add_argument("--matchmaking", metavar="URL", default=MATCHMAKING_URL, help="default: %(default)s")
    chat.add_argument("--signaling", metavar="URL", default=SIGNALING_URL, help="default: %(default)s")
    chat.add_argument(
        "--interest",
        metavar="WORD",
        action="append",
        default=[],
        type=_interest,
        help=f"a stranger who shares it is preferred; up to {MAX_INTERESTS} times",
    )
    _add_ice_server(chat)
    chat.add_argument("--json", action="store_true", help="print one event a line, as JSON")
    chat.set_defaults(command=_chat)
    return parser


def _add_server_arguments(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    parser.set_defaults(command=_serve)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: %(default)s")
    for name in names:
        parser.add_argument(
            f"--{name}-port",
            metavar="PORT",
            type=_port,
            default=DEFAULT_PORTS[name],
            help="0: any free; default: %(default)s",
        )
    if "static" in names:
        parser.add_argument(
            "--site",
            metavar="DIR",
            type=Path,
            default=built_site(),
            help="the site; default: what make site built, else a page that says how",
        )
    if "signaling" in names:
        _add_ice_server(parser)
    parser.add_argument("--tls-cert", metavar="FILE", type=Path, help="PEM certificate chain, for https and wss")
    parser.add_argument("--tls-key", metavar="FILE", type=Path, help="its PEM private key")
    parser.add_argument(
        "--log-private", action="store_true", help="log addresses and whole frames too, session descriptions included"
    )
    if names == ("static",):
        return
    parser.add_argument(
        "--origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="let pages from here in too, e.g. https://chat.example; '*' lets all in",
    )
    limits = parser.add_argument_group("limits", "how much one client may ask; 0 means no limit")
    others = tuple(f"{name}_" for name in NAMES if name not in names)
    for field in fields(Limits):
        if field.name.startswith(others):
            continue
        metavar, what = LIMITS[field.name]
        assert field.default is not MISSING
        limits.add_argument(
            f"--{field.name.replace('_', '-')}",
            metavar=metavar,
            type=_limit(type(field.default)),
            default=field.default,
            help=f"{what}; default: %(default)s",
        )


def _add_ice_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ice-server",
        metavar="URL",
        action="extend",
        nargs="+",
        default=[],
        type=_ice_server,
        help="stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT, for peers behind a NAT",
    )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid port: a number from 0 to 65535")
    return int(text)


def _limit(kind: type[float]) -> Callable[[str], float]:
    def limit(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = -1
        if not 0 <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not a valid limit: a number from 0, where 0 means no limit")
        return value

    return limit


def _interest(text: str) -> str:
    if not text.strip() or len(text) > MAX_INTEREST:
        raise argparse.ArgumentTypeError(f"an interest has 1 to {MAX_INTEREST} characters")
    return text


def _ice_server(text: str) -> dict[str, str]:
    """A W3C RTCIceServer dictionary (section 4.2.4) of ``turn:USER:PASSWORD@HOST:PORT`` and the like."""
    scheme, _, rest = text.partition(":")
    if scheme not in ("stun", "stuns", "turn", "turns") or not rest:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an ICE server: stun:HOST:PORT or turn:USER:PASSWORD@HOST:PORT"
        )
    parts = urlsplit(f"//{rest}")
    if scheme.startswith("stun"):
        return {"urls": text}
    if not parts.username or not parts.password:
        raise argparse.ArgumentTypeError(f"a TURN server needs a user and a password: {scheme}:USER:PASSWORD@HOST:PORT")
    return {
        "urls": f"{scheme}:{rest.rpartition('@')[2]}",
        "username": unquote(parts.username),
        "credential": unquote(parts.password),
    }


if __name__ == "__main__":
    sys.exit(main())
