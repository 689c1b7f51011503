"""Random commands, ended or starved of disk at random moments, over and over: ``python -m tests.soak``."""
