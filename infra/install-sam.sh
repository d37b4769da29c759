#!/usr/bin/env bash
# Installs SAM, cfn-lint and cargo-lambda, pinned by hash, into an environment of the project.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.local/sam-venv

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "SAM needs Python 3.11 or later; this is $(python3 --version)" >&2
    exit 1
}
echo "installing SAM, cfn-lint and cargo-lambda into $environment" >&2
mkdir -p .local
if ! python3 -c 'import ensurepip' 2>/dev/null; then
    # Debian's Python comes without the part that makes environments.
    if [ "$(id -u)" = 0 ]; then become_root=; else become_root="sudo -n"; fi
    $become_root sh local/src/install/apt.sh python3-venv || {
        echo "cannot make a Python environment: sudo apt-get install python3-venv" >&2
        exit 1
    }
fi
python3 -m venv --clear "$environment"
# The list names everything, so nothing has to be resolved.
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --timeout=30 \
    --require-hashes --only-binary=:all: --no-deps \
    --requirement infra/requirements.txt --requirement local/requirements-watch.txt
# Written last: it says that the installation was finished.
touch "$environment/installed"
