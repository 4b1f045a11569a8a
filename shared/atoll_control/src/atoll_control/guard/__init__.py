"""The guard: the only way from webserver and daemon to the container engine, for the runs of one environment.

Who has the engine's own socket is root on the machine. Through the guard's socket, runs of this environment can be
created from the release's images with listed mounts and no privileges, watched, stopped and removed; nothing else.
"""
