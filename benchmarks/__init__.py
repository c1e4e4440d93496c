"""Side-by-side measurements: what our work costs and how good it is, next to the peers'.

Every comparison happens in one run on one source, and is printed as ratios, because absolute times
say more about the machine than about the program. Start with `python -m benchmarks`;
`docs/formats.md` shows what was measured and which numbers of the profiles it led to.
"""
