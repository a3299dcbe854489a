"""CPU kernels for training that torch lacks or computes more slowly: a Python module and a C++ source each."""
