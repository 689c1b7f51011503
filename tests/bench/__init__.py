"""Measurements of speed and size, as ratios in one run; not tests."""
