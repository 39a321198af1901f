"""Pictures for the small LiteRT file."""

import numpy as np

SIZE = (8, 8)
PICTURES = [
    np.random.default_rng(seed).integers(0, 256, [*SIZE, 3], dtype=np.uint8) for seed in range(4)
]
