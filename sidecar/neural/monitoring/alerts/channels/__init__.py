"""Where alerts go: one file a channel."""

from neural.monitoring.alerts.channels.build import build_channel, build_channels
from neural.monitoring.alerts.channels.protocol import Channel, DeliveryResult, Policy
from neural.monitoring.alerts.channels.settings import ChannelSettings, ChannelsSettings

__all__ = ["Channel", "ChannelSettings", "ChannelsSettings", "DeliveryResult", "Policy", "build_channel", "build_channels"]
