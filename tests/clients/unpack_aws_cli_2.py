"""Unpacks AWS CLI 2 from the package in which Amazon publishes it: unpack_aws_cli_2.py <folder of packages> <folder>"""

import io
import pathlib
import stat
import sys
import tarfile
import zipfile

packages, target = map(pathlib.Path, sys.argv[1:])
(package,) = packages.glob("aws_cdk/asset_awscli_v2/_jsii/*.tgz")
with tarfile.open(package) as archive:
    layer = archive.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as files:
    for entry in files.infolist():
        path, mode = target / entry.filename, entry.external_attr >> 16
        # The links point to the mount point of a layer.
        if entry.is_dir() or stat.S_ISLNK(mode):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files.read(entry))
        path.chmod(mode & 0o777 or 0o644)
