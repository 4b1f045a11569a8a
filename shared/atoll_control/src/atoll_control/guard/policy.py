"""The policy: what a run's container may be made of, as `./atoll up` has written it down."""

from dataclasses import dataclass
from pathlib import Path

from atoll_control.errors import UserError

# The labels by which a run's container is known, and told from the services of its environment.
ENVIRONMENT_LABEL = "atoll.environment"
RUN_LABEL = "dagster/run_id"


@dataclass(frozen=True)
class Policy:
    """What runs of one environment may have, one entry a line in the lists of a folder, read at every use."""

    folder: Path
    environment: str

    @property
    def images(self) -> frozenset[str]:
        """References by digest."""
        return self._read("images")

    @property
    def mounts(self) -> frozenset[str]:
        """`SOURCE:TARGET` or `SOURCE:TARGET:ro`."""
        return self._read("mounts")

    @property
    def networks(self) -> frozenset[str]:
        """Names of networks."""
        return self._read("networks")

    def _read(self, name: str) -> frozenset[str]:
        file = self.folder / name
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise UserError(
                "the guard refuses every container.",
                f"its list {file} cannot be read: {error.strerror}.",
                "`./atoll up ENV` writes it.",
            ) from error
        return frozenset(line.strip() for line in lines if line.strip())
