"""The static site: JupyterLite with the lessons, the page /chat/, and Python for the browser. `make site` builds it."""
