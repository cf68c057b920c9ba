"""Where it runs: the template, the build, the embedded AWS."""
