"""Where the site is that a page, or the Worker of a kernel, came from."""

import pytest

from p2pchat.sockets.site_url import site_of

WORKER = "extensions/@jupyterlite/pyodide-kernel-extension/static/932.0a1b.js"


@pytest.mark.parametrize(
    "site", ["http://127.0.0.1:8080/", "https://a.example/one/", "https://a.example/some/sub/path/"]
)
@pytest.mark.parametrize(
    "page",
    [
        *("", "index.html", "?x=/lab/", "#/build/", "lab/index.html", "lab/", "lab/?path=a/b.ipynb", "chat/"),
        *("notebooks/index.html?path=00_start_here.ipynb", "repl/index.html", "edit/", "tree/", "chat/worker.js?v=1"),
        *(WORKER, f"{WORKER}?v=7", "build/123.js"),
    ],
)
def test_the_site_is_what_stands_before_its_folders(site: str, page: str) -> None:
    assert site_of(site + page) == site


def test_a_worker_made_of_a_blob_knows_the_origin_only() -> None:
    assert site_of("blob:https://a.example/0b7cbb8e-6e7c-4f7a-9ef1-1d2f3a4b5c6d") == "https://a.example/"


@pytest.mark.parametrize("path", ["/lab/", "/build/", "/extensions/", "/chat/lab/"])
def test_a_site_may_be_in_a_folder_of_such_a_name(path: str) -> None:
    site = f"https://a.example{path}"
    for page in ("lab/index.html", "chat/", WORKER):
        assert site_of(site + page) == site
