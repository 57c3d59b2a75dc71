"""The references: both servers in a few lines, as one would write them with `websockets` in an afternoon.

They check nothing, bound nothing, and wait for whoever reads slowly.
"""

import json
from uuid import uuid4

from websockets.asyncio.server import ServerConnection

waiting: dict[ServerConnection, str] = {}
rooms: dict[str, list[ServerConnection]] = {}


async def matchmaking(socket: ServerConnection) -> None:
    user = json.loads(await socket.recv())["user_id"]
    other, name = next(iter(waiting.items()), (socket, user))
    if name != user:
        room = str(uuid4())
        del waiting[other]
        for one, called in ((other, "peer"), (socket, user)):
            match = {"type": "MATCH", "room_id": room, "user_id": called, "created_at": "2026-01-31T12:00:00Z"}
            await one.send(json.dumps(match))
    else:
        waiting[socket] = user
    await socket.wait_closed()
    waiting.pop(socket, None)


async def signaling(socket: ServerConnection) -> None:
    room = rooms.setdefault(json.loads(await socket.recv())["roomId"], [])
    room.append(socket)
    await socket.send(json.dumps({"type": "accept", "isExistClient": len(room) == 2, "isExistUser": len(room) == 2}))
    async for frame in socket:
        for other in room:
            if other is not socket:
                await other.send(frame)
    room.remove(socket)
