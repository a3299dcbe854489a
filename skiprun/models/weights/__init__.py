"""Pretrained weights, and which parts of a network are frozen."""
