"""Many runs of one scenario: draws and seeds, worker processes, the run folder and its record."""
