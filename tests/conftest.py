"""What every test runs under."""

import torch
from hypothesis import settings

# Small tensors on few cores: several threads wait for each other far longer than they compute.
torch.set_num_threads(1)

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
