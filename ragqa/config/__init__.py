"""Settings: their definitions and origins, and where notes and index are."""

from ragqa.config.loading import (
    Loaded,
    Places,
    history_file,
    load_settings,
    set_user_setting,
    unset_user_setting,
    user_settings_file,
)
from ragqa.config.settings import SETTINGS, Origin, Setting, Settings

__all__ = [
    "SETTINGS",
    "Loaded",
    "Origin",
    "Places",
    "Setting",
    "Settings",
    "history_file",
    "load_settings",
    "set_user_setting",
    "unset_user_setting",
    "user_settings_file",
]
