"""The outside world behind the ports of `ballast.app.ports`."""
