"""What a stack costs a month, from its plan, a trace of traffic, and prices that each have a source and a date."""
