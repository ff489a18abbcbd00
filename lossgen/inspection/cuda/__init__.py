"""What a GPU would make of the CUDA kernels, found out without one: registers, memory traffic, a time."""
