"""What an operator is given: compose file, image, the example of .env, proxy, instructions."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import socket
import stat
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from compose_spec import ComposeSpecification, PyCompose
from packaging.requirements import Requirement

from config.settings import PREFIX, Settings
from newsreel import cli, crew, parts
from pipeline import s3bucket
from workers.app import MEDIA, SHORT, TRANSCRIBE

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CADDYFILE = (ROOT / "deploy/caddy/Caddyfile").read_text(encoding="utf-8")
DEPLOYING = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")

VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<how>:-|:\?)(?P<more>[^}]*))?\}")
SECRETS = {
    "REDIS_PASSWORD": "redis-secret",
    "FLOWER_PASSWORD": "flower-secret",
    "NEWSREEL_S3_ACCESS_KEY": "access",
    "NEWSREEL_S3_SECRET_KEY": "s3-secret",
}
REQUIRED = {**SECRETS, "NEWSREEL_BASE_URL": "https://media.example.org"}

# Read by compose itself; no file mentions it.
COMPOSES_OWN = {"COMPOSE_PROFILES"}


class Unset(Exception):
    """A variable that compose insists on is empty."""


def filled(value: Any, env: dict[str, str]) -> Any:
    """A compose file's values with its variables replaced, as compose replaces them."""
    if isinstance(value, dict):
        return {name: filled(each, env) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, env) for each in value]
    return VARIABLE.sub(lambda m: _replaced(m, env), value) if isinstance(value, str) else value


def _replaced(match: re.Match[str], env: dict[str, str]) -> str:
    if match[0] == "$$":
        return "$"
    if value := env.get(match["name"], ""):
        return value
    if match["how"] == ":?":
        raise Unset(match["name"])
    return match["more"] or ""


SPEC = filled(yaml.safe_load(COMPOSE), REQUIRED)
SERVICES: dict[str, dict[str, Any]] = SPEC["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"].startswith("newsreel:")}
WORKERS = {name: each for name, each in OURS.items() if name.startswith("worker-")}
each_service = pytest.mark.parametrize("name", SERVICES)


def tool(name: str) -> ModuleType:
    """A file of deploy/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"deploy_{name}", ROOT / f"deploy/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- the compose file ------------------------------------------------------------------------


def test_follows_the_specification() -> None:
    """The file is one that the compose specification knows, without a single unknown key."""
    PyCompose.from_yaml(yaml.safe_dump(SPEC))
    plain = {name: value for name, value in SPEC.items() if not name.startswith("x-")}
    ComposeSpecification.model_validate(plain, extra="forbid")


def test_an_unknown_key_would_be_seen() -> None:
    """The specification's models refuse what they do not know; else the test above is empty."""
    wrong = {"services": {"redis": {"image": "redis:7", "restrat": "always"}}}
    with pytest.raises(ValueError, match="restrat"):
        ComposeSpecification.model_validate(wrong, extra="forbid")


@pytest.mark.parametrize("name", REQUIRED)
def test_nothing_starts_without_a_secret(name: str) -> None:
    """Each secret is insisted on wherever it is used; none has a default."""
    with pytest.raises(Unset, match=name):
        filled(yaml.safe_load(COMPOSE), REQUIRED | {name: ""})
    ways = {m["how"] for m in VARIABLE.finditer(COMPOSE) if m["name"] == name}
    assert ways == {":?"}


def test_example_names_every_variable_and_no_other() -> None:
    """What compose asks for is in .env.example, and what is there is asked for."""
    asked = {m["name"] for m in VARIABLE.finditer(COMPOSE) if m["name"]}
    assert asked == set(_shown()) - COMPOSES_OWN


def test_example_shows_the_defaults() -> None:
    """A commented line shows the value that holds without it."""
    defaults = {
        m["name"]: m["more"] for m in VARIABLE.finditer(COMPOSE) if m["how"] == ":-" and m["more"]
    }
    commented = dict(re.findall(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))
    for name, default in defaults.items():
        assert (name in commented) != bool(re.search(f"^{name}=", EXAMPLE, re.MULTILINE))
        assert commented.get(name, default) == default


def test_example_holds_no_secret() -> None:
    """Secrets, and the address that is chosen for ever, are left for the operator to fill in."""
    assert {name: _shown()[name] for name in REQUIRED} == dict.fromkeys(REQUIRED, "")


def _shown() -> dict[str, str]:
    return dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))


@each_service
def test_images_are_pinned_by_tag(name: str) -> None:
    """No image of others is taken as whatever is newest today."""
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?-alpine", tag) or name in OURS


@each_service
def test_is_confined(name: str) -> None:
    """No root, no capability, nothing to write to but what is named; only the proxy binds low."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's own
    if name == "proxy":
        assert service["cap_add"] == ["NET_BIND_SERVICE"]
    else:
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
        assert "cap_add" not in service


@each_service
def test_only_the_proxy_listens_to_the_world(name: str) -> None:
    """Every other published port is on the host's loopback."""
    ports = SERVICES[name].get("ports", [])
    if name == "proxy":
        assert {port.split(":")[0] for port in ports} == {"80", "443"}
    else:
        assert all(port.startswith("127.0.0.1:") for port in ports)


@each_service
def test_comes_back(name: str) -> None:
    """All are started again when they end, but the one that has done its work by then."""
    assert SERVICES[name]["restart"] == ("no" if name == "setup" else "unless-stopped")


@each_service
def test_health_is_asked(name: str) -> None:
    """All that can be asked are; the schedule serves nothing, and says so."""
    if name == "setup":
        assert "healthcheck" not in SERVICES[name]
    elif name == "beat":
        assert SERVICES[name]["healthcheck"] == {"disable": True}
    else:
        assert SERVICES[name]["healthcheck"]["test"]


@each_service
def test_memory_and_processes_are_bounded(name: str) -> None:
    """A part that leaks or forks without end takes itself down and not the host."""
    if name != "setup":
        assert SERVICES[name]["deploy"]["resources"]["limits"].keys() == {"memory", "pids"}


@each_service
def test_volumes_are_declared(name: str) -> None:
    """Data lies in named volumes; what is mounted from the checkout exists and is read-only."""
    for volume in SERVICES[name].get("volumes", []):
        source, _, *mode = volume.split(":")
        if source.startswith("./"):
            assert (ROOT / source).is_dir()
            assert mode == ["ro"]
        else:
            assert source in SPEC["volumes"]


def test_redis_is_cut_off() -> None:
    """Redis is in one network only, which leads nowhere."""
    assert SERVICES["redis"]["networks"] == ["queue"]
    assert SPEC["networks"]["queue"] == {"internal": True}


@pytest.mark.parametrize("name", OURS)
def test_settings_exist(name: str) -> None:
    """Each NEWSREEL_ variable is a setting: an unknown one would keep the part from starting."""
    variables = {each for each in OURS[name].get("environment", {}) if each.startswith(PREFIX)}
    assert {each.removeprefix(PREFIX).lower() for each in variables} <= Settings.model_fields.keys()


def test_the_image_is_built_once() -> None:
    """One service that always runs builds the image, the others use it."""
    builders = [name for name, service in SERVICES.items() if "build" in service]
    assert builders == ["setup"]
    assert "profiles" not in SERVICES["setup"]


# --- the commands ----------------------------------------------------------------------------


def argv_of(part: parts.Part) -> list[str]:
    """A part's command as the image has it: its own Python, its own host's name."""
    host = f"@{socket.gethostname()}"
    return ["python", *(word.replace(host, "@%h") for word in part.argv[1:])]


@pytest.mark.parametrize(("queue", "concurrency"), [(SHORT, 2), (MEDIA, 1)])
def test_workers_are_those_of_the_embedded_stack(
    tmp_path: Path, queue: str, concurrency: int
) -> None:
    """The container runs the command line of `newsreel up`, and is stopped in the same way."""
    environ = {"NEWSREEL_REDIS_URL": "redis://127.0.0.1:1/0"}
    part = crew.worker_part(tmp_path, environ, queue=queue, concurrency=concurrency)
    service = SERVICES[f"worker-{queue}"]
    assert service["command"] == argv_of(part)
    assert service["environment"]["REMAP_SIGTERM"] == part.env["REMAP_SIGTERM"] == "SIGQUIT"


def test_every_queue_has_its_workers() -> None:
    """No bell is hung where nobody listens, and none is listened for that nobody hangs."""
    queues = [
        service["command"][service["command"].index("-Q") + 1] for service in WORKERS.values()
    ]
    assert sorted(queues) == sorted((MEDIA, SHORT, TRANSCRIBE))


@pytest.mark.parametrize("name", WORKERS)
def test_workers_are_given_time_to_hand_back(name: str) -> None:
    """Docker waits for longer than the embedded stack does, and a signal reaches the worker."""
    assert int(WORKERS[name]["stop_grace_period"].removesuffix("s")) > crew._WORKER_STOP_S
    assert WORKERS[name]["init"] is True
    queue = name.removeprefix("worker-")
    assert f"inspect ping -d {queue}@$(hostname)" in WORKERS[name]["healthcheck"]["test"][1]


def test_there_is_one_schedule(tmp_path: Path) -> None:
    """One service runs the schedule, in a container whose name cannot be had twice."""
    beats = [name for name, each in OURS.items() if "beat" in each["command"]]
    assert beats == ["beat"]
    assert SERVICES["beat"]["command"] == argv_of(crew.beat_part(tmp_path, {}))
    assert SERVICES["beat"]["container_name"]
    assert SERVICES["beat"]["deploy"]["replicas"] == 1


def test_flower_is_that_of_the_embedded_stack(tmp_path: Path) -> None:
    """But for where it listens and keeps its history: inside the container, in its volume."""
    part = crew.flower_part(tmp_path, {}, 5555, "secret")
    ours = {
        f"--address={parts.LOOPBACK}": "--address=0.0.0.0",
        f"--db={tmp_path / 'flower' / 'history'}": "--db=/var/lib/newsreel/flower/history",
    }
    service = SERVICES["flower"]
    assert service["command"] == [ours.get(word, word) for word in argv_of(part)]
    assert service["environment"]["FLOWER_BASIC_AUTH"] == "newsreel:flower-secret"
    assert any(entry.name == "flower" for entry in _celery_commands())


def _celery_commands() -> importlib.metadata.EntryPoints:
    return importlib.metadata.entry_points(group="celery.commands")


def test_setup_is_a_command() -> None:
    """What `setup` runs is known to the command line."""
    program, command = SERVICES["setup"]["command"]
    assert program == "newsreel"
    assert command in cli.main.commands


def test_redis_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """Redis is configured as in the embedded stack, and its password is on no command line."""
    script = SERVICES["redis"]["command"][-1]
    lines = [each for each in shlex.split(script) if " " in each and "\\n" not in each]
    own = parts._redis_config(tmp_path, 6379, "secret").splitlines()
    theirs = {line for line in lines if line.partition(" ")[0] not in ("requirepass", "dir")}
    assert theirs == {
        line
        for line in own
        if line.partition(" ")[0] in ("appendonly", "appendfsync", "save", "maxmemory-policy")
    }
    assert "requirepass $REDISCLI_AUTH" in lines
    assert SECRETS["REDIS_PASSWORD"] not in script


def test_s3_is_that_of_the_embedded_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only its S3 port leaves the loopback, and its key lies in a file nobody else can read."""
    become: list[tuple[str, tuple[str, ...], dict[str, str]]] = []
    monkeypatch.chdir(tmp_path)  # so that the server's own chdir is undone
    monkeypatch.setattr(os, "execve", lambda *how: become.append(how))
    monkeypatch.setenv("NEWSREEL_S3_ACCESS_KEY", "access")
    monkeypatch.setenv("NEWSREEL_S3_SECRET_KEY", "s3-secret")
    server = tool("s3")
    server.DATA = tmp_path
    server.main()
    [(_, argv, _)] = become
    part = parts.s3_part(tmp_path, server.PORTS, "access", "s3-secret")
    assert argv == (*part.argv, "-s3.ip.bind=0.0.0.0")
    assert not any("s3-secret" in word for word in argv)
    identities = tmp_path / "s3/identities.json"
    assert stat.S_IMODE(identities.stat().st_mode) == 0o600
    assert json.loads(identities.read_text())["identities"][0]["credentials"] == [
        {"accessKey": "access", "secretKey": "s3-secret"}
    ]


def test_s3_is_where_it_is_looked_for() -> None:
    """The image holds the script that the service runs, in the place it is run from."""
    assert SERVICES["s3"]["command"] == ["python", "-P", "/opt/newsreel/deploy/s3.py"]
    assert "COPY deploy/s3.py /opt/newsreel/deploy/" in DOCKERFILE
    assert SERVICES["s3"]["volumes"] == [f"s3:{tool('s3').DATA}/s3"]


# --- the image -------------------------------------------------------------------------------


def test_the_image_can_be_built_on_another_base() -> None:
    """Both stages stand on one base, an argument whose default is pinned to a Python."""
    assert re.search(r"^ARG BASE=python:3\.11-slim", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert DOCKERFILE.index("ARG BASE") < DOCKERFILE.index("FROM")


def test_the_image_runs_as_nobody_in_particular() -> None:
    """Its user is a number, the one that compose names, and it ends as that user."""
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]
    assert {service["user"] for service in OURS.values()} == set(users)


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    """Everything but an allow-list is kept from the build: no .env, no .git, no data."""
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    allowed = {rule.removeprefix("!").rstrip("/") for rule in rules if rule.startswith("!")}
    copies = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert rules[0] == "*"
    assert allowed == {name for line in copies for name in line.split()}


def test_packages_are_checked_by_hash() -> None:
    """Whatever comes from the network comes by its hash; the project itself needs no network."""
    recipe = re.sub(r"\\\n\s*", "", DOCKERFILE)
    installs = re.findall(r"pip (?:--python \S+ )?(?:install|wheel) [^&\n]*", recipe)
    assert len(installs) == 4
    for command in installs:
        assert "--no-deps" in command
        assert ("--require-hashes" in command) != ("--no-index" in command)


def test_pins_are_exact_and_hashed() -> None:
    """Every block of constraints.txt is one exact version with its hashes."""
    pins = tool("pins")
    assert "".join(pins.blocks(CONSTRAINTS)) == CONSTRAINTS
    assert all("--hash=sha256:" in block for block in pins.blocks(CONSTRAINTS))
    for line in pins.versions(CONSTRAINTS).splitlines():
        assert str(Requirement(line).specifier).startswith("==")


def test_only_what_is_needed_is_chosen() -> None:
    """Of all pins those of the named packages are printed, with their hashes and both variants."""
    pins = (
        "av==18.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:ab\n"
        "pysubs2==1.8 ; python_full_version < '3.12' \\\n    --hash=sha256:ba\n"
        "pysubs2==1.9 ; python_full_version >= '3.12' \\\n    --hash=sha256:bb\n"
        "pytest==9.0 \\\n    --hash=sha256:cc\n"
        "typing-extensions==4.15 \\\n    --hash=sha256:dd\n"
    )
    report = {
        "install": [{"metadata": {"name": n}} for n in ("av", "pysubs2", "typing_extensions")]
    }
    chosen = tool("pins").chosen(pins, tool("pins").names(report))
    assert "".join(chosen) == pins.replace("pytest==9.0 \\\n    --hash=sha256:cc\n", "")


def test_the_extra_pins_only_what_is_not_pinned_already() -> None:
    """Two files that pin one package would drift apart; what listens is in the second alone."""
    pins = tool("pins")
    more = (ROOT / "constraints-transcribe.txt").read_text(encoding="utf-8")
    assert "".join(pins.beyond(more, CONSTRAINTS)) == more
    assert "faster-whisper==" in more
    assert "://" not in more
    known = "av==18.1 \\\n    --hash=sha256:aa\n"
    assert pins.beyond(known + "x==1 \\\n    --hash=sha256:bb\n", known) == [
        "x==1 \\\n    --hash=sha256:bb\n"
    ]


def test_a_package_without_a_pin_ends_the_build() -> None:
    """What was never pinned is not installed, and the remedy is named."""
    with pytest.raises(SystemExit, match=r"no pin for: boto3.*make lock"):
        tool("pins").chosen("av==18.1 \\\n    --hash=sha256:aa\n", {"av", "boto3"})


# --- the proxy and the documentation ---------------------------------------------------------


def test_the_proxy_knows_its_names() -> None:
    """The Caddyfile asks for exactly the variables that compose hands to it."""
    assert set(re.findall(r"\{\$(\w+)", CADDYFILE)) == SERVICES["proxy"]["environment"].keys()


def test_the_proxy_blocks_what_flower_leaves_open() -> None:
    """The pages that Flower shows without its password are refused before they reach it."""
    flower = CADDYFILE[CADDYFILE.index("{$FLOWER_HOST}") :]
    assert "@open path /metrics* /healthcheck*" in flower
    assert "respond @open 404" in flower


def test_the_proxy_lets_embeds_be_framed() -> None:
    """The media host sends no header that would keep an embed out of a blog."""
    media = CADDYFILE[CADDYFILE.index("{$MEDIA_HOST}") : CADDYFILE.index("{$S3_HOST}")]
    assert "X-Frame-Options" not in media
    assert "Content-Security-Policy" not in media
    assert "Cross-Origin-Resource-Policy cross-origin" in media


def test_documented_rules_are_those_we_set() -> None:
    """An operator who sets policy and CORS by hand sets what `setup` would have set."""
    policy, cors = (
        json.loads(each) for each in re.findall(r"```json\n(.*?)```", DEPLOYING, re.DOTALL)
    )
    assert policy == {"Version": "2012-10-17", "Statement": [s3bucket._statement("published")]}
    assert cors == {"CORSRules": [s3bucket._CORS_RULE]}


def test_documented_services_are_those_there_are() -> None:
    """The table of services names each of them."""
    table = DEPLOYING[DEPLOYING.index("### What runs") : DEPLOYING.index("### Settings")]
    assert set(re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE)) == SERVICES.keys()
