"""From proposals to a panoptic map."""
