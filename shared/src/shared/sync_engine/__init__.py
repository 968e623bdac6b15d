"""What both sync services do alike: queue runs, keep their lease, publish only what differs, tell how far.

- `service`: how a sync service is built, from `desk` (what it hears) and `jobs` (its workers)
- `integrations`: what auth said of the integrations of this side
- `runs`: queue, claim and finish runs; requests are joined, never lost
- `observing`: last seen state, dirty marks, the revision counter
- `working`: carries a run from claim to end, step by step, and stops when it must
- `progress`: tells the status channel how far a run is
"""
