"""Faster or smaller steps with the same result: fused kernels, compilation, CUDA graphs, activation checkpointing."""
