"""Faster or smaller steps, same result: fused kernels, compilation, CUDA graphs, activation checkpointing."""
