"""Views of a chat for notebooks, made of ipywidgets and, where there is none that fits, of anywidgets.

A widget holds no logic: it shows what a `p2pchat.ChatPeer` tells and calls its methods. All that it does can be done in
a cell without it.
"""

from p2pchat.views.widgets.chat_widget import ChatWidget
from p2pchat.views.widgets.message_box import MessageBox
from p2pchat.views.widgets.record import Line, Record
from p2pchat.views.widgets.state_word import StateWord

__all__ = ["ChatWidget", "Line", "MessageBox", "Record", "StateWord"]
