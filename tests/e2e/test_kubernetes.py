"""docker/kubernetes.yaml: it is what Kubernetes' schemas ask for, and says what is so.

What its pods run is run as containers in test_docker.py.
"""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from rayx.command import main as command

MANIFEST = Path(__file__).parent.parent.parent / "docker" / "kubernetes.yaml"


@pytest.fixture
def parts():
    """By their kinds."""
    return {part["kind"]: part for part in yaml.safe_load_all(MANIFEST.read_text())}


@pytest.mark.parametrize("version", ["1.30", "1.33"])
def test_the_schemas_take_it(parts, version):
    for part in parts.values():
        kubernetes_validate.validate(part, version, strict=True)


def test_a_mistake_would_be_found(parts):
    parts["StatefulSet"]["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(parts["StatefulSet"], "1.30", strict=True)


def test_its_parts_fit_together(parts):
    service, pods = parts["Service"], parts["StatefulSet"]["spec"]
    template = pods["template"]
    assert pods["serviceName"] == service["metadata"]["name"]
    labels = template["metadata"]["labels"]
    assert service["spec"]["selector"] == pods["selector"]["matchLabels"] == labels
    spec = template["spec"]
    volumes = {volume["name"] for volume in spec["volumes"]}
    for container in (*spec["initContainers"], *spec["containers"]):
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    (node,) = spec["containers"]
    head = f"{parts['StatefulSet']['metadata']['name']}-0.{pods['serviceName']}"
    script = node["command"][-1]
    assert f"--redis-address={head}:6379" in script and "--port=6379" in script
    # What is drained must have left before it is killed.
    assert "--grace=50" in script and spec["terminationGracePeriodSeconds"] > 50


def test_its_options_are_those_of_rayx(parts):
    (node,) = parts["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    words = [word for word in node["command"][-1].split() if word.startswith("--")]
    known = command._parser().parse_args(["start", *(word for word in words if word != "--")])
    assert known.block
