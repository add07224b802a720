"""Alarms inside the emulator's process: evaluated by CloudWatch's rules, on the scaled clock."""
