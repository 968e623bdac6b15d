"""What both sync services do alike: carry runs under leases, publish only what differs, report progress.

- `sync_service`: builds a sync service, from `handlers` (Kafka in) and `jobs` (the workers)
- `integrations`: the state of each integration of one side, as auth tells it
- `run_repository`: queues, claims and finishes runs; requests join a run, and none is lost
- `run_worker`: carries a run from claim to end, step by step, and stops when it must
- `paused_runs`: watches over runs that are put down until their provider may be called again
- `run_context`: what every step of a run works with; `stamp`: what marks the observations of one read
- `change_publisher`: publishes what differs from what was last seen (`observation_rows`, `revisions`)
- `absences`: confirms that what vanished from a list is absent
- `account_manifest`: what a run found under one account; `manifest_publisher` publishes it, and keeps
  `manifest_records` for the next one
- `progress`: reports to the status channel; `reports`: what steps and runs say of themselves
"""
