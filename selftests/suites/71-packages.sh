#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The packages of Debian on a host with systemd: installed by apt, used by a user of the
# group vuser, upgraded, removed and purged. `lab/build LAB deb` has built them.

# shellcheck disable=SC2016,SC2317 # strings that check evaluates, functions that it calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/dpdk/autotest.sh
. "$CONSUMERS/dpdk/autotest.sh"

PACKAGES=$BUILD/packages
KERNEL=/lib/modules/$(uname -r)
NAMES=$(cd "$PACKAGES" && printf '%s\n' *.deb | sed 's/_.*//')
VERSION=$(dpkg-deb -f "$PACKAGES"/vuser_*.deb Version)
NEXT=$(dpkg-deb -f "$PACKAGES"/next/vuser_*.deb Version)
# Test the installed programs. An emulated machine would compile the module for an hour, so
# DKMS runs a make that knows it.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export MODULES=$PACKAGES/modules DEBIAN_FRONTEND=noninteractive

# apt_get WORD...: apt-get without a network and without its lists of packages: all packages
# on which ours depend are installed.
apt_get()
{
	apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 \
		-o DPkg::Path="$CONSUMERS/packages:$PATH" -o Dir::State::Lists="$WORK/lists" "$@"
}

# depmod reads all modules of the kernel, which takes an emulated machine a minute, and four
# times. Show only those that are needed, in a directory whose changes are lost at the end.
few_modules()
{
	local needed

	needed=$(modprobe -a --show-depends vfio-pci mdev vfio_iommu_type1 |
		sed -n "s|^insmod $KERNEL/\([^ ]*\).*|\1|p" | sort -u)
	mkdir "$WORK/kernel"
	# shellcheck disable=SC2086 # words
	(cd "$KERNEL" && cp -a --parents build modules.* $needed "$WORK/kernel")
	mount --bind "$WORK/kernel" "$KERNEL"
	trap 'umount -l "$KERNEL"' EXIT
}

# The roots of the lab leave out documentation. An emulated machine takes minutes to index
# man pages, and half a minute to look for questions of packages, which ours do not have.
prepare()
{
	rm -f /etc/dpkg/dpkg.cfg.d/99mmdebstrap /etc/apt/apt.conf.d/70debconf \
		/var/lib/man-db/auto-update
	mkdir -p "$WORK/lists/partial"
	useradd --create-home alice
	few_modules
}

# The files and links that the packages have.
shipped()
{
	local deb

	for deb in "$PACKAGES"/*.deb "$PACKAGES"/next/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -t | sed -n 's/^\.\(.*[^/]\)$/\1/p'
	done | sort -u
}

# All names where scripts of packages may leave some. dpkg, apt, depmod, ldconfig, systemd and
# the journal write files of their own. lab/deb-root/try compares all of the file system.
present()
{
	find "$KERNEL" /opt /run/systemd/system /run/udev/rules.d /srv \
		/usr/local /usr/src -maxdepth 2 ! -name "modules.*" 2> /dev/null
	find /etc /var -xdev \
		\( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o \
		-path /var/lib/apt -o -path /var/lib/systemd -o -path /var/tmp \) -prune -o \
		! -path '/var/lib/dkms/mok.*' ! -path '/etc/ld.so.cache' \
		! -path '/etc/passwd*' ! -path '/etc/group*' ! -path '/etc/*shadow*' \
		! -path '/etc/sub?id*' ! -path '/etc/.pwd.lock' -print
	shipped | while read -r name; do
		[ ! -e "$name" ] || echo "$name"
	done
}

# versions VERSION: all packages are installed in this version.
versions()
{
	local name

	for name in $NAMES; do
		[ "$(dpkg-query -W -f '${Version} ${Status}' "$name")" = \
			"$1 install ok installed" ] || { echo "$name"; return 1; }
	done
}

# module_of VERSION: the module that modprobe finds is built by DKMS, in this version, and
# signed.
module_of()
{
	modinfo -n vuser | grep '/updates/dkms/vuser\.ko' &&
		[ "$(modinfo -F version vuser)" = "$1" ] &&
		[ -n "$(modinfo -F signer vuser)" ]
}

vuserd_is()
{
	[ "$(systemctl is-active vuserd)" = "$1" ]
}

# What runs a command as the user alice, who is not root and can get no capabilities.
ALICE="prlimit --memlock=unlimited setpriv --reuid alice --regid alice --init-groups
	--inh-caps=-all --bounding-set=-all --no-new-privs"

# The variable has several words.
# shellcheck disable=SC2086
alice_opens()
{
	$ALICE "$CONSUMERS/vfio_open.py" "${UUID[ioat]}" < /dev/null
}

# The packages that were removed and have left configuration or state.
configured()
{
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^config-files //p'
}

purged()
{
	local name

	for name in $NAMES; do
		! dpkg-query -W "$name" 2> /dev/null || return 1
	done
	diff "$WORK/before" <(present | sort -u)
}

prepare
present | sort -u > "$WORK/before"
check "apt installs the packages" apt_get install "$PACKAGES"/*.deb || finish
check "all packages have the version of the tree" versions "$VERSION"
check "DKMS has built and signed the module" module_of "$VERSION"
check "vuserd runs after the installation" vuserd_is active
check "vuserd is enabled for the next boot" systemctl is-enabled vuserd
check "the unit of vuserd has loaded the module" test -d /sys/module/vuser
module_loaded=1
for page in vuserd vuserctl vuser-ioat vuser-vhost; do
	check "there is a man page of $page" eval 'test -s /usr/share/man/man?/$page.?.gz'
done
check "programs print the version of the packages" test \
	"$(vuserctl --version)" = "vuserctl $VERSION"
check "Python finds the package vuser and the library" python3 -c "import vuser"

# A user of the group. DPDK requires that vfio-pci is loaded.
modprobe vfio-pci
check "a device of vuser-ioat attaches" device_up ioat vuser-ioat -s || finish
node=/dev/vfio/$(basename "$(readlink -f "$MDEVS/${UUID[ioat]}/iommu_group")")
udevadm settle
check "the device node belongs to the group vuser" test \
	"$(stat -c '%G %a' "$node")" = "vuser 660"
check "a user who is not in the group cannot open the device" eval \
	'alice_opens 2>&1 | grep "Permission denied: .*/dev/vfio/[0-9]"'
usermod -aG vuser alice
check "a user of the group opens the device" alice_opens
DPDK_AS=$ALICE DPDK_RUN=dpdk_alone dpdk_check ioat "a user of the group" --in-memory -m 64

# The device stays attached over the upgrade.
check "apt upgrades the packages" apt_get install "$PACKAGES"/next/*.deb
check "all packages have the next version" versions "$NEXT"
check "DKMS has built the module of the next version" module_of "$NEXT"
check "DKMS has no module of the first version" test ! -e "/var/lib/dkms/vuser/$VERSION"
check "vuserd runs after the upgrade" vuserd_is active
check "the device is attached after the upgrade" \
	"$CONSUMERS/mdev_wait.py" "${UUID[ioat]}" state attached $SOON
check "a user of the group opens the device after the upgrade" alice_opens
check "the device is removed" device_down ioat
check "the loaded module is replaced" eval 'rmmod vuser && modprobe vuser &&
	[ "$(cat /sys/module/vuser/version)" = "$NEXT" ]'

# shellcheck disable=SC2086 # words
check "apt removes the packages" apt_get remove $NAMES
check "vuserd has ended" vuserd_is inactive
check "modprobe finds no module" eval '! modinfo vuser'
# shellcheck disable=SC2046 # words
check "apt purges the packages" apt_get purge $(configured)
check "systemd has no unit vuserd" eval '! systemctl cat vuserd.service'
check "the group vuser stays, as Debian keeps groups" getent group vuser
userdel -r alice 2> /dev/null
check "no package and no file is left" purged
finish
