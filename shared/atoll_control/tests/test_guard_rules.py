import json

import pytest
from guarded import run_body, write_policy

from atoll_control.errors import UserError
from atoll_control.guard.policy import Policy
from atoll_control.guard.rules import admit

ID = "a1" * 32


@pytest.fixture
def policy(tmp_path) -> Policy:
    return write_policy(tmp_path)


def refused(method: str, target: str, policy: Policy, body: bytes = b"") -> UserError:
    with pytest.raises(UserError) as refusal:
        admit(method, target, body, policy)
    return refusal.value


# As Docker's client for Python sends them.
@pytest.mark.parametrize(
    ("method", "target", "container"),
    [
        ("GET", "/_ping", None),
        ("HEAD", "/_ping", None),
        ("GET", "/version", None),
        ("GET", "/v1.41/version", None),
        ("GET", f"/v1.41/containers/{ID}/json", ID),
        ("GET", f"/containers/{ID}/json", ID),
        ("POST", f"/v1.41/containers/{ID}/start", ID),
        ("POST", f"/v1.41/containers/{ID}/stop", ID),
        ("POST", f"/v1.41/containers/{ID}/stop?t=60", ID),
        ("POST", f"/v1.41/containers/{ID}/kill?signal=SIGTERM", ID),
        ("POST", f"/v1.41/containers/{ID}/wait", ID),
        ("DELETE", f"/v1.41/containers/{ID}?v=False&link=False&force=True", ID),
        ("GET", f"/v1.41/containers/{ID}/logs?stderr=1&stdout=1&timestamps=0&follow=0&tail=20", ID),
        ("GET", f"/v1.52/containers/{ID}/logs?stderr=1&stdout=1&timestamps=0&follow=1&tail=all", ID),
    ],
)
def test_what_launching_watching_and_ending_runs_takes_passes(method, target, container, policy):
    passage = admit(method, target, b"", policy)
    path, _, query = target.partition("?")
    assert (passage.method, passage.path, passage.container) == (method, path, container)
    assert "&".join(f"{name}={value}" for name, value in passage.query.items()) == query


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", f"/v1.41/containers/{ID}/exec"),
        ("POST", f"/v1.41/exec/{ID}/start"),
        ("POST", f"/v1.41/containers/{ID}/attach?stream=1"),
        ("GET", f"/v1.41/containers/{ID}/attach/ws"),
        ("GET", f"/v1.41/containers/{ID}/archive?path=/"),
        ("PUT", f"/v1.41/containers/{ID}/archive?path=/"),
        ("HEAD", f"/v1.41/containers/{ID}/archive?path=/"),
        ("GET", f"/v1.41/containers/{ID}/export"),
        ("POST", f"/v1.41/containers/{ID}/update"),
        ("POST", f"/v1.41/containers/{ID}/rename?name=postgres"),
        ("POST", f"/v1.41/containers/{ID}/restart"),
        ("POST", f"/v1.41/containers/{ID}/checkpoints"),
        ("POST", "/v1.41/containers/prune"),
        ("POST", f"/v1.41/commit?container={ID}"),
        ("POST", "/v1.41/build"),
        ("POST", "/v1.41/auth"),
        ("GET", "/v1.41/images/json"),
        ("POST", "/v1.41/images/load"),
        ("DELETE", "/v1.41/images/x"),
        ("POST", "/v1.41/volumes/create"),
        ("GET", "/v1.41/volumes"),
        ("POST", "/v1.41/networks/create"),
        ("POST", "/v1.41/networks/atoll-staging_inside/connect"),
        ("GET", "/v1.41/networks/atoll-staging_inside"),
        ("POST", "/v1.41/plugins/pull"),
        ("POST", "/v1.41/swarm/init"),
        ("POST", "/v1.41/services/create"),
        ("GET", "/v1.41/secrets"),
        ("GET", "/v1.41/configs"),
        ("GET", "/v1.41/info"),
        ("GET", "/v1.41/events"),
        ("GET", "/v1.41/system/df"),
        ("POST", "/session"),
        ("POST", "/grpc"),
        ("GET", "/debug/pprof/"),
        ("GET", "/"),
        ("GET", ""),
        # The wrong verb.
        ("PUT", f"/v1.41/containers/{ID}/start"),
        ("get", "/version"),
        ("DELETE", f"/v1.41/containers/{ID}/json"),
        # Another spelling of the path.
        ("GET", f"/v1.41/containers/{ID}%2fjson"),
        ("GET", f"/v1.41/containers/{ID}/%6ason"),
        ("GET", f"/v1.41/containers/{ID}/json/../archive"),
        ("GET", f"/v1.41/../containers/{ID}/json"),
        ("GET", f"/./containers/{ID}/json"),
        ("GET", f"//containers/{ID}/json"),
        ("GET", f"/v1.41/containers//{ID}/json"),
        ("GET", f"/v1.41/containers/{ID}/json/"),
        ("GET", f"/v1.41/containers/{ID}/json\n"),
        ("GET", f"/v1.41/Containers/{ID}/json"),
        ("GET", f"http://engine/containers/{ID}/json"),
        ("GET", f"/v1.41/containers/{ID}/json#x"),
        # Not the whole id.
        ("GET", "/v1.41/containers/atoll-staging-postgres-1/json"),
        ("GET", f"/v1.41/containers/{ID[:12]}/json"),
        ("GET", f"/v1.41/containers/{ID.upper()}/json"),
        ("GET", f"/v1.41/containers/{ID}0/json"),
        # Versions under which a start took the settings of a container.
        ("POST", f"/v1.18/containers/{ID}/start"),
        ("POST", f"/v1.39/containers/{ID}/start"),
        ("POST", f"/v1.4/containers/{ID}/start"),
        ("POST", f"/v1.410/containers/{ID}/start"),
        ("POST", f"/v2.41/containers/{ID}/start"),
        ("POST", f"/v1.41/v1.18/containers/{ID}/start"),
    ],
)
def test_everything_else_is_refused(method, target, policy):
    problem = refused(method, target, policy)
    assert f"{method} {target.partition('?')[0]}" in problem.what
    assert "runs of its environment" in problem.why
    assert "person's rights" in problem.how


@pytest.mark.parametrize(
    "target",
    [
        f"/v1.41/containers/{ID}/start?checkpoint=x",
        f"/v1.41/containers/{ID}/start?checkpoint-dir=/",
        f"/v1.41/containers/{ID}/stop?t=-1",
        f"/v1.41/containers/{ID}/kill?signal=",
        f"/v1.41/containers/{ID}/wait?condition=x",
        "/v1.41/containers/create?name=postgres",
        "/v1.41/containers/create?platform=linux",
    ],
)
def test_a_parameter_that_nobody_needs_is_refused(target, policy):
    name = target.partition("?")[2].partition("=")[0]
    assert f"with {name}=" in refused("POST", target, policy, json.dumps(run_body()).encode()).what


def test_a_parameter_is_given_once(policy):
    target = f"/v1.41/containers/{ID}?force=0&force=1"
    assert "twice" in refused("DELETE", target, policy).why
    assert "link=1" in refused("DELETE", f"/v1.41/containers/{ID}?link=1", policy).what


def test_a_pull_is_refused_and_the_refusal_says_who_pulls(policy):
    problem = refused("POST", "/v1.41/images/create?tag=latest&fromImage=evil%2Fimage", policy)
    assert problem.what.startswith("evil/image is not on this server")
    assert "./atoll up" in problem.how


def test_only_a_new_container_has_a_body_and_it_is_made_anew(policy):
    body = b'{"HostConfig": {"Privileged": true}}'
    assert admit("POST", f"/v1.41/containers/{ID}/start", body, policy).body is None
    assert "a container with" in refused("POST", "/v1.41/containers/create", policy, body).what
    made = admit("POST", "/v1.41/containers/create", json.dumps(run_body()).encode(), policy).body
    assert made is not None
    assert "Privileged" not in json.loads(made)["HostConfig"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", {"label": ["atoll.environment=staging", "dagster/run_id"]}),
        (
            '&filters={"label":["dagster/run_id=r1"],"status":["exited"]}',
            {"label": ["dagster/run_id=r1", "atoll.environment=staging", "dagster/run_id"], "status": ["exited"]},
        ),
        (
            "&filters=%7B%22label%22%3A%5B%22atoll.environment%3Dproduction%22%5D%7D",
            {"label": ["atoll.environment=production", "atoll.environment=staging", "dagster/run_id"]},
        ),
    ],
)
def test_a_list_is_one_of_this_environments_runs_whatever_it_asks_for(asked, found, policy):
    passage = admit("GET", f"/v1.41/containers/json?limit=-1&all=1&size=0&trunc_cmd=0{asked}", b"", policy)
    assert json.loads(passage.query["filters"]) == found
    assert passage.query["all"] == "1"


@pytest.mark.parametrize(
    "filters",
    ['{"name":["postgres"]}', '{"volume":["x"]}', '{"label":{"a":true}}', '{"label":[1]}', "[]", "{", "1", "null"],
)
def test_a_filter_that_the_guard_does_not_know_is_refused(filters, policy):
    assert filters in refused("GET", f"/v1.41/containers/json?filters={filters}", policy).what
