"""What a new customer costs: one module per part of the question; `analysis.acquisition_cost` is their door."""
