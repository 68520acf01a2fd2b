"""The watcher where other frameworks train: one file a framework, imported only by its users.

| framework | use |
|---|---|
| Lightning | `Trainer(callbacks=[rightrate.adapters.lightning.WatchCallback()])` |
| Hugging Face Transformers | `trainer.add_callback(rightrate.adapters.transformers.WatchCallback(trainer))` |
| Keras | `model.fit(..., callbacks=[rightrate.adapters.keras.WatchCallback()])` |
| skorch | `NeuralNet(..., callbacks=[rightrate.adapters.skorch.WatchCallback()])` |
| Accelerate | `with rightrate.adapters.accelerate.watch(accelerator, optimizer) as w:` |
"""
