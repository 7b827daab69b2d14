"""The effect of joining the private pool, one part of the question a module; the door is `analysis/pool_effect.py`."""
