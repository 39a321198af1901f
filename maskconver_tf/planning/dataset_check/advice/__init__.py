"""What a dataset means for the settings of a training: sizes, slots, crops, plain baselines."""
