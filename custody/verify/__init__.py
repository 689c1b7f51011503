"""The trusted base: reads a package and reports. Never writes, never fetches, runs nothing from the package."""
