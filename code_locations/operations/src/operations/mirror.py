"""MLflow's registry, made to say what the store's registry says."""

import json
from typing import Any

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient

from atoll.promotion.registry import Decision, Registry, Version
from operations.answers import answering

VERSION = "atoll/version"


def mirror(uri: str, registry: Registry) -> list[Version]:
    """Register every version, and move the aliases ``champion`` and ``challenger`` to where they belong.

    Each version carries where it came from and the last that was decided of it. Done twice, it changes nothing.
    Versions are registered in their order, so that MLflow's numbers are ours.

    Args:
        uri: MLflow's tracking URI.
        registry: The store's, of one model.

    Returns:
        The versions whose model has no run in MLflow: until it has, nothing is registered and no alias moves.

    Raises:
        UserError: MLflow does not answer, or the store cannot be read.
        MlflowException: It refuses something.
    """
    with answering(uri):
        return _mirror(MlflowClient(uri), registry)


def _mirror(client: MlflowClient, registry: Registry) -> list[Version]:
    versions, decisions = list(registry.versions()), list(registry.decisions())
    location = registry.name.partition(".")[0]
    registered = {found.tags[VERSION]: found for found in _list_registered(client, registry.name)}
    runs = {
        version.number: _find_run(client, location, version)
        for version in versions
        if str(version.number) not in registered
    }
    missing = [version for version in versions if version.number in runs and runs[version.number] is None]
    if missing:
        return missing
    for version in versions:
        run = runs.get(version.number)
        if run is not None:
            registered[str(version.number)] = _register(client, registry.name, run, version)
        known = registered[str(version.number)]
        for name, value in _describe(version, decisions).items():
            if known.tags.get(name) != value:
                client.set_model_version_tag(registry.name, known.version, name, value)
    champion = registry.champion()
    _point(client, registry.name, "champion", registered[str(champion.number)] if champion else None)
    _point(client, registry.name, "challenger", registered[str(versions[-1].number)] if versions else None)
    return []


def _list_registered(client: MlflowClient, name: str) -> list[ModelVersion]:
    try:
        client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            raise
        client.create_registered_model(name)
    return [found for found in client.search_model_versions(f"name = '{name}'") if VERSION in found.tags]


def _find_run(client: MlflowClient, location: str, version: Version) -> Run | None:
    experiment = client.get_experiment_by_name(location)
    condition = f"tags.`atoll/artefact` = '{version.artefact}' and attributes.status = 'FINISHED'"
    runs = client.search_runs([experiment.experiment_id], condition, max_results=1) if experiment else []
    return next(iter(runs), None)


def _register(client: MlflowClient, name: str, run: Run, version: Version) -> ModelVersion:
    source = f"{run.info.artifact_uri}/model"
    return client.create_model_version(name, source, run.info.run_id, tags={VERSION: str(version.number)})


def _describe(version: Version, decisions: list[Decision]) -> dict[str, str]:
    manifest = version.manifest
    known: dict[str, Any] = {
        "atoll/artefact": version.artefact,
        "atoll/data_version": manifest.data_version,
        "atoll/inputs": json.dumps(manifest.inputs),
        "dagster/asset_key": manifest.asset,
        "dagster/partition": manifest.partition,
        "dagster/run_id": manifest.run_id,
        "git/commit": manifest.commit,
        "atoll/lock": manifest.lock,
        "atoll/image": manifest.image,
    }
    about = [decision for decision in decisions if decision.challenger == version.number]
    if about:
        last = about[-1]
        known |= {"decision": last.outcome, "decision/reason": last.reason, "decision/asked": json.dumps(last.asked)}
    for figures in (decision.figures for decision in about if decision.figures):
        known[f"metric/{figures['metric']}"] = figures["challenger"]
    return {name: str(value) for name, value in known.items() if value is not None}


def _point(client: MlflowClient, name: str, alias: str, version: ModelVersion | None) -> None:
    current = client.get_registered_model(name).aliases.get(alias)
    if version is None:
        if current is not None:
            client.delete_registered_model_alias(name, alias)
    elif str(current) != str(version.version):
        client.set_registered_model_alias(name, alias, version.version)
