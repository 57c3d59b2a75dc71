#!/usr/bin/env bash
# Sees to it that a program is there which no Python package brings:
#   tools/system_packages.sh chromium   for the browser tests. P2PCHAT_CHROMIUM names one that lies elsewhere. Without
#                                       any, the tests end here on CI, and go on at home.
#   tools/system_packages.sh firefox    the same, for those in Firefox. P2PCHAT_FIREFOX names one that lies elsewhere.
#   tools/system_packages.sh npm        for the site and the linter of JavaScript: npm installs them (package.json), and
#                                       node runs them. Nothing goes on without.
set -euo pipefail
wanted=${1:-chromium}

find_chromium() {
    local name
    for name in "${P2PCHAT_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        [ -n "$name" ] && command -v "$name" && return
    done
    return 1
}

find_firefox() {
    local name
    for name in "${P2PCHAT_FIREFOX:-}" firefox-esr firefox "/Applications/Firefox.app/Contents/MacOS/firefox"; do
        [ -n "$name" ] && command -v "$name" && return
    done
    return 1
}

find_npm() {
    command -v node >/dev/null && command -v npm
}

case $wanted in
    chromium)
        purpose="The browser tests need Chromium" there="Browser tests:" elsewhere=" (P2PCHAT_CHROMIUM=/path/to/it names one that lies elsewhere.)"
        debian=chromium fedora=chromium arch=chromium brew=(--cask chromium) ;;
    firefox)
        purpose="The browser tests need Firefox" there="Browser tests:" elsewhere=" (P2PCHAT_FIREFOX=/path/to/it names one that lies elsewhere.)"
        debian=firefox-esr fedora=firefox arch=firefox brew=(--cask firefox) ;;
    npm)
        purpose="The site and the linter of JavaScript need node and npm" there="npm:" elsewhere=""
        debian="nodejs npm" fedora="nodejs npm" arch="nodejs npm" brew=(node) ;;
    *)
        echo "usage: tools/system_packages.sh chromium|firefox|npm" >&2
        exit 2 ;;
esac

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

may_be_root() {  # sudo may ask for a password only where there is somebody to ask
    [ "$(id -u)" = 0 ] || { command -v sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; } >/dev/null
}

give_up() {
    echo "$purpose: $1$elsewhere" >&2
    if [ -n "${CI:-}" ] || [ "$wanted" = npm ]; then exit 1; fi
    exit 0
}

say() {
    echo "$purpose, and there is none: $1"
}

if found=$("find_$wanted"); then
    echo "$there $found"
    exit 0
fi

if command -v brew >/dev/null; then
    say "brew install ${brew[*]}"
    brew install "${brew[@]}" || give_up "brew could not install it."
elif ! may_be_root; then
    give_up "please install the package $debian, or have somebody do it who may (no root and no sudo here)."
elif command -v apt-get >/dev/null; then
    say "apt-get install $debian"
    # shellcheck disable=SC2086
    as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends $debian >/dev/null || give_up "apt-get could not install it."
elif command -v dnf >/dev/null; then
    say "dnf install $fedora"
    # shellcheck disable=SC2086
    as_root dnf install -y -q $fedora || give_up "dnf could not install it."
elif command -v pacman >/dev/null; then
    say "pacman -S $arch"
    # shellcheck disable=SC2086
    as_root pacman -Sy --noconfirm --needed $arch || give_up "pacman could not install it."
else
    give_up "please install it (no apt-get, dnf, pacman or brew here)."
fi

found=$("find_$wanted") || give_up "it was installed, and yet there is no such command."
echo "$there $found"
