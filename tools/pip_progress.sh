#!/usr/bin/env bash
# Runs pip install or pip download (the command in $PIP) with one short line for each package, instead of pip's three
# long ones. That an extra index of this machine does not have some package is no news either.
set -euo pipefail
export PYTHONUNBUFFERED=1
# shellcheck disable=SC2086
$PIP --progress-bar off "$@" 2> >(grep -v '^WARNING: Location .* is ignored' >&2) | while read -r word rest; do
    case $word in
        Collecting) echo "  ${rest%% *}" ;;
        Installing) echo "  … all here; unpacking them" ;;
    esac
done
