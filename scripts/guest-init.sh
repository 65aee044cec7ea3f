#!/bin/sh
# The first process of the guest that build-guest.sh makes: brings its network up, then runs what comes over the second serial line, one
# command a line in base64, and says after each how it ended.

MODULES="virtio_pci virtio_net virtio_rng crc32c_generic crc32c_intel iscsi_tcp sd_mod sg ext4 dm-multipath dm-round-robin dm-service-time scsi_dh_alua"

mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /run
mkdir -p /run/lock/iscsi
# The first serial line has the kernel's messages, all of them from here on.
echo 8 >/proc/sys/kernel/printk
export PATH=/bin LD_LIBRARY_PATH=/lib
for module in $MODULES; do modprobe "$module"; done
ifconfig lo 127.0.0.1 up
# Where qemu's user-mode network has its guests; 10.0.2.2 is the loopback of the host.
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
route add default gw 10.0.2.2
echo 'InitiatorName=iqn.2026-11.io.lunaring:guest' >/etc/iscsi/initiatorname.iscsi
iscsid

exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty raw -echo
echo '@ready'
while read -r line; do
  sh -c "$(echo "$line" | base64 -d)" </dev/null 2>&1
  echo "@exit $?"
done
poweroff -f
