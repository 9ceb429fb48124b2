"""The workloads of data products: their jobs, and the chart that holds them."""
