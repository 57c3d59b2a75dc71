/* The browser's RTCPeerConnections and RTCDataChannels by number, for someone who cannot hold them: Python, which may
 * be in another thread. All that goes to and fro is messages of plain values, in order.
 *
 *     const { take, closeAll } = peerConnections(post);
 *
 *   to us: take(number, what, …)                        from us: post(number, what, …)
 *     connection "new"     configuration                   connection "state"       state
 *     connection "ask"     question, method, argument      connection "answer"      question, state, value
 *                                                          connection "refused"     question, state, name, words
 *     connection "channel" number, label, options          connection "datachannel" number, state of the channel
 *                                                          connection "icecandidate" state, candidate
 *     channel    "send"    text or bytes                   channel    "message"     text or bytes
 *     channel    "low"     bytes (the threshold)           channel    "left"        bytes (so far, out of the buffer)
 *                                                          channel    "state"       state
 *     either     "close"                                   either     "error"       name, words
 *
 * Nothing is answered at once: what a call came to, an error too, is posted in a later turn, so that a caller on the
 * same thread and one behind a bridge see the same.
 *
 * Numbers above zero are given out by whoever calls; channels that the other peer opens get those below zero. */
// biome-ignore lint/correctness/noUnusedVariables: browser_bridge.py and browser_transports.py append who calls it.
function peerConnections(post) {
  const AHEAD = 50; // milliseconds from the last message of a channel to its close
  const objects = new Map();
  let opened = 0; // channels that other peers opened

  const description = (it) => it && { type: it.type, sdp: it.sdp };

  const stateOfConnection = (connection) => ({
    connectionState: connection.connectionState,
    iceConnectionState: connection.iceConnectionState,
    iceGatheringState: connection.iceGatheringState,
    signalingState: connection.signalingState,
    localDescription: description(connection.localDescription) ?? undefined,
    remoteDescription: description(connection.remoteDescription) ?? undefined,
  });

  const stateOfChannel = (channel, connection) => ({
    readyState: channel.readyState,
    label: channel.label,
    protocol: channel.protocol,
    ordered: channel.ordered,
    maxRetransmits: channel.maxRetransmits ?? undefined,
    maxPacketLifeTime: channel.maxPacketLifeTime ?? undefined,
    negotiated: channel.negotiated,
    id: channel.id ?? undefined,
    maxMessageSize: connection.sctp?.maxMessageSize ?? undefined,
  });

  const plain = (value) => {
    if (value instanceof RTCStatsReport) return [...value.values()];
    return value?.sdp === undefined ? undefined : description(value);
  };

  const addConnection = (number, connection) => {
    const channels = [];
    const tell = (...message) => objects.has(number) && post(number, ...message);
    const adopt = (channel, its) => {
      channels.push(its);
      addChannel(its, channel, connection);
    };
    for (const name of ["connection", "iceconnection", "icegathering", "signaling"]) {
      connection.addEventListener(`${name}statechange`, () => tell("state", stateOfConnection(connection)));
    }
    connection.addEventListener("icecandidate", ({ candidate }) => {
      tell("icecandidate", stateOfConnection(connection), candidate?.toJSON());
    });
    connection.addEventListener("datachannel", ({ channel }) => {
      if (!objects.has(number)) return;
      adopt(channel, --opened);
      tell("datachannel", opened, stateOfChannel(channel, connection));
    });
    objects.set(number, {
      async ask(question, method, argument) {
        try {
          const value = plain(await connection[method](argument));
          tell("answer", question, stateOfConnection(connection), value);
        } catch (error) {
          tell("refused", question, stateOfConnection(connection), error.name, error.message);
        }
      },
      channel(its, label, options) {
        attempt(its, () => adopt(connection.createDataChannel(label, options), its));
      },
      close() {
        objects.delete(number);
        for (const its of channels) objects.delete(its);
        connection.close();
      },
    });
  };

  const addChannel = (number, channel, connection) => {
    let low = 0; // the threshold that our caller cares about
    let sent = 0;
    let closing = false;
    const tell = (...message) => objects.has(number) && post(number, ...message);

    // No event tells of every byte that leaves. So the browser's own threshold goes ahead of the buffer: half-way down,
    // then half of that, our caller's threshold, and nothing left.
    const watch = () => {
      const waiting = channel.bufferedAmount;
      channel.bufferedAmountLowThreshold = waiting > low ? Math.max(low, Math.floor(waiting / 2)) : 0;
    };
    // The standard says that what was sent before `close` arrives. Chromium, as who receives, drops a message that the
    // close comes right behind: measured on busy tabs, 1 in 3 when closed at once, 1 in 30 when closed as soon as
    // nothing waits to be sent, none of 600 with 5 ms between. So the close lets the last words go ahead.
    const closeWhenEmpty = () => {
      if (!closing || channel.bufferedAmount > 0) return;
      if (sent) setTimeout(() => channel.close(), AHEAD);
      else channel.close();
    };
    channel.binaryType = "arraybuffer";
    channel.addEventListener("message", ({ data }) => tell("message", data));
    channel.addEventListener("bufferedamountlow", () => {
      tell("left", sent - channel.bufferedAmount);
      watch();
      closeWhenEmpty();
    });
    for (const name of ["open", "closing", "close"]) {
      channel.addEventListener(name, () => {
        tell("state", stateOfChannel(channel, connection));
        if (name === "close") objects.delete(number);
      });
    }
    objects.set(number, {
      send(data) {
        if (channel.readyState !== "open") return; // the state that says so is on its way to whoever sent this
        attempt(number, () => {
          const before = channel.bufferedAmount;
          channel.send(data);
          sent += channel.bufferedAmount - before;
          watch();
        });
      },
      low(bytes) {
        low = bytes;
        watch();
      },
      close() {
        closing = true;
        closeWhenEmpty();
      },
    });
  };

  const attempt = (number, act) => {
    try {
      act();
    } catch (error) {
      queueMicrotask(() => post(number, "error", error.name, error.message));
    }
  };

  const closeAll = () => {
    for (const object of [...objects.values()]) object.close();
  };
  // A page that is closed says so to the other peers, who would else find out by silence.
  addEventListener("pagehide", ({ persisted }) => persisted || closeAll());

  return {
    take(number, what, ...rest) {
      if (what === "new") attempt(number, () => addConnection(number, new RTCPeerConnection(...rest)));
      else objects.get(number)?.[what](...rest);
    },
    closeAll,
  };
}
