"""Names of operators, as modes tell them and capabilities name them."""

OPERATORS = (
    *("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    *("embedding", "bilinear", "multi_head_attention", "scaled_dot_product_attention"),
    *("matmul", "bmm", "addmm", "baddbmm", "einsum", "add", "sub", "mul", "div", "cat", "stack"),
    *("softmax", "log_softmax", "layer_norm", "group_norm", "instance_norm", "rms_norm", "batch_norm"),
    *("gelu", "silu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "prelu", "elu", "softplus"),
    *("mish", "sigmoid", "tanh", "clamp", "avg_pool", "adaptive_avg_pool", "mean", "sum", "interpolate", "dropout"),
)
"""Those of the bundled modes; functions that a device declares, and other modes, have names of their own."""
