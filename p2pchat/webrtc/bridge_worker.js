/* The Worker's end of the bridge; bridge_page.js is the other. */
(name, deliver) => {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => deliver(...data);
  let close; // gives up the lock
  const closed = new Promise((resolve) => {
    close = resolve;
  });
  navigator.locks.request(`${name} kernel`, () => {
    deliver(0, "locked");
    return closed;
  });
  return {
    post: (...message) => channel.postMessage(message),
    close() {
      channel.onmessage = null;
      channel.close();
      close();
    },
  };
};
