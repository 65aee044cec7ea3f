#!/usr/bin/env bash
# Builds a guest with Debian's Linux kernel, its iSCSI initiator and tools for disks, for test/interop: a kernel and an initramfs for qemu.
# usage: build-guest.sh DIRECTORY FIO     puts both into DIRECTORY/guest-HASH and prints that path as its last line; FIO goes into it as well
#        build-guest.sh --find DIRECTORY  prints the path of the one that this script has built there
# Packages are fetched and unpacked, never installed. What runs in the guest is guest-init.sh's.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Another script builds another guest.
guest=guest-$(cat "$here"/build-guest.sh "$here"/guest-init.sh | sha256sum | cut -c1-8)
if [ "${1:-}" = --find ]; then
  [ -e "${2:?usage: build-guest.sh --find DIRECTORY}/$guest/initramfs" ] && echo "$2/$guest"
  exit
fi
destination=${1:?usage: build-guest.sh DIRECTORY FIO}
fio=${2:?usage: build-guest.sh DIRECTORY FIO}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'echo "build-guest: line $LINENO failed: $BASH_COMMAND" >&2' ERR
packages=$work/packages
root=$work/root
mkdir -p "$packages" "$root"/{bin,proc,sys,dev,run,tmp,mnt,etc/iscsi,lib/modules,var/lib/iscsi}

kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
tools='open-iscsi sg3-utils dmsetup'
# libc is this machine's, as what fio needs is.
libraries=$(apt-cache depends $tools | sed -n 's/.*Depends: \(lib.*\)/\1/p' | grep -v '^libc6' | sort -u)
cd "$packages"
apt-get -qq -o APT::Sandbox::User=root download "$kernel" busybox-static $tools $libraries
for package in *.deb; do dpkg -x "$package" .; done
version=$(basename lib/modules/*)
busybox=$packages/bin/busybox

# The modules, and what they need.
"$busybox" depmod -b "$packages" "$version"
dependencies=$packages/lib/modules/$version/modules.dep
while read -r module; do
  line=$(grep -E "/${module//[-_]/[-_]}\.ko:" "$dependencies") || { echo "build-guest: no module $module in $kernel" >&2 && exit 1; }
  for file in ${line/:/}; do
    file=${file#/}
    file=${file#lib/modules/"$version"/}
    install -D -m 644 "$packages/lib/modules/$version/$file" "$root/lib/modules/$version/$file"
  done
done < <(sed -n 's/^MODULES="\(.*\)"$/\1/p' "$here/guest-init.sh" | tr ' ' '\n')
cp "$packages/lib/modules/$version/"modules.{order,builtin} "$root/lib/modules/$version/"
"$busybox" depmod -b "$root" "$version"

# Programs, and the libraries that they load.
for applet in $("$busybox" --list); do ln -s busybox "$root/bin/$applet"; done
install -m 755 "$busybox" "$root/bin/busybox"
LD_LIBRARY_PATH=$packages/lib/x86_64-linux-gnu:$packages/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH
for program in sbin/{iscsid,iscsiadm,dmsetup} usr/bin/sg_{inq,persist,reset,rtpg,stpg,unmap,vpd,luns,get_lba_status,compare_and_write,xcopy,write_same,logs,turs}; do
  install -m 755 "$packages/$program" "$root/bin/"
done
install -m 755 "$fio" "$root/bin/fio"
for program in mkfs.ext4 e2fsck resize2fs blkdiscard; do
  install -m 755 "$(PATH=$PATH:/sbin:/usr/sbin command -v "$program")" "$root/bin/"
done
for program in "$root"/bin/*; do
  # Busybox needs none, and ldd calls that a failure.
  if [ ! -L "$program" ]; then ldd "$program" 2>/dev/null || true; fi
done >"$work/libraries"
if grep 'not found' "$work/libraries"; then
  echo 'build-guest: libraries are missing' >&2
  exit 1
fi
sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\s*\(\/lib64[^ ]*\).*/\1/p' "$work/libraries" | sort -u | while read -r library; do
  case $library in
    /lib64/*) install -D -m 755 "$library" "$root$library" ;;
    *) install -m 755 "$library" "$root/lib/" ;;
  esac
done

install -m 755 "$here/guest-init.sh" "$root/init"
install -m 600 "$packages/etc/iscsi/iscsid.conf" "$root/etc/iscsi/"
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
ln -s /proc/mounts "$root/etc/mtab"

# In one step, so that an interrupted build never leaves half a guest behind.
result=$destination/$guest
staging=$result.$$
mkdir -p "$staging"
cp "$packages/boot/vmlinuz-$version" "$staging/vmlinuz"
(cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$staging/initramfs"
rm -rf "$result"
mv "$staging" "$result"
echo "$result"
