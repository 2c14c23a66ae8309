"""Learning from the reported figures: the provisional point, and what the priors alone predict."""
