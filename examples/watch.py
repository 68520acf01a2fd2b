"""Watch a run whose rate is far too high, and let the watcher mend it: `python examples/watch.py`."""

import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

import rightrate as rr

digits = load_digits()
data = TensorDataset(torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target))
train, valid = torch.utils.data.random_split(data, [1400, 397], torch.Generator().manual_seed(0))
loader = DataLoader(train, batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(0))
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
criterion = torch.nn.functional.cross_entropy
optimizer = torch.optim.SGD(model.parameters(), lr=3.0, momentum=0.9)

with rr.watch(optimizer, model=model, mode="act", total_steps=20 * len(loader), name="digits") as w:
    for _ in range(20):
        for inputs, targets in loader:
            loss = criterion(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.observe(loss)
        with torch.no_grad():
            inputs, targets = valid[:]
            w.validate(criterion(model(inputs), targets))
        if w.should_stop:
            break

print(w.summary())
w.save_report("watch.html")
print(f"accuracy {(model(inputs).argmax(1) == targets).float().mean():.3f}")
