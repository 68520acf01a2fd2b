"""Find the rate, then train with it in a loop of your own: `python examples/loop.py`."""

import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

import rightrate as rr

digits = load_digits()
data = TensorDataset(torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target))
train, valid = torch.utils.data.random_split(data, [1400, 397], torch.Generator().manual_seed(0))
loader = DataLoader(train, batch_size=32, shuffle=True)
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
loss = torch.nn.functional.cross_entropy

result = rr.find(model, loader, valid, loss=loss, optimizer="adamw", epochs=15, schedule="cosine")
print(result)
optimizer, scheduler = result.build(model)
for _ in range(15):
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss(model(inputs), targets).backward()
        optimizer.step()
        scheduler.step()
inputs, targets = valid[:]
print(f"accuracy {(model(inputs).argmax(1) == targets).float().mean():.3f}")
