"""Our formats as bytes and values: canonical JSON, entries, tree, notes, packages. Standard library only, no I/O."""
