"""Teaching: the course made of lessons, with answers that are checked, and the copies handed out of one source."""
