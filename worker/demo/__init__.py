"""The demo: a sample clinic, a dozen patients, and six weeks of the real worker in seconds."""
