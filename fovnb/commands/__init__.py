"""What ``python -m fovnb COMMAND`` does: a module for each command, light until it is run."""
