"""The chart, rendered by Helm itself, holds what Kubernetes takes and the server reads."""

from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from perdure import settings
from tests.deploy.proxies import DEPLOY

CHART = DEPLOY / "chart"
VERSIONS = ("1.27", "1.37")
URL = "postgresql://perdure:secret@postgres/perdure"
SMALL: dict[str, Any] = {"existingSecret": "perdure-secrets"}
LARGE: dict[str, Any] = {
    "secrets": {"PERDURE_DATABASE_URL": URL, "PERDURE_API_KEYS": "a-key"},
    "replicas": 1,
    "config": {
        "drain_seconds": 30,
        "trusted_proxies": ["10.0.0.0/8"],
        "model_servers": [{"name": "gpu", "base_url": "http://vllm:8000/v1"}],
        "model_aliases": {"gpt-4*": "Qwen/Qwen3-32B"},
        "prices": {"*": {"input": 0.2, "output": 0.6}},
    },
    "imagePullSecrets": [{"name": "registry"}],
    "ingress": {"enabled": True, "tlsSecret": "perdure-tls"},
    "podAnnotations": {"a": "1"},
    "podLabels": {"b": "2"},
    "nodeSelector": {"c": "3"},
    "tolerations": [{"key": "d", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}


def _render(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The objects by their kinds."""
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(values, name="demo", namespace="default")
    objects = [found for text in texts.values() for found in yaml.safe_load_all(text) if found]
    return {each["kind"]: each for each in objects}


def test_helm_finds_nothing_wrong_with_the_chart() -> None:
    found = helm.lint(str(CHART), values=SMALL)
    assert not found["errors"]
    # 1 is advice
    assert [each for each in found["messages"] if each["severity"] > 1] == []


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (SMALL, {"ConfigMap", "Deployment", "PodDisruptionBudget", "Service"}),
        (LARGE, {"ConfigMap", "Deployment", "Ingress", "Secret", "Service"}),
    ],
    ids=["small", "large"],
)
def test_kubernetes_takes_all_that_is_rendered(values: dict[str, Any], kinds: set[str]) -> None:
    objects = _render(values)
    assert objects.keys() == kinds
    for each in objects.values():
        for version in VERSIONS:
            kubernetes_validate.validate(each, version, strict=True)


def test_what_kubernetes_does_not_know_is_found() -> None:
    service = _render(SMALL)["Service"]
    service["spec"]["selecter"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="selecter"):
        kubernetes_validate.validate(service, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("values", [SMALL, LARGE], ids=["small", "large"])
def test_the_server_reads_the_settings_of_the_chart(
    values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "perdure.toml"
    file.write_text(_render(values)["ConfigMap"]["data"]["perdure.toml"], encoding="utf-8")
    monkeypatch.setenv("PERDURE_DATABASE_URL", URL)
    chosen = settings.load(config=file)
    if values is LARGE:
        assert chosen.drain_seconds == 30
        assert [each.base_url for each in chosen.servers] == ["http://vllm:8000/v1"]
        assert chosen.model_aliases == {"gpt-4*": "Qwen/Qwen3-32B"}
        assert [str(each) for each in chosen.trusted_proxies] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "set existingSecret, or secrets.PERDURE_DATABASE_URL"),
        ({**SMALL, "replica": 3}, "replica"),
        ({**SMALL, "config": {"port": 80}}, "config"),
    ],
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(helm.HelmError, match=words):
        _render(values)


def test_pods_are_asked_where_they_answer_and_change_with_their_settings() -> None:
    pods = [_render(each)["Deployment"]["spec"]["template"] for each in (SMALL, LARGE)]
    (container,) = pods[0]["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert ports["http"] == settings.Settings.model_fields["port"].default
    assert str(ports["metrics"]) == environment["PERDURE_METRICS_PORT"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == "metrics"
    small, large = (each["metadata"]["annotations"]["checksum/config"] for each in pods)
    assert small != large
