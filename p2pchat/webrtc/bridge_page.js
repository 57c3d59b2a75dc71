/* The page's end of the bridge: an anywidget that owns the connections of a kernel in a Worker, which may have none.
 * Comms carry nothing but the name of a BroadcastChannel; a kernel hears no comm while a cell awaits.
 *
 * Whoever goes away, nothing is left behind. Each end holds a lock for as long as it lives; the browser gives up the
 * locks of a Worker that ends, however it ends, and who waits for the kernel's lock then closes all. */
export default {
  initialize({ model, signal }) {
    const name = model.get("name");
    const over = new AbortController();
    const leave = () => over.abort();
    signal?.addEventListener("abort", leave); // the widget is closed
    model.widget_manager?.context?.disposed?.connect(leave); // the notebook is closed, and its kernel may live on
    // A second model of the same widget must not own a second set of connections: one lock, one owner.
    navigator.locks.request(`${name} page`, { ifAvailable: true }, (lock) => lock && own(name, over));
    return leave;
  },
};

function own(name, over) {
  return new Promise((resolve) => {
    if (over.signal.aborted) return resolve();
    const channel = new BroadcastChannel(name);
    const { take, closeAll } = peerConnections((...message) => channel.postMessage(message));
    channel.onmessage = ({ data }) => {
      if (data[0] === 0) watchKernel();
      else take(...data);
    };
    const watchKernel = () => {
      const signal = over.signal;
      navigator.locks.request(`${name} kernel`, { signal }, () => over.abort()).catch(() => {}); // aborted: over already
    };
    over.signal.addEventListener("abort", () => {
      closeAll();
      channel.postMessage([0, "gone"]);
      channel.close();
      resolve();
    });
    channel.postMessage([0, "here"]);
  });
}
