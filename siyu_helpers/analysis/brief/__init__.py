"""What the decision brief states: verdict, what would change it, five numbers, weakest links, next steps."""
