"""Reading indicators and pictures off the city."""
