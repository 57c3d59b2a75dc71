// Tells, below a notebook, what is still loading until its kernel is ready.

import { fetched, finished } from "./fetch_early.js";

const LOOK_EVERY = 100; // milliseconds
const TOO_LONG = 120_000;

const box = document.createElement("div");
box.className = "p2pchat-loading";
box.innerHTML = '<span role="status"></span><progress aria-label="Python, loaded" max="1" value="0"></progress>';
const [words, bar] = box.children;
document.body.append(box);

let failure = "";
finished.catch((error) => (failure = error.message));
const began = performance.now();

/** The notebook's kernel, as soon as there is one. */
function kernel() {
  return globalThis.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
}

function say(text) {
  if (words.textContent !== text) {
    words.textContent = text; // a screen reader reads each change, so it changes with the step and not with each byte
  }
}

function look() {
  const status = kernel()?.status;
  if (status === "idle" || status === "busy") {
    say("Python is ready.");
    box.classList.add("p2pchat-loaded");
    setTimeout(() => box.remove(), 2000);
    return;
  }
  const share = fetched.here / fetched.all;
  bar.value = share;
  const megabytes = Math.round(fetched.all / 1e6);
  if (status === "dead" || performance.now() - began > TOO_LONG) {
    say("Python did not start. Reload the page; if that does not help, try another browser.");
    bar.hidden = true;
  } else if (failure) {
    say(`Python could not be loaded (${failure}). Reload the page to try again.`);
    bar.hidden = true;
  } else if (share < 1) {
    say(`Loading the notebook and Python (${megabytes} MB unpacked, kept for the next time) …`);
  } else if (!kernel()) {
    say("Opening the notebook …");
    bar.removeAttribute("value"); // how long it takes is not known
  } else {
    say("Starting Python …");
    bar.removeAttribute("value");
  }
  setTimeout(look, LOOK_EVERY);
}

look();

// Where a link in a lesson leads on this site: the glossary to its page, a lesson to its notebook. JupyterLite would
// show the one as a text file, and look for an app that is not here for the other.
function onThisSite(address) {
  const root = new URL("./", import.meta.url);
  const term = address.match(/\/docs\/glossary\.md(#.*)?$/);
  if (term) {
    return new URL(`docs/glossary.html${term[1] ?? ""}`, root);
  }
  const lesson = address.startsWith(`${root}files/`) && address.slice(`${root}files/`.length).match(/^[^#?]+\.ipynb/);
  return lesson ? new URL(`notebooks/index.html?path=${lesson[0]}`, root) : null;
}

document.addEventListener(
  "click",
  (event) => {
    const place = onThisSite(event.target.closest?.("a[href]")?.href ?? "");
    if (place) {
      event.preventDefault();
      event.stopImmediatePropagation();
      open(place, "_blank", "noopener"); // this tab holds what the learner wrote
    }
  },
  { capture: true },
);
