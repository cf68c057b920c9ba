"""`python -m infra.deploy up` and `down`, as the Makefile runs them."""

import sys

from infra.deploy.deploy import main

sys.exit(main())
