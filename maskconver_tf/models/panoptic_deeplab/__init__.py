"""Panoptic-DeepLab, the model that the MaskConver paper compares with on MobileNet-MH."""
