#!/usr/bin/env bash
# Fetches Pyodide, Python for browsers, into the folder $1: the package of that name from npm, if it is the one we know.
set -euo pipefail
version=314.0.6
integrity=sha512-BKDTJyIqFxC4BExLqeRS3f5xvXZIjOt8C3zGLN/Cc7tFxSwvKVhVkchQQ2AGLOtR4YrVOIFxbV8poyDOOmWwxQ==
folder=$1
tools/system_packages.sh npm >/dev/null

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
echo "Fetching Pyodide $version from npm: 6 MB, this once."
npm pack --silent --pack-destination "$new" "pyodide@$version" >/dev/null
archive=$new/pyodide-$version.tgz
node - "$archive" "$integrity" <<'JS'
const content = require("node:fs").readFileSync(process.argv[2]);
const found = `sha512-${require("node:crypto").createHash("sha512").update(content).digest("base64")}`;
if (found !== process.argv[3]) {
  console.error(`Pyodide is not the one that was tested: npm gave ${found}. Nothing was changed.`);
  process.exit(1);
}
JS
tar -xzf "$archive" -C "$new"
mkdir -p "$folder"
cp -R "$new/package/." "$folder"
