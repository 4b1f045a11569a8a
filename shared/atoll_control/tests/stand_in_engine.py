"""An engine on which staging runs: a stand-in for Docker's program, and what it holds."""

import json
import sys
from pathlib import Path

import stand_in_docker

from atoll_control.backup.volumes import KEPT

PROJECT, ENVIRONMENT = "com.docker.compose.project=atoll-staging", "atoll.environment=staging"
CONTAINERS = {
    "w1": {"labels": [PROJECT], "service": "webserver", "state": "running"},
    "c1": {"labels": [PROJECT], "service": "cars", "state": "running"},
    "m1": {"labels": [PROJECT], "service": "migrate", "state": "exited"},
    "p1": {"labels": [PROJECT], "service": "postgres", "state": "running"},
    "x1": {"labels": [PROJECT], "service": "proxy", "state": "running"},
    "r1": {"labels": [ENVIRONMENT], "state": "running"},
}
DERIVED = ("database", "guard")


class Engine:
    """The stand-in for Docker, and what it holds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.volumes, self.databases = folder, folder / "volumes", folder / "databases"
        folder.mkdir()
        self.databases.mkdir()
        program = folder / "docker"
        text = Path(stand_in_docker.__file__).read_text()
        program.write_text(f"#!{sys.executable} -IS\n{text}")
        program.chmod(0o755)
        self.write(CONTAINERS)

    def write(self, containers: dict) -> None:
        (self.folder / "containers.json").write_text(json.dumps(containers))

    @property
    def states(self) -> dict[str, str]:
        return {name: said["state"] for name, said in json.loads((self.folder / "containers.json").read_text()).items()}

    def fail(self, words: str) -> None:
        (self.folder / "failing").write_text(words)

    def mend(self) -> None:
        (self.folder / "failing").unlink()

    def holds(self) -> dict[str, bytes]:
        """Return every file of the volumes that are kept, and every database."""
        kept = [self.volumes / f"atoll-staging_{volume}" for volume in KEPT]
        files = [path for folder in [*kept, self.databases] for path in sorted(folder.rglob("*"))]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files if path.is_file()}
