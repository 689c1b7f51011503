"""Pictures as SVG files that stand alone: no script, no style sheet, no font or file from elsewhere, no links.

Each picture has a table with the same numbers, and says in words what it leaves out. The same rows give the same
bytes. Everything that a colour would say is said by form and word: the pictures are black and white.
"""
