"""Crowds: firms as columns, small units as cells, and how a unit becomes a firm."""
