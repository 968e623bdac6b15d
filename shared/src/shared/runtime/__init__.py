"""What every process has: settings, logs, health, jobs, leases, start and end."""
