"""What hangs above the waiting area: tickets and masked names, nothing else."""
