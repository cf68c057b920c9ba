"""Every limit of AWS and of this product, once, with its unit and its source.

What only one module needs and no service imposes stays in that module. Quotas that an account can have raised are
defaults here: `functions/environment.py` reads the deployment's own.
"""

# ------------------------------------------------------------------------------------------------- the input
# "Step Functions service quotas": 256 KiB a state, and 25,000 events in an execution, which fails at the limit and
# cannot catch it. Each inline serial is a state of its own.
MAX_INLINE_SERIALS = 500  # in `Serials`
MAX_INLINE_CERTIFICATES = 100  # in `Certificates`
MAX_SERIALS = 100_000  # from all sources together; more are revoked in several executions
MAX_TRUST_STORES = 20  # in an execution; the default quota of an account and Region (load-balancer-limits)
# 100,000 serials of 20 octets with colons and a reason have 12 MB; quotes and spaces may double that.
MAX_SERIAL_LIST_BYTES = 32 * 1024 * 1024
# A client certificate that a load balancer accepts has 16 KB at most; this is for files with many of them.
MAX_CERTIFICATE_FILE_BYTES = 4 * 1024 * 1024

# ------------------------------------------------------------------------------------------------- waiting for a CRL
MAX_POLL_INTERVAL_SECONDS = 3_600
MAX_DEADLINE_SECONDS = 43_200
MAX_POLLS = 400  # a poll costs about 12 of the 25,000 events

# ------------------------------------------------------------------------------------------------- RFC 5280
# 4.1.2.2: a positive integer of at most 20 octets. With the top bit set it takes a 21st octet in DER; CAs with 20
# random octets write such serials, so it is the value that is measured.
MAX_SERIAL_OCTETS = 20
MAX_CRL_NUMBER_OCTETS = 20  # 5.2.3

# ----------------------------------------- Elastic Load Balancing: "Quotas for your Application Load Balancers"
MAX_CRL_BYTES = 50 * 1024 * 1024  # of the PEM of a certificate revocation list; not adjustable
MAX_CHAIN_DEPTH = 4  # certificates in a chain; not adjustable
MAX_REVOCATION_LISTS = 30  # in a trust store; adjustable
REVOCATION_LISTS_QUOTA = "L-332EE142"
MAX_REVOCATION_ENTRIES = 500_000  # in a trust store; adjustable
REVOCATION_ENTRIES_QUOTA = "L-37E1617B"
# "Request throttling for the Elastic Load Balancing API": all writes to the trust stores of an account and Region.
SECONDS_PER_TRUST_STORE_WRITE = 5

# ------------------------------------------------------- AWS Private CA: "AWS Private CA endpoints and quotas"
MAX_REVOCATIONS_PER_SECOND = 20  # RevokeCertificate, in an account and Region; not adjustable
DEFAULT_REVOCATIONS_PER_SECOND = 19  # leaves one to others
