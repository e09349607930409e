"""The command line: reads the clock and the environment, composes the walks, ends the process."""
