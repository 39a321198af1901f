"""Sources in COCO's JSON formats."""
