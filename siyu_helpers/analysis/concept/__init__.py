"""The concepts of private traffic as small models, computed: pond, dinner, toll road, paid pond, house; its words."""
