"""What generated CUDA code and calls with device arrays need; nothing but `arrays` is imported before."""
