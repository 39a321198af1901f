"""Toy scenes in COCO panoptic layout, for users who have no dataset at hand.

The class of a thing shows in its shape, and the class of stuff in its texture. Color is only a
hint. The scenes hold the hard cases of real annotations: occlusion, void rims, crowds, one stuff
class in two places, source ids with gaps, and things of two classes that share one center.

A second kind of pictures is `crowd`: many small things of one class that touch.

Reading order: `dice` (the only source of random numbers), `shapes`, `paint`, `textures`, `layout`,
`scene`, `crowd`, `toy_scenes`. The bytes are the same on every machine. For this, all pixels are
computed from integers and from float64 `+ - * /`, square root, rounding and comparison, one NumPy
call each; IEEE 754 fixes their results to the last bit. Sines come from the rounded table of
`dice`. Sums over floats are not used, because a CPU may choose their order.
"""
