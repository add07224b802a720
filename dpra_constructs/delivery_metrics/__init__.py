"""The four delivery metrics: lead time, deploy frequency, MTBF and MTTR (DPRA-METRICS)."""
