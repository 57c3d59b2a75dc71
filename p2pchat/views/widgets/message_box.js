// The message box: sends {send: text} and {typing: true}, and takes {put_back: text} when a text could not be sent.
const TYPING_EVERY = 1000; // milliseconds (our choice); Python lets the stranger know every other second

export default {
  render({ model, el }) {
    const form = document.createElement("form");
    form.className = "p2pchat-form";
    // JupyterLab's shortcuts are not for who writes here: Shift+Enter is a new line, not the next cell.
    form.dataset.lmSuppressShortcuts = "true";
    const box = document.createElement("textarea");
    box.className = "p2pchat-box";
    box.rows = 1;
    box.enterKeyHint = "send";
    const send = document.createElement("button");
    send.className = "p2pchat-send lm-Widget jupyter-widgets jupyter-button mod-primary";
    send.textContent = "SEND";
    form.append(box, send);
    el.append(form);
    let typed = 0;

    const gone = () => el.closest(".jupyter-widgets-disconnected") !== null; // its kernel
    const show = () => {
      box.setAttribute("aria-label", model.get("label"));
      box.placeholder = gone() ? "The kernel is gone" : model.get("hint");
      send.disabled = !model.get("can_send") || !box.value.trim() || gone();
    };
    const grow = () => {
      box.style.height = "auto";
      box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
    };
    const write = (text) => {
      box.value = text;
      grow();
      show();
    };

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = box.value;
      if (!text.trim() || gone()) return;
      typed = 0;
      write("");
      model.send({ send: text });
      box.focus();
    });
    box.addEventListener("keydown", (event) => {
      // While a word is composed (Japanese, accents) Enter ends the composition. Safari says so by 229 only.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      form.dispatchEvent(new SubmitEvent("submit", { cancelable: true }));
    });
    box.addEventListener("input", () => {
      grow();
      show();
      if (box.value.trim() && performance.now() - typed > TYPING_EVERY) {
        typed = performance.now();
        model.send({ typing: true });
      }
    });
    model.on("change:label change:hint change:can_send", show);
    model.on("comm_live_update", () => queueMicrotask(show)); // after the view has marked itself
    model.on("msg:custom", ({ put_back: text }) => {
      if (text !== undefined) write(box.value ? `${text}\n${box.value}` : text);
    });
    show();
  },
};
