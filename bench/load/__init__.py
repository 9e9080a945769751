"""What the gateway is measured with: a stub upstream, a load generator, and what reads and shows the figures."""
