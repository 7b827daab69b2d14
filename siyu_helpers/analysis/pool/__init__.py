"""What a private pool is worth to a business, from its inputs to the value; the door is `industry_fit`."""
