"""Deployment files for tests: their objects, schema validation, and banjia's containers."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from ruamel.yaml import YAML

from tests.project.pages.documents import ROOT

COMPOSE = (ROOT / "compose.yaml", ROOT / "deploy" / "compose.sidecar.yaml")
KUBERNETES = tuple(sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml")))
IMAGE = "banjia:local"
SCHEMAS = ROOT / "tests" / "project" / "schemas"


def documents(text: str) -> list[Any]:
    """The documents of a YAML file."""
    return list(YAML(typ="safe").load_all(text))


def is_compose(document: Any) -> bool:
    """Whether it is a Compose file."""
    return "services" in document


def is_kubernetes(document: Any) -> bool:
    """Whether it is an object of Kubernetes."""
    return "apiVersion" in document and "kind" in document


def with_secrets(text: str, folder: Path) -> str:
    """A configuration whose secrets in files are read from this folder, in which they are made."""
    for name in re.findall(r"file:/run/secrets/(?:[\w-]+/)*([\w.-]+)", text):
        (folder / name).write_text("for-the-test-alone\n", encoding="utf-8")
    return re.sub(r"file:/run/secrets/(?:[\w-]+/)*", "file:./", text)


@cache
def compose_schema() -> Any:
    """Return the validator of Compose files."""
    return jsonschema_rs.validator_for(json.loads((SCHEMAS / "compose-spec.json").read_text(encoding="utf-8")))


@cache
def kubernetes_schema(kind: str) -> Any:
    """Return the validator of an object of Kubernetes, which rejects unknown keys."""
    known = json.loads((SCHEMAS / "kubernetes-1.37.json").read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for({"$ref": f"#/$defs/{known['kinds'][kind]}", "$defs": known["$defs"]})


def mistakes(document: Any) -> list[str]:
    """Return the violations of a Compose file or of an object of Kubernetes."""
    schema = compose_schema() if is_compose(document) else kubernetes_schema(document["kind"])
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in schema.iter_errors(document)]


@dataclass(frozen=True)
class Container:
    """A container of banjia, in either format. Times are in seconds; a value from another source is None."""

    environment: Mapping[str, str | None]
    stop_within_s: float
    health: tuple[Any, ...]
    """The command of each check, or the path and port that it requests."""
    hardened: bool
    """Read-only, without capabilities, without a way to gain any."""
    configuration: str | None = None
    """The text of ``BANJIA_CONFIG``."""
    secrets: frozenset[str] = frozenset()
    """The folders in which secrets are mounted."""
    writable: frozenset[str] = frozenset()
    """The folders in which volumes are mounted that it may write to."""


def containers(found: list[Any]) -> Iterator[Container]:
    """Return banjia's containers in the documents of a file."""
    maps = {each["metadata"]["name"]: each["data"] for each in found if each.get("kind") == "ConfigMap"}
    for document in found:
        if is_compose(document):
            for service in document["services"].values():
                if service["image"] == IMAGE:
                    yield _of_compose(service, document.get("volumes", {}))
        elif document["kind"] in ("Deployment", "StatefulSet"):
            pod = document["spec"]["template"]["spec"]
            claimed = [claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", ())]
            for one in [*pod.get("initContainers", ()), *pod["containers"]]:
                if one["image"] == IMAGE:
                    yield _of_kubernetes(one, pod, maps, claimed)


def _of_compose(service: dict[str, Any], volumes: dict[str, Any]) -> Container:
    environment = {name: None if value is None else str(value) for name, value in service["environment"].items()}
    hardened = (
        service["read_only"] is True
        and service["cap_drop"] == ["ALL"]
        and service["security_opt"] == ["no-new-privileges:true"]
    )
    grace = re.fullmatch(r"(\d+)s", service["stop_grace_period"])
    assert grace
    mounts = dict(text.split(":") for text in service.get("volumes", ()))
    assert mounts.keys() <= volumes.keys()
    health = (tuple(service["healthcheck"]["test"][1:]),)
    return Container(environment, int(grace[1]), health, hardened, writable=frozenset(mounts.values()))


def _of_kubernetes(
    one: dict[str, Any], pod: dict[str, Any], maps: dict[str, Any], claimed: Collection[str]
) -> Container:
    environment = {each["name"]: each.get("value") for each in one["env"]}
    ours = one["securityContext"]
    user = ours.get("runAsUser") or pod["securityContext"].get("runAsUser")
    hardened = (
        ours["readOnlyRootFilesystem"]
        and ours["runAsNonRoot"]
        and not ours["allowPrivilegeEscalation"]
        and ours["capabilities"] == {"drop": ["ALL"]}
        and user == 10001
    )
    ports = {port["name"]: port["containerPort"] for port in one.get("ports", ())}
    health = []
    for probe in (one[name] for name in ("startupProbe", "readinessProbe", "livenessProbe") if name in one):
        if "exec" in probe:
            health.append(tuple(probe["exec"]["command"]))
        else:
            health.append((probe["httpGet"]["path"], ports[probe["httpGet"]["port"]]))
    volumes = {name: {"name": name} for name in claimed} | {each["name"]: each for each in pod.get("volumes", ())}
    text, secrets, writable = None, set(), set()
    for mount in one.get("volumeMounts", ()):
        volume = volumes[mount["name"]]
        if not mount.get("readOnly", False):
            writable.add(mount["mountPath"])
        elif "secret" in volume:
            secrets.add(mount["mountPath"])
        elif str(environment.get("BANJIA_CONFIG")).startswith(f"{mount['mountPath']}/"):
            text = maps[volume["configMap"]["name"]][str(environment["BANJIA_CONFIG"]).rpartition("/")[2]]
    stop = pod["terminationGracePeriodSeconds"]
    return Container(environment, stop, tuple(health), hardened, text, frozenset(secrets), frozenset(writable))
