"""What every test runs under."""

import torch

# Small tensors on few cores: several threads wait for each other far longer than they compute.
torch.set_num_threads(1)
