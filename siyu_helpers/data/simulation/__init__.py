"""The parts of the simulator; `siyu_helpers.data.simulate` is its door."""
