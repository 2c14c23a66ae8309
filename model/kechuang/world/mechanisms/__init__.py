"""One mechanism per module: equation and source, parameter record, rules, kernel, and nothing else."""
