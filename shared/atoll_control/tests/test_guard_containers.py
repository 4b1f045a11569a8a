import json

import pytest
from guarded import (
    ALLOWED,
    CONTEXT,
    IMAGE,
    LABELS,
    NETWORK,
    OTHER_IMAGE,
    PGPASS,
    SECRET,
    STORE,
    run_body,
    write_policy,
)

from atoll_control.errors import UserError
from atoll_control.guard.containers import approve_container, is_run
from atoll_control.guard.policy import Policy


@pytest.fixture
def policy(tmp_path) -> Policy:
    return write_policy(tmp_path)


def approve(body, policy: Policy) -> dict:
    return json.loads(approve_container(body if isinstance(body, bytes) else json.dumps(body).encode(), policy))


def refused(body, policy: Policy) -> UserError:
    with pytest.raises(UserError) as refusal:
        approve(body, policy)
    return refusal.value


def test_a_run_as_the_launcher_asks_for_it_passes_with_what_was_looked_at_and_nothing_else(policy):
    assert approve(run_body(), policy) == {
        "Image": IMAGE,
        "User": "1000:1000",
        "Cmd": ["dagster", "api", "execute_run", "{}"],
        "Env": ["ATOLL_ROOT=/atoll"],
        "Labels": LABELS,
        "HostConfig": {
            "NetworkMode": NETWORK,
            "Binds": [STORE, PGPASS],
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": 2 * 2**30,
            "MemorySwap": 2 * 2**30,
            "NanoCpus": 2_000_000_000,
            "PidsLimit": 512,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        },
    }


def test_who_asks_without_more_for_the_whole_file_system_hears_of_that_first(policy):
    asked = {"Image": "busybox", "HostConfig": {"Binds": ["/:/host"]}}
    assert "HostConfig.Binds" in refused(asked, policy).what


def test_the_whole_file_system_of_the_machine_is_refused_and_the_refusal_says_why_and_how(policy):
    problem = refused(run_body(volumes=["/:/host"]), policy)
    assert str(problem) == (
        'what: the guard refuses a container with HostConfig.Binds = ["/:/host"].\n'
        "why:  only the listed mounts of its location may be used, each in the very spelling of the list.\n"
        "how:  if the release, the settings or a project's limits have changed, `./atoll up ENV` makes the policy anew."
    )


@pytest.mark.parametrize(
    "bind",
    [
        "/:/host",
        "/./:/host",
        "//:/host",
        "/srv/..:/host",
        "/var/run/docker.sock:/var/run/docker.sock",
        PGPASS.removesuffix(":ro"),
        PGPASS.removesuffix(":ro") + ":rw",
        PGPASS + ",rshared",
        PGPASS.replace("/run/secrets", "/run/./secrets"),
        PGPASS.replace("staging/", "production/../staging/"),
        STORE + ":ro",
        STORE + " ",
        STORE + "\n",
        STORE.replace("staging", "production"),
        STORE.upper(),
        "/atoll/.atoll",
        "",
    ],
)
def test_a_mount_in_any_other_spelling_is_refused(bind, policy):
    body = run_body()
    body["HostConfig"]["Binds"] = [STORE, bind]
    assert "HostConfig.Binds" in refused(body, policy).what


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Privileged", True),
        ("PidMode", "host"),
        ("PidMode", "container:abc"),
        ("IpcMode", "host"),
        ("IpcMode", "container:abc"),
        ("UTSMode", "host"),
        ("UsernsMode", "host"),
        ("CgroupnsMode", "host"),
        ("CgroupParent", "/"),
        ("Cgroup", "container:abc"),
        ("CapAdd", ["SYS_ADMIN"]),
        ("CapDrop", ["NET_RAW"]),
        ("CapDrop", []),
        ("CapDrop", None),
        ("SecurityOpt", ["no-new-privileges:false"]),
        ("SecurityOpt", ["no-new-privileges", "seccomp=unconfined"]),
        ("SecurityOpt", ["no-new-privileges", "apparmor=unconfined"]),
        ("SecurityOpt", ["no-new-privileges", "systempaths=unconfined"]),
        ("SecurityOpt", ["no-new-privileges", "label=disable"]),
        ("SecurityOpt", []),
        ("SecurityOpt", None),
        ("Devices", [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "rwm"}]),
        ("DeviceCgroupRules", ["a *:* rwm"]),
        ("DeviceRequests", [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]),
        ("Mounts", [{"Type": "bind", "Source": "/", "Target": "/host"}]),
        ("Mounts", []),
        ("VolumesFrom", ["atoll-staging-postgres-1"]),
        ("VolumeDriver", "local"),
        ("NetworkMode", "host"),
        ("NetworkMode", "bridge"),
        ("NetworkMode", "default"),
        ("NetworkMode", "none"),
        ("NetworkMode", "container:atoll-staging-postgres-1"),
        ("NetworkMode", "atoll-production_inside"),
        ("NetworkMode", ["atoll-staging_inside"]),
        ("NetworkMode", None),
        ("PortBindings", {"80/tcp": [{"HostPort": "80"}]}),
        ("PublishAllPorts", True),
        ("Links", ["atoll-staging-postgres-1:postgres"]),
        ("ExtraHosts", ["postgres:10.0.0.1"]),
        ("Dns", ["10.0.0.1"]),
        ("GroupAdd", ["0"]),
        ("Sysctls", {"kernel.core_pattern": "|/x"}),
        ("Ulimits", [{"Name": "nofile", "Soft": -1, "Hard": -1}]),
        ("Runtime", "unconfined"),
        ("OomKillDisable", True),
        ("OomScoreAdj", -1000),
        ("RestartPolicy", {"Name": "always"}),
        ("AutoRemove", True),
        ("StorageOpt", {"size": "1t"}),
        # Empty lists that take protection away.
        ("MaskedPaths", []),
        ("ReadonlyPaths", []),
        ("LogConfig", {"Type": "syslog", "Config": {"syslog-address": "tcp://10.0.0.1:514"}}),
        ("LogConfig", {"Type": "fluentd", "Config": {}}),
        ("LogConfig", {"Type": "json-file", "type": "syslog", "Config": {}}),
        ("LogConfig", {"Type": "json-file", "Config": {"max-size": "10m", "env": "PGPASSWORD"}}),
        ("LogConfig", {"Type": "json-file", "Config": {"max-size": "unlimited"}}),
        ("LogConfig", {"Type": "json-file", "Config": ["max-size"]}),
        ("LogConfig", {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}}),
        ("LogConfig", {"Type": "json-file", "Config": {}}),
        ("LogConfig", {}),
        ("LogConfig", None),
        ("Memory", None),
        ("Memory", 0),
        ("Memory", 2 * 2**30 + 1),
        ("MemorySwap", None),
        ("MemorySwap", 0),
        ("MemorySwap", -1),
        ("MemorySwap", 4 * 2**30),
        ("NanoCpus", None),
        ("NanoCpus", 2_000_000_001),
        ("PidsLimit", None),
        ("PidsLimit", 0),
        ("PidsLimit", 513),
        ("ShmSize", 2**20),
        ("Tmpfs", {"/entrypoint": ""}),
        ("Memory", -1),
        ("Memory", True),
        ("Memory", "2g"),
        ("Memory", 2.5),
        ("PidsLimit", -1),
        ("ReadonlyRootfs", "yes"),
        # The engine reads names without regard to case, in more alphabets than one.
        ("privileged", True),
        ("PRIVILEGED", True),
        ("binds", ["/:/host"]),
        ("capadd", ["ALL"]),
        ("Bind\u017f", ["/:/host"]),
        ("SomethingNew", {"x": 1}),
    ],
)
def test_whatever_reaches_beyond_the_container_is_refused(name, value, policy):
    body = run_body()
    body["HostConfig"][name] = value
    assert f"HostConfig.{name}" in refused(body, policy).what


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Image", "127.0.0.1:5005/atoll/flight_delays"),
        ("Image", IMAGE.replace("sha256:1", "sha256:2")),
        ("Image", f"sha256:{'1' * 64}"),
        ("Image", OTHER_IMAGE),
        ("Image", None),
        ("Image", [IMAGE]),
        ("User", ""),
        ("User", None),
        ("User", "root"),
        ("User", "0"),
        ("User", "0:0"),
        ("User", "0:1000"),
        ("User", "1000:0"),
        ("User", "1000:1001"),
        ("User", "00:1000"),
        ("User", "1000"),
        ("User", "1000:"),
        ("User", "1000:docker"),
        ("User", "1000:1000\n"),
        ("User", "-1:1000"),
        ("User", "\u0661:\u0661"),
        ("User", 1000),
        ("Entrypoint", ["/bin/sh"]),
        ("Entrypoint", []),
        ("Entrypoint", ""),
        ("Hostname", "postgres"),
        ("Domainname", "x"),
        ("ExposedPorts", {"80/tcp": {}}),
        ("Healthcheck", {"Test": ["CMD", "x"]}),
        ("MacAddress", "02:42:ac:11:00:02"),
        ("NetworkDisabled", True),
        ("OnBuild", ["RUN x"]),
        ("OpenStdin", True),
        ("Shell", ["sh"]),
        ("StopSignal", "SIGKILL"),
        ("StopTimeout", 10**6),
        ("Tty", True),
        ("AttachStdin", True),
        ("WorkingDir", "/"),
        ("Runtime", "unconfined"),
        ("Platform", "linux/386"),
        ("Cmd", "sh -c x"),
        ("Cmd", [["sh"]]),
        ("Env", {"A": "b"}),
        ("Volumes", {"/var/lib/other": {}}),
        ("Volumes", ["/var/lib/other"]),
        ("NetworkingConfig", {"EndpointsConfig": {NETWORK: {"Aliases": ["postgres"]}}}),
        ("NetworkingConfig", {"EndpointsConfig": {"atoll-production_inside": {}}}),
        ("NetworkingConfig", {"endpointsconfig": {NETWORK: {"IPAddress": "172.18.0.2"}}}),
        ("NetworkingConfig", ["x"]),
        ("HostConfig", ["x"]),
        ("hostconfig", {"Privileged": True}),
        ("Ho\u017ftConfig", {"Privileged": True}),
        ("user", "0:0"),
    ],
)
def test_whatever_else_a_run_does_not_need_is_refused(name, value, policy):
    problem = refused(run_body() | {name: value}, policy)
    assert name in problem.what
    assert problem.why and problem.how


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"atoll.environment": "staging"},
        {"dagster/run_id": "r1"},
        {name: value for name, value in LABELS.items() if name != "atoll.location"},
        LABELS | {"atoll.location": "postgres"},
        LABELS | {"atoll.location": "../flight_delays"},
        LABELS | {"atoll.location": ["flight_delays"]},
        LABELS | {"atoll.location": ""},
        LABELS | {"atoll.environment": "production"},
        LABELS | {"Atoll.environment": "production"},
        LABELS | {"com.docker.compose.project": "atoll-staging"},
        LABELS | {"com.docker.compose.service": "proxy"},
        LABELS | {"dagster/run_id": None},
        [*LABELS],
    ],
)
def test_a_container_that_would_not_be_a_run_of_this_environment_is_refused(labels, policy):
    # Without a location it may have nothing of a host.
    key = "Labels" if isinstance(labels, dict) and "atoll.location" in labels else "HostConfig.Memory"
    assert key in refused(run_body() | {"Labels": labels}, policy).what


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b'{"Image": "x"', b"[" * 100_000], ids=range(8)
)
def test_what_is_not_a_json_object_is_refused(body, policy):
    assert "cannot read" in refused(body, policy).what


def test_of_a_key_that_is_there_twice_the_engine_gets_the_one_that_was_looked_at(policy):
    good, bad = json.dumps(run_body()), json.dumps(run_body(volumes=["/:/host"])["HostConfig"])
    twice = f'{{"HostConfig": {bad}, {good[1:]}'
    assert approve(twice.encode(), policy)["HostConfig"]["Binds"] == [STORE, PGPASS]
    twice = f'{good[:-1]}, "HostConfig": {bad}}}'
    assert "/:/host" in refused(twice.encode(), policy).what


def test_a_key_in_another_case_cannot_empty_what_was_looked_at(policy):
    body = run_body()
    body["HostConfig"] |= {"securityopt": None, "capdrop": None, "Privileged": False}
    host = approve(body, policy)["HostConfig"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not {"securityopt", "capdrop", "Privileged"} & host.keys()


def test_a_run_has_what_its_own_location_may_have_and_nothing_of_anothers(policy):
    richer = {"image": OTHER_IMAGE, "mem_limit": "4g", "memswap_limit": "4g", "volumes": [SECRET]}
    own = LABELS | {"atoll.location": "vehicle_prices"}
    assert approve(run_body(labels=own, **richer), policy)["HostConfig"]["Binds"] == [SECRET]
    for name, value in richer.items():
        with pytest.raises(UserError):
            approve_container(json.dumps(run_body(**{name: value})).encode(), policy)


def test_a_run_may_ask_for_less_than_its_location_may_have(policy):
    less = {"mem_limit": "1g", "memswap_limit": "1g", "nano_cpus": 1, "pids_limit": 1, "volumes": [STORE]}
    host = approve(run_body(**less), policy)["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"], host["Binds"]) == (2**30, 1, 1, [STORE])


def test_a_policy_that_is_replaced_counts_at_once(policy):
    other = IMAGE.replace("sha256:1", "sha256:3")
    assert "Image" in refused(run_body(image=other), policy).what
    write_policy(policy.folder, image=other)
    assert approve(run_body(image=other), policy)["Image"] == other


def test_a_run_of_the_release_before_passes_and_a_mixture_of_both_does_not(policy):
    newer = ALLOWED | {"image": OTHER_IMAGE, "volumes": [STORE]}
    (policy.folder / "runs.json").write_text(json.dumps({"flight_delays": [newer, ALLOWED]}))
    assert approve(run_body(), policy)["Image"] == IMAGE
    assert approve(run_body(image=OTHER_IMAGE, volumes=[STORE]), policy)["Image"] == OTHER_IMAGE
    assert "Binds" in refused(run_body(image=OTHER_IMAGE), policy).what


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "{",
        *(json.dumps({"flight_delays": nothing}) for nothing in (None, {}, [], [{}], CONTEXT)),
        json.dumps({"x": [CONTEXT]}),
    ],
)
def test_without_a_policy_that_says_all_the_guard_refuses_and_says_what_it_misses(text, policy):
    (policy.folder / "runs.json").unlink()
    if text is not None:
        (policy.folder / "runs.json").write_text(text)
    problem = refused(run_body(), policy)
    assert problem.what == "the guard refuses every container."
    assert str(policy.folder / "runs.json") in problem.why
    assert "./atoll up" in problem.how


@pytest.mark.parametrize("limit", ["mem_limit", "memswap_limit", "nano_cpus", "pids_limit", "log_config"])
@pytest.mark.parametrize("value", [None, "", [1]])
def test_a_policy_without_a_limit_is_none(limit, value, policy):
    write_policy(policy.folder, **{limit: value})
    with pytest.raises(UserError):
        approve(run_body(), policy)


def test_services_of_the_environment_are_no_runs():
    assert is_run(LABELS, "staging")
    for labels in (None, {}, {"atoll.environment": "staging"}, LABELS | {"atoll.environment": "production"}):
        assert not is_run(labels, "staging")
