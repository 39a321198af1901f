"""Built-in toy scenes in COCO panoptic layout: a dataset for whoever has none at hand.

A thing's class shows in its shape and a ground's class in its texture; colour is a hint only. The
scenes hold what real annotations trip over: occlusion, void rims, crowds, one stuff class in two
places, source ids with gaps, and things of two classes that share one center.

Reading order: `dice` (the only source of chance), `shapes`, `paint`, `textures`, `layout`, `scene`,
`png`, `writer`. To give the same bytes on every machine, all pixels are computed from integers and
from float64 `+ - * /`, square root, rounding and comparison, one NumPy call each: those IEEE 754
fixes to the last bit. Sines come from the rounded table of `dice`; sums over floats, whose order a
CPU may choose, are not used.
"""
