"""Compressed copies beside the files that profit: .br for browsers of today, .gz for the others."""

import gzip
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli

WORTH = {".css", ".html", ".ipynb", ".js", ".json", ".md", ".mjs", ".svg", ".ttf", ".wasm"}
SMALLEST = 1000  # bytes; below that a header costs what is gained
BROTLI = 9  # of 11, which would take minutes for the last tenth


def compress(site: Path) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(compress_file, files(site)):
            pass


def files(site: Path) -> Iterator[Path]:
    for path in sorted(site.rglob("*")):
        if path.suffix in WORTH and path.is_file() and path.stat().st_size >= SMALLEST:
            yield path


def compress_file(path: Path) -> None:
    content = path.read_bytes()
    for suffix, packed in (
        (".br", brotli.compress(content, quality=BROTLI, lgwin=24)),
        (".gz", gzip.compress(content, compresslevel=9, mtime=0)),
    ):
        if len(packed) < len(content):
            path.with_name(path.name + suffix).write_bytes(packed)
