# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for the suites with the back ends vhost-device-*.

CRATES=${VUSER_VHOST_DEVICE:-$BUILD/../vhost-device}
# shellcheck disable=SC2034 # for the suites
HERE=$CONSUMERS/vhost-device
declare -A PEER
# shellcheck source-path=SCRIPTDIR source=drivers.sh
. "$HERE/drivers.sh"

# crate NAME: print the name of a crate and its version, as build.sh has it.
crate()
{
	sed -n "s/^build $1 \([0-9]*\.[0-9]*\).*/vhost-device-$1 \1/p" "$HERE/build.sh"
}

outside()
{
	python3 -B "$HERE/outside.py" "$@"
}

# peer NAME ARGUMENT...: start the other side of a device.
peer()
{
	outside "$@" > "$WORK/peer-$1.log" 2>&1 &
	PEER[$1]=$!
}

# peer_done NAME: whether the other side has seen what it expects.
peer_done()
{
	wait "${PEER[$1]}" && return
	cat "$WORK/peer-$1.log" "$WORK/$1.log"
	return 1
}

# back_end NAME ARGUMENT...: start a back end; wait for its socket, $WORK/NAME.back, to which
# most programs add a 0. WITH may have a program that starts it, with its arguments.
back_end()
{
	local name=$1

	shift
	# shellcheck disable=SC2086 # several words
	${WITH:-} "$CRATES/vhost-device-$name" "$@" > "$WORK/$name.log" 2>&1 &
	SERVER[$name]=$!
	timeout "$SOON" bash -c "until [ -S '$WORK/$name.back' ] ||
		[ -S '$WORK/${name}.back0' ]; do
			kill -0 ${SERVER[$name]} || exit
			sleep 0.1
		done" && return
	cat "$WORK/$name.log"
	return 1
}

# create NAME: create a device behind a vuser-vhost of its own.
create()
{
	local path=$WORK/$1.back

	[ -S "$path" ] || path=${path}0
	UUID[$1]=$(vuserctl create --wait --vhost "$1:$path") && device_of "$1" && return
	cat "$WORK/$1.log"
	return 1
}

# drive NAME...: use these devices with the drivers of one User-Mode Linux.
drive()
{
	PATH=$PROGS:$PATH UML_LIMIT=900 uml_tap "vhost-device:" "$(IFS=,; echo "$*")" \
		"$HERE/inside.sh" "$WORK" "$@"
}

remove()
{
	vuserctl remove "${UUID[$1]}" && unset "UUID[$1]"
}

# runs_on NAME: whether the back end still runs; then remove its device.
runs_on()
{
	kill -0 "${SERVER[$1]}" && [ "$(counter "$1" dma-regions)" = 0 ] && remove "$1" &&
		return
	cat "$WORK/$1.log"
	return 1
}

# removed NAME...: check that the back ends run on after their driver has ended; remove the
# devices.
removed()
{
	local name

	for name; do
		check "the back end runs on, and the device is removed ($name)" runs_on "$name"
		server_stop "$name"
		tested "Linux $(driver "$name") $(uml_version)" "$(crate "$name")"
	done
}

# End the other sides that still run.
peers_end()
{
	local pid

	for pid in "${PEER[@]}"; do
		kill "$pid" 2> /dev/null
	done
}
