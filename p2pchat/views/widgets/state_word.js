// The state as a word, in a live region; the colour comes from the style sheet by data-state.
export default {
  render({ model, el }) {
    const name = document.createElement("span");
    name.className = "p2pchat-name";
    const word = document.createElement("span");
    word.className = "p2pchat-state";
    word.setAttribute("role", "status");
    el.classList.add("p2pchat-status");
    el.append(name, word);

    const show = () => {
      // Without its kernel a widget is only a picture of what was: it must not go on saying "open".
      const gone = el.closest(".jupyter-widgets-disconnected") !== null;
      const state = gone ? "disconnected" : model.get("state");
      name.textContent = model.get("name");
      if (word.textContent !== state) word.textContent = state;
      word.dataset.state = state;
      word.title = gone ? "The kernel is gone, and the chat with it. Run the cell again." : model.get("why");
    };
    model.on("change:name change:state change:why", show);
    model.on("comm_live_update", () => queueMicrotask(show)); // after the view has marked itself
    show();
  },
};
