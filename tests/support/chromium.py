"""The Chromium that tests, benchmarks and screenshots drive."""

import os
import shutil

from playwright.async_api import Browser, Playwright

# As tools/system_packages.sh looks for it.
CHROMIUM = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> str | None:
    names = (os.environ.get("P2PCHAT_CHROMIUM", ""), *CHROMIUM)
    return next((found for name in names if name and (found := shutil.which(name))), None)


async def launch(playwright: Playwright) -> Browser:
    return await playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
