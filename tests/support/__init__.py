"""What tests of more than one folder share: certificates and CRLs, running services, steps, workflows."""
