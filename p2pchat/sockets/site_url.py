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


async def fetch_json(file: str) -> object:
    """The JSON value in a file of the site; None where there is no such file, no network, or no JSON in it."""
    from js import AbortController, fetch
    from pyodide.ffi import JsException

    abort = AbortController.new()
    try:
        response = await fetch(f"{site()}{file}", signal=abort.signal, cache="no-store")
        return (await response.json()).to_py() if response.ok else None
    except (AttributeError, JsException):  # no network, no JSON, or JSON that is a number
        return None
    finally:
        abort.abort()  # whoever does not wait for the answer leaves nothing behind
