#!/usr/bin/env python3
"""The software bill of materials, CycloneDX 1.5 as JSON, to standard output: every crate that is compiled into the program
as it is packaged (those of its build scripts too), what it depends on, and the C libraries that two of them bring along.

It says what `cargo tree` and `cargo metadata` say, without the time or a random number: the same source gives the same bytes.

  packaging/sbom.py [--target TRIPLE] [--features LIST]
"""

import argparse
import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO = os.environ.get("CARGO", "cargo")
# C sources inside a crate: (crate, file below it, what its version is called there, name, licence or the crate's, CPE).
INSIDE = [
    ("libsqlite3-sys", "sqlite3/sqlite3.h", "SQLITE_VERSION", "sqlite", "blessing", "sqlite:sqlite"),
    ("aws-lc-sys", "aws-lc/include/openssl/base.h", "AWSLC_VERSION_NUMBER_STRING", "aws-lc", None, "amazon:aws-lc"),
]


def cargo(*arguments):
    return subprocess.run([CARGO, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def compiled(target, features):
    """`(name, version)` of each crate with those it uses. `cargo tree` tells: features of development are not in it."""
    shape = ["--edges", "normal,build", "--prefix", "depth", "--no-dedupe", "--format", " {p}"]
    tree = cargo("tree", "--locked", "--features", features, "--target", target, *shape)
    uses, line = {}, []
    for text in tree.splitlines():
        depth, name, version = re.match(r"(\d+) (\S+) v(\S+)", text).groups()
        crate = (name, version)
        uses.setdefault(crate, set())
        del line[int(depth):]
        if line:
            uses[line[-1]].add(crate)
        line.append(crate)
    return uses


def licence(package):
    # "MIT/Apache-2.0" is the spelling from before SPDX expressions.
    return [{"expression": " OR ".join(part.strip() for part in package["license"].split("/"))}]


def component(package, checksum):
    name, version = package["name"], package["version"]
    out = {"type": "library", "bom-ref": ref((name, version)), "name": name, "version": version, "licenses": licence(package)}
    if checksum:
        out["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    out["purl"] = ref((name, version))
    if package.get("repository"):
        out["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return out


def inside(packages):
    """The C libraries in crates' own folders: which crate brings one, and its component."""
    for crate, file, word, name, terms, product in INSIDE:
        for (found, version), package in packages.items():
            if found == crate:
                text = (Path(package["manifest_path"]).parent / file).read_text(errors="replace")
                number = re.search(rf'#define {word}\s+"([^"]+)"', text)[1]
                yield (found, version), {
                    "type": "library",
                    "bom-ref": f"pkg:generic/{name}@{number}",
                    "name": name,
                    "version": number,
                    "licenses": [{"license": {"id": terms}}] if terms else licence(package),
                    "cpe": f"cpe:2.3:a:{product}:{number}:*:*:*:*:*:*:*",
                    "purl": f"pkg:generic/{name}@{number}",
                }


def ref(crate):
    return f"pkg:cargo/{crate[0]}@{crate[1]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", help="by default, this machine")
    parser.add_argument("--features", default="otel", help="by default, those of the packages")
    host = re.search(r"^host: (.+)$", cargo("--version", "--verbose"), re.M)[1]
    arguments = parser.parse_args()
    target = arguments.target or host
    uses = compiled(target, arguments.features)
    shape = ["--format-version", "1", "--filter-platform", target]
    metadata = json.loads(cargo("metadata", "--locked", "--features", arguments.features, *shape))
    packages = {(p["name"], p["version"]): p for p in metadata["packages"]}
    packages = {crate: packages[crate] for crate in sorted(uses)}
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}
    own = next(crate for crate in packages if crate[0] == "keyharbor")
    needs = {ref(crate): sorted(ref(used) for used in uses[crate]) for crate in packages}
    components = [component(packages[crate], checksums[crate]) for crate in packages if crate != own]
    for crate, library in inside(packages):
        components.append(library)
        needs[ref(crate)] = sorted([*needs[ref(crate)], library["bom-ref"]])
        needs[library["bom-ref"]] = []
    program = {**component(packages[own], None), "type": "application"}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": program, "properties": [{"name": "keyharbor:target", "value": target}]},
        "components": components,
        "dependencies": [{"ref": name, "dependsOn": used} for name, used in sorted(needs.items())],
    }
    print(json.dumps(bom, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
