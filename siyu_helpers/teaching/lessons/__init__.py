"""One module a lesson, named after its notebook: the tables it hands out, and its exercises."""
