"""Prints the size of each function that `sam build` has built: uncompressed, and as the ZIP file that Lambda accepts."""

import pathlib
import sys
import tempfile
import zipfile

for binary in sorted(pathlib.Path(sys.argv[1]).glob("*/bootstrap")):
    with tempfile.NamedTemporaryFile() as archive:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.write(binary, "bootstrap")
        size = pathlib.Path(archive.name).stat().st_size
        print(f"{binary.parent.name:24} {binary.stat().st_size / 1e6:5.1f} MB, zipped {size / 1e6:.1f} MB")
