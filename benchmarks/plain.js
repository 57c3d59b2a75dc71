// The reference for a tab: the same handshake over the same servers, and the same messages, in plain JavaScript.
const now = () => performance.timeOrigin + performance.now(); // milliseconds, comparable between tabs
const next = (target, event) => new Promise((resolve) => target.addEventListener(event, resolve, { once: true }));
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const AT_ONCE = 10; // round trips by one look at the clock, which shows tenths of a millisecond
let connection, channel;

function adopt(theChannel) {
  channel = theChannel;
  channel.binaryType = "arraybuffer";
  return channel.readyState === "open" ? undefined : next(channel, "open");
}

// START: from the matchmaking server to the open channel. Returns [when it began, when it was open].
window.start = async (matchmaking, signaling) => {
  const began = now();
  const line = new WebSocket(matchmaking);
  await next(line, "open");
  line.send(JSON.stringify({ user_id: crypto.randomUUID(), created_at: new Date().toISOString() }));
  const match = JSON.parse((await next(line, "message")).data);
  line.close(1000);
  const room = new WebSocket(signaling);
  await next(room, "open");
  const send = (frame) => room.send(JSON.stringify(frame));
  connection = new RTCPeerConnection();
  connection.onicecandidate = ({ candidate }) => candidate && send({ type: "candidate", ice: candidate.toJSON() });
  const opened = new Promise((resolve) => {
    connection.ondatachannel = ({ channel }) => resolve(adopt(channel));
    room.onmessage = async ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "accept" && frame.isExistClient) {
        resolve(adopt(connection.createDataChannel("matchmaking-example")));
        await connection.setLocalDescription();
        send({ type: "offer", sdp: connection.localDescription.sdp });
      } else if (frame.type === "offer" || frame.type === "answer") {
        await connection.setRemoteDescription(frame);
        if (frame.type === "offer") {
          await connection.setLocalDescription();
          send({ type: "answer", sdp: connection.localDescription.sdp });
        }
      } else if (frame.type === "candidate" && frame.ice) {
        await connection.addIceCandidate(frame.ice);
      }
    };
  });
  send({ type: "register", roomId: match.room_id });
  await opened;
  const open = now();
  room.close(1000);
  return [began, open];
};
window.leave = () => connection.close();

// The same without servers, for what is measured on an open channel: whoever calls carries offer and answer.
async function described(description) {
  await connection.setLocalDescription(description);
  while (connection.iceGatheringState !== "complete") await next(connection, "icegatheringstatechange");
  return connection.localDescription.sdp;
}
window.offer = async () => {
  connection = new RTCPeerConnection();
  adopt(connection.createDataChannel("bench"));
  return described();
};
window.answer = async (sdp) => {
  connection = new RTCPeerConnection();
  connection.ondatachannel = ({ channel }) => {
    adopt(channel);
    channel.onmessage = ({ data }) => {
      if (typeof data === "string")
        channel.send(data); // an echo
      else took(data);
    };
  };
  await connection.setRemoteDescription({ type: "offer", sdp });
  return described();
};
window.accept = async (sdp) => {
  await connection.setRemoteDescription({ type: "answer", sdp });
  if (channel.readyState !== "open") await next(channel, "open");
};

window.roundTrips = async (times) => {
  const values = [];
  for (let number = 0; number < times; number += AT_ONCE) {
    const began = performance.now();
    for (let trip = 0; trip < AT_ONCE; trip++) {
      channel.send("x".repeat(64));
      await next(channel, "message");
    }
    values.push((performance.now() - began) / AT_ONCE);
  }
  return median(values);
};

let missing = 0; // bytes
function took(data) {
  missing -= data.byteLength;
  if (missing <= 0) channel.send("all"); // which ends the time at the sender
}
window.expect = (bytes) => {
  missing = bytes;
};
// Messages of 16 KiB, never more than 1 MiB waiting. Returns MB/s.
window.flood = async (bytes) => {
  const message = new Uint8Array(16384);
  channel.bufferedAmountLowThreshold = 262144;
  const began = performance.now();
  const end = next(channel, "message");
  for (let sent = 0; sent < bytes; sent += message.length) {
    if (channel.bufferedAmount > 1048576) await next(channel, "bufferedamountlow");
    channel.send(message);
  }
  await end;
  return bytes / 1e3 / (performance.now() - began);
};
