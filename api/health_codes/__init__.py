"""The provincial health-code systems that are asked: adapters by configuration, and a simulator."""
