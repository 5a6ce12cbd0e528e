"""What is done to a graph before it is quantized; a pass changes its graph, never the modules of the model."""
