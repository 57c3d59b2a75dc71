#!/usr/bin/env bash
# Opens JupyterLab on the first lesson. Without a screen it prints the address instead. More arguments go to Jupyter.
set -euo pipefail
options=(
    --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb
    --LabApp.extension_manager=readonly  # the other one asks a package registry
    --log-level=WARN                     # the address, and what goes wrong
)
if [ "$(id -u)" = 0 ]; then
    options+=(--allow-root)
fi
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    options+=(--no-browser)
    echo "No screen here: open the address below in a browser."
fi
if [ -f build/site/.built ]; then
    echo "The same lessons run in a browser alone, with nothing installed: ${VENV:-.venv}/bin/p2pchat serve"
else
    echo "The same lessons run in a browser alone, with nothing installed: make site, then ${VENV:-.venv}/bin/p2pchat serve"
fi
echo "Starting JupyterLab. Ctrl-C ends it."
exec "${VENV:-.venv}/bin/python" -m jupyterlab "${options[@]}" "$@"
