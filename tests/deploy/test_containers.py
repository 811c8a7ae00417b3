"""The image, the compose files and the unit, as far as they can be checked without a container."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose, PyOptions

from perdure.settings import Settings
from perdure.settings.settings import ENV_PREFIX
from tests.cli.processes import clean, serving
from tests.deploy.proxies import DEPLOY, program, substitute
from tests.durability.nodes import free_port

COMPOSED = sorted(DEPLOY.glob("compose*.yaml"))
_VARIABLE = re.compile(rf"\b{ENV_PREFIX}([A-Z0-9_]+)")
_NOT_FOUND = "Command /opt/perdure/bin/perdure is not executable: No such file or directory"


@pytest.mark.parametrize(
    "path", [path for path in DEPLOY.rglob("*") if path.is_file()], ids=lambda path: path.name
)
def test_each_variable_is_one_of_a_setting(path: Path) -> None:
    named = {name.lower() for name in _VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert named <= Settings.model_fields.keys()


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_compose_files_keep_to_the_specification(path: Path) -> None:
    # Docker has a word for an address that it knows itself, which the specification lacks.
    text = path.read_text(encoding="utf-8").replace(":host-gateway", ":127.0.0.1")
    composed = PyOptions(apply_merge=True).from_yaml(text)
    assert composed.service_names()
    composed.validate()


def test_an_invention_is_told_from_the_specification() -> None:
    with pytest.raises(ValueError, match="unknown variant `service_ready`"):
        PyCompose.from_yaml(
            "services: {a: {image: a, depends_on: {b: {condition: service_ready}}}}"
        )


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.name)
def test_compose_files_mount_and_build_what_is_there(path: Path) -> None:
    composed = yaml.safe_load(path.read_text(encoding="utf-8"))
    for service in composed["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).is_file()
            else:
                assert source in composed["volumes"]
        build = service.get("build", {})
        if "dockerfile" in build:
            assert (DEPLOY / build["context"] / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")


def test_a_server_gets_longer_to_stop_than_it_takes() -> None:
    takes = Settings.model_fields["drain_seconds"].default + 5
    composed = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in COMPOSED]
    servers = [
        service
        for each in composed
        for service in each["services"].values()
        if "env_file" in service
    ]
    assert len(servers) == 3
    for server in servers:
        assert float(server["stop_grace_period"].removesuffix("s")) > takes
    unit = (DEPLOY / "perdure.service").read_text(encoding="utf-8")
    (stops,) = re.findall(r"^TimeoutStopSec=(\d+)s$", unit, re.MULTILINE)
    assert float(stops) > takes
    values = yaml.safe_load((DEPLOY / "chart/values.yaml").read_text(encoding="utf-8"))
    assert values["terminationGracePeriodSeconds"] > 5 + takes


def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    found = subprocess.run(
        [program("hadolint"), "--format", "json", str(DEPLOY / "Dockerfile")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(found.stdout) == []
    assert found.returncode == 0, found.stderr


def _dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def test_the_image_copies_what_is_there_and_what_is_not_ignored() -> None:
    root = DEPLOY.parent
    kept = {
        line.removeprefix("!")
        for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", _dockerfile(), re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == kept
    assert all((root / each).exists() for each in copied)


def test_the_health_check_of_the_image_asks_whether_the_server_is_ready(tmp_path: Path) -> None:
    (line,) = re.findall(
        r"^ +CMD (\[.+\])$|HEALTHCHECK.* CMD (\[.+\])$", _dockerfile(), re.MULTILINE
    )
    command = json.loads(line[0] or line[1])
    assert command[0] == "python"
    (asked,) = re.findall(r"PERDURE_METRICS_PORT=(\d+)", _dockerfile())
    port = str(free_port())
    check = [sys.executable, *command[1:-1], substitute(command[-1], (f":{asked}/", f":{port}/"))]
    with serving(tmp_path / "data", environment={"PERDURE_METRICS_PORT": port}) as served:
        subprocess.run(check, check=True, env=clean({}))
        assert served.stop()[0] == 0
    gone = subprocess.run(check, check=False, env=clean({}), capture_output=True)
    assert gone.returncode == 1


def test_systemd_takes_the_unit_as_it_is() -> None:
    checked = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(DEPLOY / "perdure.service")],
        capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    told = [line for line in checked.stderr.splitlines() if "perdure" in line]
    assert [line for line in told if not line.endswith(_NOT_FOUND)] == []
