"""What a server has written down, in both databases."""

from collections import Counter

from server import Running

# Rows that are written once; those of ticks, heartbeats and caches are not.
TABLES = {
    "dagster": {"runs": "run_id", "event_logs": "id || md5(event)", "run_tags": "run_id || key || value"},
    "mlflow": {"experiments": "experiment_id || name", "runs": "run_uuid", "metrics": "run_uuid || key || step"},
}
HANGING = "select run_id from runs where status in ('STARTING', 'STARTED', 'CANCELING')"


def list_rows(server: Running) -> dict[str, Counter[str]]:
    return {
        f"{database}.{table}": Counter(server.query(database, f"select {columns} from {table}"))
        for database, tables in TABLES.items()
        for table, columns in tables.items()
    }
