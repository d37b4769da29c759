# Installs the packages named by the arguments. Run as root.
set -eu
export DEBIAN_FRONTEND=noninteractive

# What this script puts in place for the time of the installation.
own_files=
remove_own_files() {
    for file in $own_files; do rm -f "$file"; done
}
trap remove_own_files EXIT
trap 'exit 1' INT TERM HUP

# No service is started: ours run in the foreground, in folders of their own, and theirs would take our ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    own_files="$own_files $policy"
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi

# No database cluster is created.
cluster=/etc/postgresql-common/createcluster.d/bidding-local.conf
if [ ! -e "$cluster" ]; then
    own_files="$own_files $cluster"
    mkdir -p "${cluster%/*}"
    echo 'create_main_cluster = false' > "$cluster"
fi

apt() {
    apt-get --quiet --yes \
        -o DPkg::Lock::Timeout=120 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 -o Acquire::Retries=2 "$@"
}
# The lists of packages are fetched only when the installation needs it: they may be missing or too old.
apt --no-install-recommends install "$@" || { apt update && apt --no-install-recommends install "$@"; }
