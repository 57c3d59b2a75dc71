"""A real JupyterLab server, in a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from urllib.request import Request, urlopen

import nbformat

ROOT = Path(__file__).parents[2]
OLD_KERNELS = Path(sys.prefix) / "kernels"  # older versions of ipykernel, one a folder; `make test` installs them
TOKEN = "for-tests-only"


class JupyterLab:
    """A JupyterLab server as a process of its own, which knows nothing of this user's settings; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "JupyterLab":
        places = {
            "HOME": "home",
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        environment = dict(os.environ)
        for variable, name in places.items():
            (self.folder / name).mkdir(parents=True)
            environment[variable] = str(self.folder / name)
        self.notebooks.mkdir()
        no_news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        self._write("config/labconfig/page_config.json", no_news)
        for kernel in OLD_KERNELS.glob("*"):
            self._write(
                f"data/kernels/{kernel.name}/kernel.json",
                {
                    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                    "display_name": kernel.name,
                    "language": "python",
                    "env": {
                        "PYTHONPATH": os.pathsep.join([str(kernel), *filter(None, [os.environ.get("PYTHONPATH")])])
                    },
                },
            )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.log = self.folder / "jupyterlab.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    f"--ServerApp.root_dir={self.notebooks}",
                    f"--ServerApp.port={port}",
                    f"--IdentityProvider.token={TOKEN}",
                    "--LabApp.extension_manager=readonly",
                    "--LabApp.expose_app_in_browser=True",
                ],
                env=environment,
                cwd=self.notebooks,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.url = self._wait_until_it_answers()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self, path: str, content: object) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))

    def _wait_until_it_answers(self) -> str:
        assert self._process is not None
        info = self.folder / "runtime" / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self._process.poll() is None:
            if info.exists() and (text := info.read_text()):
                server = json.loads(text)
                address = ("127.0.0.1", server["port"])
                with socket.socket() as probe:
                    if probe.connect_ex(address) == 0:
                        return f"http://127.0.0.1:{server['port']}/"
            time.sleep(0.05)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()}")

    def write_notebook(self, name: str, *cells: str, kernel: str = "python3") -> str:
        """Put a notebook there. Returns: its file name."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        )
        nbformat.write(notebook, self.notebooks / f"{name}.ipynb")
        return f"{name}.ipynb"

    def end_sessions(self, *notebooks: str) -> None:
        """Shut down the kernels of notebooks, whatever has become of their pages."""
        for session in json.loads(self._ask("GET", "api/sessions")):
            if session["path"] in notebooks:
                self._ask("DELETE", f"api/sessions/{session['id']}")

    def _ask(self, method: str, path: str) -> bytes:
        request = Request(self.url + path, method=method, headers={"Authorization": f"token {TOKEN}"})
        with urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def address(self, notebook: str) -> str:
        """The notebook alone on its page, without the file browser beside it."""
        return f"{self.url}doc/tree/{notebook}?token={TOKEN}"
