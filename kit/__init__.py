"""airgap-kit: carry a release across an air gap, and prove offline that it is the right one."""

__version__ = "0.1.0"
