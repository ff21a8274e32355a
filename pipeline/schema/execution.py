"""`execution.yaml: shards`: where sharded work runs. Never part of a stage's identity."""

from typing import Literal

from pydantic import Field

from pipeline.schema.section import Section


class Execution(Section):
    """Execution settings; two runs that differ only here write the same bytes."""

    engine: Literal["local", "ray", "slurm"]
    """local: processes on this machine; ray: tasks of a Ray cluster; slurm: an array job."""
    workers: int = Field(ge=1)
    """Shards in work at the same time."""
    shards_per_worker: int = Field(ge=1)
    """Shards a worker gets on average: more balance slow against fast files, fewer start faster."""
    max_shard_mb: int = Field(default=64, ge=1)
    """Most of a table that one shard gets, in MiB of raw bytes: what a worker has in memory is a small
    multiple of it. More shards are made where `workers` and `shards_per_worker` make too few."""
    attempts: int = Field(default=3, ge=1)
    """How often a shard is run whose worker was killed; one whose work raised is not run again."""
    ray_address: str
    """Address of a running Ray cluster, "auto" to find it, "local" to start one here."""
    slurm_partition: str
    """Partition of the array job."""
    slurm_time: str
    """Time limit of one array task, as sbatch takes it."""
    slurm_mem_per_cpu_gb: int = Field(ge=1)
    """Memory of one array task in GiB."""
    slurm_poll_s: float = Field(gt=0)
    """Seconds between two looks at the queue while the array job runs."""
