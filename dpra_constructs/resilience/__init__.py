"""What teams put into their own stacks so that the pipeline can test how they bear faults."""

from dpra_constructs.resilience.fault_injection_experiment import FaultInjectionExperiment

__all__ = ["FaultInjectionExperiment"]
