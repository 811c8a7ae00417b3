"""Prints `docs/metrics.md` from the list of metrics."""

from perdure.metrics import CATALOG, MOST_SERIES, Metric
from tests.docs.markdown import code, page, prose, table

DOCUMENT = "docs/metrics.md"


def text() -> str:
    """The whole document."""
    return page(
        "# Metrics\n\n"
        "<!-- Printed from src/perdure/metrics.py by `python -m tests.docs.generate`. -->",
        prose("""
            What a server counts and measures, as it is scraped.
            [Operating](operating.md#metrics) says where, and what to alert on. A histogram has
            the endings `_bucket`, `_sum` and `_count`. No label has an id.
            """),
        table(
            ("Metric", "Kind", "Labels", "Meaning"),
            [(code(each.name), each.kind, code(*each.labels), each.meaning) for each in CATALOG],
        ),
        prose(f"""
            `server` is the name of a model server in the settings, and `model` a name that the
            settings or that server list; all others are `other`. The lists are fetched at most
            once a minute, when a name is asked for that none of them has, so the first calls of
            a model may count as `other`. `webhook` is its name in the settings. `method`,
            `route` and `code` are those of the API: `route` is the template of a path, `other`
            for one that does not exist, and where the key was refused. A metric has at most
            {MOST_SERIES:,} series besides `other`.
            """),
        "## Buckets",
        table(
            ("Metric", "Upper bounds"),
            [(code(each.name), _bounds(each)) for each in CATALOG if each.buckets],
        ),
    )


def _bounds(metric: Metric) -> str:
    return ", ".join(f"{bound:g}" for bound in metric.buckets)
