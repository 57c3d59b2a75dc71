// The chat without Jupyter around it: starts Python, and is a `View` of `p2pchat.views.presenter`, made of the very
// views that the notebooks have (p2pchat/views/widgets/*.js).
import { loadPyodide } from "../static/pyodide/pyodide.mjs";
import messageBox from "./widgets/message_box.js";
import newRecord from "./widgets/record.js";
import stateWord from "./widgets/state_word.js";

const PARTS = ["../static/pyodide/pyodide.asm.wasm", "../static/pyodide/python_stdlib.zip", "python.zip"];
const at = (path) => new URL(path, import.meta.url).href;
const byId = (id) => document.getElementById(id);
const buttons = { start: byId("start"), next: byId("next"), leave: byId("leave") };

// What a view of anywidget sees of its Python half: values, and messages both ways.
class Model {
  #values;
  #listeners = new Map();

  constructor(values, receive = () => {}) {
    this.#values = values;
    this.send = receive;
  }

  get(name) {
    return this.#values[name];
  }

  on(names, listener) {
    for (const name of names.split(" ")) {
      this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    }
  }

  receive(message) {
    for (const listener of this.#listeners.get("msg:custom") ?? []) listener(message);
  }

  set(values) {
    Object.assign(this.#values, values);
    for (const name of Object.keys(values)) {
      for (const listener of this.#listeners.get(`change:${name}`) ?? []) listener();
    }
  }
}

let chat; // a `Presenter` of `p2pchat.views.presenter`, once Python runs
const state = new Model({ name: "", state: "loading", why: "" });
const record = new Model({ label: "Chat", typing: false });
const box = new Model({ label: "Message", hint: "Python is starting …", can_send: false }, (message) => {
  if (message.send === undefined) chat?.typing();
  else if (chat) chat.send(message.send);
  else view.put_back(message.send); // Python is still starting
});

// The lines that the record holds: the number of the first, and how many characters each has.
const held = { first: 0, lengths: [], characters: 0, maxLines: Infinity, maxCharacters: Infinity };

// The `View`. What Python hands over, a `ChatStatus` and numbers of lines, can be read during the call only.
const view = {
  show_status({ state: word, why, hint, can_start, can_next, can_leave, can_send }) {
    state.set({ state: word, why });
    box.set({ hint, can_send });
    const focused = document.activeElement;
    buttons.start.disabled = !can_start;
    buttons.next.disabled = !can_next;
    buttons.leave.disabled = !can_leave;
    // Who uses the keyboard must not lose the place when the button under it is disabled.
    if (focused?.disabled) (Object.values(buttons).find((button) => !button.disabled) ?? document.body).focus();
  },
  write(author, text) {
    const number = held.first + held.lengths.push(text.length) - 1;
    held.characters += text.length;
    while (held.lengths.length > 1 && (held.lengths.length > held.maxLines || held.characters > held.maxCharacters)) {
      held.characters -= held.lengths.shift();
      held.first += 1;
    }
    record.receive({ first: held.first, lines: [{ number, at: Date.now(), author, text, delivered: false }] });
    return number;
  },
  mark_delivered: (numbers) => record.receive({ delivered: [...numbers] }),
  show_typing: (typing) => record.set({ typing }),
  put_back: (text) => box.receive({ put_back: text }),
};

// The large parts are fetched here too, from the browser's cache, to know how much of them has come.
async function showProgress() {
  let [came, all] = [0, 0];
  await Promise.all(
    PARTS.map(async (part) => {
      const response = await fetch(at(part));
      if (!response.ok) throw new Error(`${part}: HTTP ${response.status}`);
      all += Number(response.headers.get("Content-Length")) || 1e6;
      for (const reader = response.body.getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        came += value.length;
        byId("progress").value = Math.min(1, came / Math.max(all, 1));
      }
    }),
  );
}

async function startPython() {
  const pyodide = await loadPyodide({ indexURL: at("../static/pyodide/") });
  const packages = await fetch(at("python.zip"));
  if (!packages.ok) throw new Error(`python.zip: HTTP ${packages.status}`);
  const site = pyodide.runPython("import sysconfig; sysconfig.get_path('purelib')");
  pyodide.unpackArchive(await packages.arrayBuffer(), "zip", { extractDir: site });
  return pyodide.pyimport("p2pchat.views.page");
}

async function main() {
  stateWord.render({ model: state, el: byId("state") });
  const lines = newRecord();
  lines.initialize({ model: record });
  lines.render({ model: record, el: byId("record") });
  messageBox.render({ model: box, el: byId("box") });
  try {
    byId("where").textContent = "Loading Python …";
    const [page] = await Promise.all([startPython(), showProgress()]);
    byId("where").textContent = "Looking for servers …";
    [held.maxLines, held.maxCharacters] = [page.MAX_LINES, page.MAX_CHARACTERS];
    chat = await page.open_chat(view);
    byId("where").textContent = `You meet ${chat.peer.where}.`;
    byId("lines").textContent =
      `This page is ${page.lines_of_code().toLocaleString("en")} lines of Python, run by Pyodide in WebAssembly.`;
    for (const [name, button] of Object.entries(buttons)) button.addEventListener("click", () => chat[name]());
  } catch (error) {
    console.error(error);
    const why = error.message.trimEnd().split("\n").at(-1); // of a traceback the line that says what it was
    view.show_status({ state: "closed", why, hint: "Reload the page to try again" }); // and nothing can be pressed
    view.write("Sys", why);
    byId("where").textContent = "The chat could not start.";
  } finally {
    byId("progress").remove();
  }
}

main();
