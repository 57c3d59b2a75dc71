"""A learner reads between two cells, and whatever was started goes on meanwhile."""

import asyncio

from nbclient import NotebookClient
from nbformat import NotebookNode

READING = 0.3  # seconds; ten times what it takes for a channel to open


async def read(**_: object) -> None:
    await asyncio.sleep(READING)


def test_a_lesson_can_be_run_with_pauses(notebook: NotebookNode) -> None:
    NotebookClient(notebook, timeout=60, kernel_name="python3", on_cell_executed=read).execute()
