#!/usr/bin/env bash
# Builds fio with its libiscsi engine, which Debian's binary lacks, from Debian's own source package.
# usage: build-fio.sh DIRECTORY     puts fio into DIRECTORY/fio-VERSION/fio and prints that path as its last line
# Packages it needs are installed by setup-clients.mjs. The system's own apt files are read, never changed.
set -euo pipefail

destination=${1:?usage: build-fio.sh DIRECTORY}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial"

# The archives that this machine already gets Debian's binaries from have the sources beside them.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
  awk -v keyring="$keyring" '$1 == "Debian" { print "deb-src [signed-by=" keyring "]", $2, $3, $4 }' |
  sort -u >"$work/sources.list"
if [ ! -s "$work/sources.list" ]; then
  echo 'build-fio: apt knows no Debian archive; run apt-get update first' >&2
  exit 1
fi

private_apt() {
  apt-get -qq \
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$work/lists" -o Dir::Cache::archives="$work/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}
private_apt update
(cd "$work" && private_apt source fio >&2)

source=$(echo "$work"/fio-*/)
version=$(dpkg-parsechangelog -l "$source/debian/changelog" -S Version)
cd "$source"
{
  ./configure --enable-libiscsi
  grep -q '^CONFIG_LIBISCSI=y' config-host.mak || { echo 'build-fio: configure did not find libiscsi' && exit 1; }
  make -j"$(nproc)"
} >"$work/build.log" 2>&1 || {
  tail -n 40 "$work/build.log" >&2
  exit 1
}

# In one step, so that an interrupted build never leaves half a program behind.
install -D fio "$destination/fio-$version/.fio.$$"
mv "$destination/fio-$version/.fio.$$" "$destination/fio-$version/fio"
echo "$destination/fio-$version/fio"
