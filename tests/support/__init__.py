"""What tests of several folders share: CAs and CRLs, harnesses of steps and workflow, services, shells, waiting."""
