import yaml
from dagster import DagsterInstance

from atoll_control.instance import initialise_instance, open_instance, prepare_dagster_home


def test_paths_become_absolute_and_all_else_stays(checkout):
    home = prepare_dagster_home(checkout)
    config = yaml.safe_load((home / "dagster.yaml").read_text())
    assert config["storage"]["sqlite"]["base_dir"] == str(checkout.root / ".atoll" / "instance" / "storage")
    assert config["telemetry"] == {"enabled": False}


def test_the_home_follows_the_roots_file(checkout):
    prepare_dagster_home(checkout)
    source = checkout.root / "dagster.yaml"
    source.write_text(source.read_text().replace("storage\n", "elsewhere\n"))
    assert "elsewhere" in (prepare_dagster_home(checkout) / "dagster.yaml").read_text()


def test_the_same_runs_are_seen_from_the_root_and_from_the_home(checkout, monkeypatch):
    initialise_instance(checkout)
    assert (checkout.state / "instance" / "storage" / "history" / "runs" / "index.db").is_file()
    with open_instance(checkout) as instance:
        instance.add_dynamic_partitions("weeks", ["2013-03-17"])
    before = set(checkout.root.iterdir())
    monkeypatch.chdir(checkout.root)
    with DagsterInstance.from_config(str(checkout.root)) as instance:
        assert instance.get_dynamic_partitions("weeks") == ["2013-03-17"]
    assert set(checkout.root.iterdir()) == before
