"""Where in the web this Python runs: the address of the site that it came from.

Two sites on one origin (``https://somebody.github.io/one/`` and ``…/two/``) share its channels and its locks, so what
the tabs of a site say to each other goes by names that begin with the path of the site. A page and the Worker of
a kernel come from different folders of the site; what they have in common is what stands before these.
"""

from urllib.parse import urlsplit, urlunsplit

# Right below the site: JupyterLite's applications and its scripts, our own pages.
FOLDERS = ("build", "chat", "consoles", "doc", "edit", "lab", "notebooks", "repl", "tree")
EXTENSIONS = "/extensions/@"  # deeper: the Worker of JupyterLite's kernel is the script of an extension


def site_of(location: str) -> str:
    """The address of the site that the page or the Worker's script at ``location`` belongs to.

    It ends in a slash: ``https://a.example/one/`` for ``https://a.example/one/notebooks/index.html?path=x``.
    """
    parts = urlsplit(location.removeprefix("blob:"))
    before, found, _ = parts.path.rpartition(EXTENSIONS)
    if not found:
        before = parts.path.rpartition("/")[0]
        parent, _, folder = before.rpartition("/")
        if folder in FOLDERS:
            before = parent
    return urlunsplit((parts.scheme, parts.netloc, f"{before}/", "", ""))


def site() -> str:
    """The address of the site that this Python came from."""
    from js import location

    return site_of(str(location.href))


async def named_servers() -> dict[str, str]:
    """The URLs of real servers, by name, as the site tells them in its file ``servers.json``.

    Returns: both, or nothing where the site has no such file, or one that names none.
    """
    from js import AbortController, fetch
    from pyodide.ffi import JsException

    abort = AbortController.new()
    try:
        response = await fetch(f"{site()}servers.json", signal=abort.signal, cache="no-store")
        found = (await response.json()).to_py() if response.ok else None
    except (AttributeError, JsException):  # no network, no JSON, or JSON that is a number
        return {}
    finally:
        abort.abort()  # whoever does not wait for the answer leaves nothing behind
    return checked(found)


def checked(found: object) -> dict[str, str]:
    """What ``servers.json`` says of the two servers that a chat needs, or nothing if it is not both."""
    if not isinstance(found, dict):
        return {}
    urls = {name: found.get(name) for name in ("matchmaking", "signaling")}
    fit = all(isinstance(url, str) and url.startswith(("ws://", "wss://")) for url in urls.values())
    return {name: str(url) for name, url in urls.items()} if fit else {}
