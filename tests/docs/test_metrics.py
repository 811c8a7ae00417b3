"""The names that the dashboard, the alerts and the documents use are those of metrics."""

import json
import re

import pytest

from perdure.metrics import CATALOG, Metric
from tests.docs.documents import ROOT, rows

NAME = re.compile(r"\bperdure_\w+")
# A name with its labels in braces.
SELECTED = re.compile(r"\b(perdure_\w+)\{([^}]*)\}")
LABEL = re.compile(r"(\w+)=")
BY = re.compile(r"by \(([^)]*)\) \((?:\w+ ?\()?(perdure_\w+)")
SHOWN = re.compile(r"\{\{(\w+)\}\}")
# What Prometheus adds.
ADDED = {"job", "instance", "le"}


def _names(metric: Metric) -> list[str]:
    if metric.kind != "histogram":
        return [metric.name]
    return [f"{metric.name}_{ending}" for ending in ("bucket", "sum", "count")]


METRICS = {name: each for each in CATALOG for name in _names(each)}
DASHBOARD = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text(encoding="utf-8"))
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_the_dashboard_asks_for_metrics_that_exist_and_leaves_none_out() -> None:
    asked = {name for target in TARGETS for name in NAME.findall(target["expr"])}
    assert asked - METRICS.keys() == set()
    assert {METRICS[name].name for name in asked} == {metric.name for metric in CATALOG}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: str(target["expr"])[:40])
def test_the_dashboard_asks_for_labels_that_its_metrics_have(target: dict[str, str]) -> None:
    expression = target["expr"]
    selected = [(name, LABEL.findall(labels)) for name, labels in SELECTED.findall(expression)]
    grouped = [(name, labels.split(", ")) for labels, name in BY.findall(expression)]
    assert selected
    for name, labels in [*selected, *grouped]:
        assert set(labels) - ADDED <= set(METRICS[name].labels)
        assert ("le" in labels) <= (METRICS[name].kind == "histogram")
    kept = {label for _, labels in grouped for label in labels}
    assert set(SHOWN.findall(target["legendFormat"])) <= kept


def test_the_panels_of_the_dashboard_have_a_number_of_their_own() -> None:
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_alerts_name_metrics_that_exist() -> None:
    expressions = [expression for _, expression, _ in rows("docs/operating.md", "Alert")]
    asked = {name for expression in expressions for name in NAME.findall(expression)}
    assert asked
    assert asked <= METRICS.keys()


def test_counters_end_in_total_and_nothing_else_does() -> None:
    for metric in CATALOG:
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert bool(metric.buckets) == (metric.kind == "histogram")
    assert len({metric.name for metric in CATALOG}) == len(CATALOG)
