// The RECORD: takes {first, lines} and {delivered} as custom messages; asks for all lines by {ask: "lines"}.
const CLOCK = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const NEAR = 8; // pixels from the bottom at which a reader counts as being there (our choice)

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // text, never HTML: a stranger wrote it
  return made;
}

function mark(node) {
  if (node.querySelector(".p2pchat-mark")) return;
  const made = element("span", "p2pchat-mark", "✓");
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", "delivered");
  made.title = "delivered";
  node.lastElementChild.append(made);
}

function write(line) {
  const node = element("div", "p2pchat-line");
  node.dataset.author = line.author;
  const time = element("time", "p2pchat-time", CLOCK.format(line.at));
  time.dateTime = new Date(line.at).toISOString();
  const said = element("span", "p2pchat-said");
  const text = element("span", "p2pchat-text", line.text);
  text.dir = "auto"; // of its own direction, and none of it reaches beyond the text
  said.append(text);
  node.append(time, element("span", "p2pchat-by", `[${line.author}]`), said);
  if (line.delivered) mark(node);
  return node;
}

export default () => {
  let lines = new Map(); // by number, in order
  let last = -1; // the highest number of them
  const views = new Set();

  // Returns whether lines are missing before those that came.
  function take(message) {
    if (message.delivered) {
      for (const number of message.delivered) {
        const line = lines.get(number);
        if (line) line.delivered = true;
        for (const view of views) view.mark(number);
      }
    }
    if (!message.lines) return false;
    let [missing, late] = [false, false];
    for (const line of message.lines) {
      if (lines.has(line.number)) continue;
      missing ||= line.number > Math.max(last + 1, message.first);
      late ||= line.number < last;
      lines.set(line.number, line);
      last = Math.max(last, line.number);
    }
    if (late) lines = new Map([...lines].sort(([a], [b]) => a - b));
    for (const number of lines.keys()) {
      if (number >= message.first) break;
      lines.delete(number);
    }
    for (const view of views) view.draw(late);
    return missing;
  }

  return {
    initialize({ model }) {
      const ask = () => model.send({ ask: "lines" });
      model.on("msg:custom", (message) => take(message) && ask());
      ask();
    },

    render({ model, el }) {
      const log = element("div", "p2pchat-log");
      log.setAttribute("role", "log");
      log.setAttribute("aria-live", "polite");
      log.tabIndex = 0; // so that the arrow keys scroll it,
      log.dataset.lmSuppressShortcuts = "true"; // and do not choose the next cell in JupyterLab
      const typing = element("div", "p2pchat-typing");
      typing.setAttribute("role", "status");
      el.classList.add("p2pchat-record");
      el.append(log, typing);

      const nodes = new Map(); // by number
      let due = false; // a frame in which to draw is asked for
      let follow = true; // the reader is at the bottom
      let top = 0; // where else
      let hidden = true;
      let [height, width] = [0, 0]; // of the lines when they were last put where they belong

      const settle = () => {
        if (follow) log.scrollTop = log.scrollHeight;
        [height, width] = [log.scrollHeight, log.clientWidth];
      };

      // Everything is drawn once a frame, and the scrolling with it: a layout a frame, not one for each line.
      const frame = () => {
        due = false;
        for (const [number, node] of nodes) {
          if (lines.has(number)) break;
          node.remove();
          nodes.delete(number);
        }
        const fresh = document.createDocumentFragment();
        for (const [number, line] of lines) {
          if (nodes.has(number)) continue;
          const node = write(line);
          nodes.set(number, node);
          fresh.append(node);
        }
        log.append(fresh);
        settle();
      };
      const view = {
        draw(again) {
          if (again) {
            log.replaceChildren();
            nodes.clear();
          }
          if (!due) requestAnimationFrame(frame);
          due = true;
        },
        mark(number) {
          if (nodes.has(number)) mark(nodes.get(number));
          view.draw(false);
        },
      };
      views.add(view);
      frame();

      log.addEventListener("scroll", () => {
        if (!log.clientHeight) return;
        if (log.scrollHeight !== height || log.clientWidth !== width) return settle(); // it was the layout, no reader
        top = log.scrollTop;
        follow = height - top - log.clientHeight < NEAR;
      });
      const size = new ResizeObserver(() => {
        // JupyterLab takes a cell that is out of sight out of the page, and its scroll position is lost with that.
        if (hidden) log.scrollTop = top;
        hidden = !log.clientHeight;
        settle();
        const chat = el.closest(".p2pchat");
        if (chat) {
          chat.setAttribute("role", "group");
          chat.setAttribute("aria-label", model.get("label"));
        }
      });
      size.observe(log);

      const show = () => {
        log.setAttribute("aria-label", model.get("label"));
        typing.textContent = model.get("typing") ? "The stranger is typing …" : "";
      };
      model.on("change:label change:typing", show);
      show();
      return () => {
        views.delete(view);
        size.disconnect();
      };
    },
  };
};
