import dagster as dg

from product_recommendations.definitions import defs

LOCATION = "product_recommendations"
FROM_TRAINING_ONLY = ["household_history", "popularity", "item2vec", "model"]


def key(name):
    return dg.AssetKey([LOCATION, name])


def test_every_asset_is_of_this_location_described_owned_and_grouped():
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    assert set(specs) == {
        key(name)
        for name in (
            "transactions",
            "products",
            "baskets",
            "training_baskets",
            *FROM_TRAINING_ONLY,
            "held_out",
            "champion",
            "evaluation",
            "recommendations",
        )
    }
    for spec in specs.values():
        assert spec.description
        assert spec.owners == ["team:data-science"]
        assert spec.kinds or spec.key == key("champion")
        assert spec.group_name == "product_recommendations"


def test_features_baseline_and_models_are_made_from_training_baskets_alone():
    graph = defs.resolve_asset_graph()
    for name in FROM_TRAINING_ONLY:
        assert graph.get(key(name)).parent_keys == {key("training_baskets")}


def test_the_champion_recommends_once_the_newest_model_was_evaluated():
    graph = defs.resolve_asset_graph()
    expected = {key(name) for name in ("champion", "evaluation", "baskets", "popularity")}
    assert graph.get(key("recommendations")).parent_keys == expected
    assert graph.get(key("evaluation")).parent_keys == {key(name) for name in ("held_out", "item2vec", "model")}


def test_every_check_blocks():
    graph = defs.resolve_asset_graph()
    checks = [graph.get_check_spec(check) for check in graph.asset_check_keys]
    assert {(check.asset_key.path[-1], check.name) for check in checks} == {
        ("transactions", "schema"),
        ("products", "schema"),
        ("baskets", "schema"),
        ("baskets", "few_baskets_emptied"),
        ("held_out", "tested_after_training"),
        ("model", "gate"),
        ("evaluation", "beats_popularity"),
        ("recommendations", "schema"),
        ("recommendations", "nothing_from_the_basket"),
    }
    assert all(check.blocking for check in checks)


def test_retraining_is_weekly_whole_and_off_until_switched_on():
    schedule = defs.resolve_schedule_def("weekly_retraining")
    assert schedule.cron_schedule == "0 3 * * 1"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    job = defs.resolve_job_def(schedule.job_name)
    assert job.asset_layer.executable_asset_keys == defs.resolve_asset_graph().executable_asset_keys


def test_what_people_rely_on_is_expected_weekly():
    with_policy = {spec.key.path[-1] for spec in defs.resolve_all_asset_specs() if spec.freshness_policy}
    assert with_policy == {"model", "evaluation", "recommendations"}


def test_what_is_watched_for_retraining_is_there():
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def())
        tick = defs.resolve_sensor_def("weekly_retraining_triggers").evaluate_tick(context)
        assert tick.skip_message == "There is no reason."
