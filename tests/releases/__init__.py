"""What each release wrote, kept for ever: every later version must read it (design, promise 10).

``python -m tests.releases`` makes the folder of this version, once, right before it is released; a folder that
exists is never made anew, except with ``--draft`` while its version is not released (its `about.json` says so).
Everything in it is synthetic; the keys are for tests and open nothing else.
"""
