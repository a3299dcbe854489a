"""The operations of a training pass on a CPU that torch has not, or not as fast: a module and a C++ source each."""
