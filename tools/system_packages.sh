#!/usr/bin/env bash
# Sees to it that Chromium is there, which the browser tests drive: the one thing that no Python package brings.
# P2PCHAT_CHROMIUM names one that lies elsewhere. Without any, the tests end here on CI, and go on at home.
set -euo pipefail

find_chromium() {
    local name
    for name in "${P2PCHAT_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        [ -n "$name" ] && command -v "$name" && return
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

may_be_root() {  # sudo may ask for a password only where there is somebody to ask
    [ "$(id -u)" = 0 ] || { command -v sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; } >/dev/null
}

give_up() {
    echo "The browser tests need Chromium: $1 (P2PCHAT_CHROMIUM=/path/to/it names one that lies elsewhere.)" >&2
    if [ -n "${CI:-}" ]; then exit 1; fi
    exit 0
}

say() {
    echo "The browser tests need Chromium, and there is none: $1"
}

if found=$(find_chromium); then
    echo "Browser tests: $found"
    exit 0
fi

if command -v brew >/dev/null; then
    say "brew install --cask chromium"
    brew install --cask chromium || give_up "brew could not install it."
elif ! may_be_root; then
    give_up "please install the package chromium, or have somebody do it who may (no root and no sudo here)."
elif command -v apt-get >/dev/null; then
    say "apt-get install chromium"
    as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends chromium >/dev/null || give_up "apt-get could not install it."
elif command -v dnf >/dev/null; then
    say "dnf install chromium"
    as_root dnf install -y -q chromium || give_up "dnf could not install it."
elif command -v pacman >/dev/null; then
    say "pacman -S chromium"
    as_root pacman -Sy --noconfirm --needed chromium || give_up "pacman could not install it."
else
    give_up "please install it (no apt-get, dnf, pacman or brew here)."
fi

found=$(find_chromium) || give_up "it was installed, and yet there is no command chromium."
echo "Browser tests: $found"
