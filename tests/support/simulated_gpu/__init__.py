"""A CUDA device that is not there: a GPU's rules are kept, and its numbers are those of the CPU.

A tensor says `cuda:0` and holds a CPU tensor (`tensor`). A dispatch mode computes every operation with what
they hold (`device`), and keeps the rules of a GPU: no two devices in one operation, generators of its own, no
waiting and no pageable copy while a graph is captured (`rules`). Streams have vector clocks, so that a wait
that is missing is a race (`streams`). Pinned memory has what was copied to it once the host has waited
(`host_memory`). A captured graph is the list of its operations: a launch computes them again from what is in
memory then, with the Python numbers of the capture (`graph`). `patches` lets torch see all that within a
context, and `machine` runs any function there, in a process where `guard` came before torch.

So a run on this GPU, eager or captured, must equal the CPU run to the last bit. (A CPU has one generator for
what the host and the device draw: of a run where both draw in one step the bits are others.)

Time is counted: so much for an operation that is launched, and less for one of a graph. Not simulated: real
time, the rounding of cuDNN and cuBLAS, memory that runs out or is used again in a graph's pool,
torch.compile, drivers. Tests marked `gpu` are for those.
"""
