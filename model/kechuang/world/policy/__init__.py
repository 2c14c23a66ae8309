"""What a scenario decides in a quarter: effective levers, shocks, and an analyst's own code."""
