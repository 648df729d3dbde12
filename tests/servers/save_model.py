"""An MLflow model as its users save one: ``save_model.py FOLDER``."""

from __future__ import annotations

import sys

import mlflow.pyfunc


class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [1.0 if amount > 100 else 0.0 for amount in model_input["amount"]]


mlflow.pyfunc.save_model(sys.argv[1], python_model=Model(), pip_requirements=[])
