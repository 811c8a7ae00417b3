"""What libraries read out of PDF files of every class of page, and what it costs.

`python -m bench.pdf_readers` prints the table of docs/file-search.md. A library that is not
installed is passed over: `pip install pdfminer.six pypdf playa-pdf pdf-oxide liteparse` beforehand.
"""

import importlib
import io
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
from tests.parsing import pdf_corpus
from tests.parsing.pdf_scores import Score, score

_Reader = Callable[[bytes], str]
_PAGES = 600
# These read a tenth of the pages, and their time is taken times ten.
_SLOW = ("pdfminer.six", "playa")
_CHARACTERS = 50_000_000


class Measured(msgspec.Struct):
    """What one library did."""

    scores: dict[str, list[Score]]
    """By class of page."""
    seconds: float
    """Processor time for the long document, which no other library is measured beside."""
    megabytes: float
    """By how much the peak of its memory grew with the long document."""
    installed: float
    """Megabytes on the disk, with what it needs itself."""


def main() -> None:
    """Measures every library that is installed, each in a process of its own."""
    found: dict[str, Measured] = {}
    for name in _READERS:
        done = subprocess.run(
            [sys.executable, "-m", "bench.pdf_readers", name], capture_output=True, text=True
        )
        if done.returncode:
            sys.stderr.write(f"{name} is passed over: {done.stderr.splitlines()[-1]}\n")
        else:
            found[name] = msgspec.json.decode(done.stdout.splitlines()[-1], type=Measured)
    print(_table(found))


def measure(name: str) -> Measured:
    """What a library does with the corpus and with the long document."""
    make, packages = _READERS[name]
    pages = _PAGES // 10 if name in _SLOW else _PAGES
    read = make()
    samples = list(pdf_corpus.samples())
    _tried(read, samples[0].file)  # what is loaded with the first file does not count
    long = pdf_corpus.long_document(pages)
    # before anything is scored: that takes memory too
    before, began = _peak(), time.process_time()
    text = _tried(read, long.file)
    seconds, megabytes = time.process_time() - began, _peak() - before
    seconds *= _PAGES / pages
    scores: dict[str, list[Score]] = defaultdict(list)
    for sample in samples:
        scores[sample.kind].append(score(sample, _tried(read, sample.file)))
    scores[long.kind].append(_by_words(long, text))
    return Measured(scores, seconds, megabytes, sum(map(_installed, packages)))


def _tried(read: _Reader, file: bytes) -> str:
    try:
        return read(file)
    except Exception as error:  # whatever a library raises, nothing was read
        sys.stderr.write(f"{error!r}\n")
        return ""


def _by_words(long: pdf_corpus.Sample, text: str) -> Score:
    # looking for the longest runs of so long a text would take an hour
    expected, found = long.text.split(), text.split()
    alike = sum(one == other for one, other in zip(expected, found, strict=False))
    return Score(alike / len(expected), 1.0, max(len(found) - len(expected), 0) / len(expected))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _installed(package: str) -> float:
    files = metadata.files(package) or []
    paths = [Path(str(each.locate())) for each in files if "__pycache__" not in each.parts]
    return sum(path.stat().st_size for path in paths if path.exists()) / 1_000_000


def _table(found: dict[str, Measured]) -> str:
    lines = [f"| Class of page | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    kinds = next(iter(found.values())).scores
    for kind in kinds:
        cells = (_cell(each.scores[kind]) for each in found.values())
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    for label, shown in (
        ("seconds of CPU for 600 pages", lambda each: f"{each.seconds:.1f}"),
        ("MB of memory for them", lambda each: f"{each.megabytes:.0f}"),
        ("MB installed", lambda each: f"{each.installed:.0f}"),
    ):
        lines.append(f"| {label} | {' | '.join(map(shown, found.values()))} |")
    return "\n".join(lines)


def _cell(scores: list[Score]) -> str:
    recall = fmean(each.recall for each in scores)
    order = fmean(each.order for each in scores)
    extra = fmean(each.extra for each in scores)
    if min(recall, order) >= 0.995 and extra < 0.005:
        return "1"
    return f"{recall:.2f} · {order:.2f} · {extra:.2f}"


def _perdure() -> _Reader:
    from perdure.parsing import pdf

    return lambda file: pdf.text_of(file, _CHARACTERS)


def _pypdfium2() -> _Reader:
    library = _library("pypdfium2")

    def read(file: bytes) -> str:
        pages = library.PdfDocument(file)
        return "\n".join(page.get_textpage().get_text_range() for page in pages)

    return read


def _kreuzberg() -> _Reader:
    library = _library("kreuzberg")
    config = library.ExtractionConfig(
        use_cache=False, enable_quality_processing=False, max_concurrent_extractions=1
    )
    return lambda file: str(library.extract_bytes_sync(file, "application/pdf", config).content)


def _pdf_oxide() -> _Reader:
    library = _library("pdf_oxide")

    def read(file: bytes) -> str:
        document = library.PdfDocument.from_bytes(file)
        return "\n".join(map(document.extract_text, range(document.page_count())))

    return read


def _liteparse() -> _Reader:
    parser = _library("liteparse").LiteParse(ocr_enabled=False, quiet=True)
    return lambda file: str(parser.parse(file).text)


def _pdfminer() -> _Reader:
    extract = _library("pdfminer.high_level").extract_text
    return lambda file: str(extract(io.BytesIO(file)))


def _pypdf() -> _Reader:
    library = _library("pypdf")
    return lambda file: "\n".join(
        page.extract_text() for page in library.PdfReader(io.BytesIO(file)).pages
    )


def _playa() -> _Reader:
    library = _library("playa")

    def read(file: bytes) -> str:
        with library.parse(file) as document:
            return "\n".join(page.extract_text() for page in document.pages)

    return read


def _library(name: str) -> Any:
    return importlib.import_module(name)


_READERS: dict[str, tuple[Callable[[], _Reader], tuple[str, ...]]] = {
    "Perdure": (_perdure, ("pypdfium2",)),
    "pypdfium2": (_pypdfium2, ("pypdfium2",)),
    "kreuzberg": (_kreuzberg, ("kreuzberg",)),
    "pdf-oxide": (_pdf_oxide, ("pdf-oxide",)),
    "liteparse": (_liteparse, ("liteparse",)),
    "pdfminer.six": (_pdfminer, ("pdfminer.six", "cryptography", "charset-normalizer")),
    "pypdf": (_pypdf, ("pypdf",)),
    "playa": (_playa, ("playa-pdf",)),
}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(msgspec.to_builtins(measure(sys.argv[1]))))
    else:
        main()
