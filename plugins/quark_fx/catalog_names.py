"""Names of operators with one input: those quantized on request, and those that move values."""

from __future__ import annotations

ACTIVATIONS: dict[str, tuple[str, ...]] = {
    # kind: names of the functions, methods and aten operators that compute it
    "softmax": ("softmax",),
    "log_softmax": ("log_softmax",),
    "layer_norm": ("layer_norm",),
    "group_norm": ("group_norm",),
    "instance_norm": ("instance_norm",),
    "rms_norm": ("rms_norm",),
    "batch_norm": ("batch_norm", "_native_batch_norm_legit_no_training"),
    "gelu": ("gelu",),
    "silu": ("silu",),
    "relu6": ("relu6",),
    "hardtanh": ("hardtanh",),
    "hardswish": ("hardswish",),
    "hardsigmoid": ("hardsigmoid",),
    "leaky_relu": ("leaky_relu",),
    "prelu": ("prelu",),
    "elu": ("elu",),
    "softplus": ("softplus",),
    "mish": ("mish",),
    "sigmoid": ("sigmoid",),
    "tanh": ("tanh",),
    "clamp": ("clamp", "clamp_min", "clamp_max"),
    "avg_pool": ("avg_pool1d", "avg_pool2d", "avg_pool3d"),
    "adaptive_avg_pool": ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
    "mean": ("mean",),
    "sum": ("sum",),
    "interpolate": ("interpolate", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_linear1d"),
    # What passes.simplify leaves of them is at work, and scales what it keeps.
    "dropout": ("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout"),
}
ACTIVATION_MODULES: dict[str, tuple[str, ...]] = {
    "softmax": ("Softmax", "Softmax2d"),
    "log_softmax": ("LogSoftmax",),
    "layer_norm": ("LayerNorm",),
    "group_norm": ("GroupNorm",),
    "instance_norm": ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
    "rms_norm": ("RMSNorm",),
    "batch_norm": ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
    "gelu": ("GELU",),
    "silu": ("SiLU",),
    "relu6": ("ReLU6",),
    "hardtanh": ("Hardtanh",),
    "hardswish": ("Hardswish",),
    "hardsigmoid": ("Hardsigmoid",),
    "leaky_relu": ("LeakyReLU",),
    "prelu": ("PReLU",),
    "elu": ("ELU",),
    "softplus": ("Softplus",),
    "mish": ("Mish",),
    "sigmoid": ("Sigmoid",),
    "tanh": ("Tanh",),
    "avg_pool": ("AvgPool1d", "AvgPool2d", "AvgPool3d"),
    "adaptive_avg_pool": ("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"),
    "interpolate": ("Upsample", "UpsamplingBilinear2d"),
    "dropout": ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"),
}
MOVING: dict[str, tuple[str, ...]] = {
    "max_pool": (
        *(f"max_pool{rank}d" for rank in (1, 2, 3)),
        *(f"adaptive_max_pool{rank}d" for rank in (1, 2, 3)),
    ),
    "reshape": ("reshape", "view", "view_as", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze", "ravel"),
    "transpose": ("transpose", "permute", "t", "movedim", "moveaxis", "swapaxes", "swapdims", "mT", "numpy_T"),
    "pick": (
        *("chunk", "split", "split_with_sizes", "tensor_split", "unbind", "unsafe_chunk", "unsafe_split"),
        *("narrow", "select", "slice", "index_select", "gather", "unfold"),
    ),
    "share": ("contiguous", "detach", "alias", "expand", "expand_as"),
    "copy": ("clone", "repeat", "repeat_interleave", "tile"),
    "cast": ("to", "_to_copy", "type_as", "float", "half", "bfloat16", "double", "cpu", "cuda"),
    "flip": ("flip", "roll"),
    "pixel_shuffle": ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
    "upsample_nearest": (
        *(f"upsample_nearest{rank}d" for rank in (1, 2, 3)),
        *(f"_upsample_nearest_exact{rank}d" for rank in (1, 2, 3)),
    ),
    "identity": ("requires_grad_",),
}
MOVING_MODULES: dict[str, tuple[str, ...]] = {
    "max_pool": (*(f"MaxPool{rank}d" for rank in (1, 2, 3)), *(f"AdaptiveMaxPool{rank}d" for rank in (1, 2, 3))),
    "reshape": ("Flatten", "Unflatten"),
    "pixel_shuffle": ("PixelShuffle", "PixelUnshuffle", "ChannelShuffle"),
    "identity": ("Identity",),
    "upsample_nearest": ("UpsamplingNearest2d",),
    "pad": (
        *(f"ZeroPad{rank}d" for rank in (1, 2, 3)),
        *(f"ConstantPad{rank}d" for rank in (1, 2, 3)),
        *(f"ReflectionPad{rank}d" for rank in (1, 2, 3)),
        *(f"ReplicationPad{rank}d" for rank in (1, 2, 3)),
    ),
}
VIEWS = {"reshape", "transpose", "pick", "share", "cast", "identity"}
"""Kinds whose results may be the memory of their input."""
