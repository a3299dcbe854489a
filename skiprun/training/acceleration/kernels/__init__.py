"""CPU kernels for training that torch lacks or has slower: a Python module and a C++ source each."""
