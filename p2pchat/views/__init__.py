"""What shows a chat: `Presenter` turns events of a peer into calls of a view; widgets, page and terminal draw them."""
