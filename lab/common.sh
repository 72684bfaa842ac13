# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every script of the lab needs: names, paths, messages.

set -euo pipefail

LABDIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(dirname "$LABDIR")
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vuser
ALL_LABS="6.1 6.12 7.2"
EMULATOR=6.12 # the lab whose QEMU runs all machines
export LABDIR TOP CACHE ALL_LABS EMULATOR

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

# The Debian suite whose programs and C library a lab has.
lab_suite()
{
	case $1 in
	6.1) echo bookworm ;;
	6.12 | 7.2) echo trixie ;;
	*) die "no lab '$1'; the labs are: $ALL_LABS" ;;
	esac
}

# The lab whose root file system a lab has: "debug" is 7.2 with a kernel of our own.
lab_base()
{
	case $1 in
	debug) echo 7.2 ;;
	*) echo "$1" ;;
	esac
}

# A processor that can virtualize is the only sure sign that KVM will run an ordinary
# kernel: the device node may be there without.
can_virtualize()
{
	grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]
}

# How much more time a lab is given for everything than a machine with KVM: two that
# are emulated may share two processors with compilers.
lab_slowness()
{
	local slowness=1

	can_virtualize || slowness=2
	case $1 in
	debug) echo $((5 * slowness)) ;;
	*) echo $slowness ;;
	esac
}

need_root()
{
	[ "$(id -u)" = 0 ] || die "must run as root"
}

# State of one virtual machine; VM=name keeps several apart.
vm_dir()
{
	echo "$TOP/build/$1/vm-${VM:-default}"
}

vm_alive()
{
	local dir=$1 pid

	[ -s "$dir/pid" ] || return 1
	pid=$(cat "$dir/pid")
	[ -d "/proc/$pid" ] || return 1
	grep -qzxF "file:$dir/console.log" "/proc/$pid/cmdline" 2>/dev/null
}

# hold DIRECTORY: keep it from being swept for as long as this process, or one that it
# starts, lives; fails when it is gone.
hold()
{
	local held

	{ exec {held}< "$1"; } 2> /dev/null && flock -s "$held" && [ -e "$1/." ]
}

# hold_root LAB: set $base to the directory of a lab's root, and hold it. One that
# was swept in between is made again.
hold_root()
{
	until base=$("$LABDIR/root" "$1") && hold "$base"; do
		[ -n "$base" ] || exit 1
	done
}

# sweep LOCK KEEP OTHER...: remove what was made of earlier inputs, but for what is in
# use. LOCK is what those who make such hold: what they are at stays, too.
sweep()
{
	local lock=$1 keep=$2 other sweeping

	shift 2
	exec {sweeping}> "$lock"
	flock -n "$sweeping" || return 0
	for other; do
		[ "$other" != "$keep" ] && [ -d "$other" ] || continue
		# At once, as nobody may find half of it.
		(flock -n -x 9 && mv "$other" "$other.old" &&
			rm -rf --one-file-system "$other.old") 9< "$other" || true
	done
	exec {sweeping}>&-
}
