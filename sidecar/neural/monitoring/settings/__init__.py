"""The configuration: one YAML file, every mistake named with its line."""

from __future__ import annotations

from neural.monitoring.settings.addresses import Address, is_loopback, parse_address
from neural.monitoring.settings.basics import LogSettings, ModelSettings, MonitorSettings
from neural.monitoring.settings.changes import Change, changes
from neural.monitoring.settings.check import check
from neural.monitoring.settings.export import ExportSettings, OTLPSettings, PrometheusSettings
from neural.monitoring.settings.finding import Finding, Weight
from neural.monitoring.settings.full import full_yaml
from neural.monitoring.settings.load import load_settings, parse_settings
from neural.monitoring.settings.problems import ConfigErrors
from neural.monitoring.settings.root import CaptureSettings, Settings
from neural.monitoring.settings.schema import json_schema
from neural.monitoring.settings.serve import DashboardSettings
from neural.monitoring.settings.storage import JournalSettings, KeepSettings, StoreSettings

__all__ = [
    "Address",
    "CaptureSettings",
    "Change",
    "ConfigErrors",
    "DashboardSettings",
    "ExportSettings",
    "Finding",
    "JournalSettings",
    "KeepSettings",
    "LogSettings",
    "ModelSettings",
    "MonitorSettings",
    "OTLPSettings",
    "PrometheusSettings",
    "Settings",
    "StoreSettings",
    "Weight",
    "changes",
    "check",
    "full_yaml",
    "is_loopback",
    "json_schema",
    "load_settings",
    "parse_address",
    "parse_settings",
]
