"""The top floor: what turns estimates into sentences, charts and pages. Draws and writes; computes nothing."""
