"""`make package`: writes the template and what it deploys to build/package/, for deployments without this repository.

    build/package/template.yaml        the template, which finds the other files in the bucket ArtifactBucket
    build/package/<name>-<hash>.<ext>  the functions, the layer, and the state machine
    build/package/SHA256SUMS           the checksum of each file

Equal inputs give equal bytes. A file's name has its hash, so that CloudFormation notices a change.
"""

import hashlib
import shutil
from pathlib import Path

from infra.build import BUILD, ROOT
from infra.template import TEMPLATE

PACKAGE = BUILD / "package"
_FILES = {
    "CodeUri: ../build/functions.zip": BUILD / "functions.zip",
    "ContentUri: ../build/layer-arm64.zip": BUILD / "layer-arm64.zip",
    "DefinitionUri: ../statemachine/revocation.asl.json": ROOT / "statemachine" / "revocation.asl.json",
}
_PARAMETERS = """Parameters:
  ArtifactBucket:
    Type: String
    Description: The bucket, of the same Region, that the package was copied to.
  ArtifactPrefix:
    Type: String
    Default: ""
    Description: The folder of the package in that bucket, with a slash at its end; empty for the bucket itself.
"""


def package(into: Path = PACKAGE) -> list[Path]:
    """Write the package, and return its files."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    template, written = TEMPLATE.read_text().replace("\nParameters:\n", f"\n{_PARAMETERS}", 1), []
    for line, source in _FILES.items():
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        name = f"{source.name.partition('.')[0]}-{digest[:16]}{source.suffix}"
        shutil.copyfile(source, into / name)
        written.append(into / name)
        property_ = line.partition(":")[0]
        replaced = f"{property_}: {{ Bucket: !Ref ArtifactBucket, Key: !Sub '${{ArtifactPrefix}}{name}' }}"
        if template.count(line) != 1:
            raise ValueError(f"the template has {template.count(line)} lines {line!r}, wanted: 1")
        template = template.replace(line, replaced)
    written.append(into / "template.yaml")
    written[-1].write_text(template)
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(written))
    (into / "SHA256SUMS").write_text("".join(sums))
    return [*written, into / "SHA256SUMS"]


if __name__ == "__main__":
    for path in package():
        print(path.relative_to(ROOT))
