"""The events of a quarter: each takes the city, calls the mechanisms in order and posts what money moved."""
