"""Who calls, and what its role allows: the IAM that the embedded AWS demands and records."""


def demand(action: str, resource: str) -> None:
    """Demand that the caller of the request being answered may do `action` on `resource`.

    AWS demands some permissions without a call of its own, e.g. `s3:PutObject` on the CRL bucket from the
    caller of `RevokeCertificate`.

    Raises:
        AccessDenied: the caller's role does not allow it.

    """
