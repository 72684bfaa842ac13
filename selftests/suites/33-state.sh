#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Servers that keep their state in a file are killed under load, and started again. The
# consumer does not notice. VUSER_KILLS kills of each (10).

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/state/disk.sh
. "$CONSUMERS/state/disk.sh"

KILLS=${VUSER_KILLS:-10}

# restarter_up NAME COMMAND...: create a device whose server is killed and started again
# once the device is open. The result is the first line of $WORK/NAME.out.
restarter_up()
{
	local name=$1 fd

	shift
	UUID[$name]=$(cat /proc/sys/kernel/random/uuid)
	echo "${UUID[$name]}" > $TYPE/create || return
	mkfifo "$WORK/$name.in"
	"$CONSUMERS/state/restarter.py" "$KILLS" "$MDEVS/${UUID[$name]}" \
		"$WORK/$name.sock" "$@" < "$WORK/$name.in" \
		> "$WORK/$name.out" 2> "$WORK/$name.log" &
	SERVER[$name]=$!
	exec {fd}> "$WORK/$name.in"
	IN[$name]=$fd
	set_attr "$name" endpoint "$WORK/$name.sock" || return
	set_attr "$name" on_loss wait || return
	set_attr "$name" reconnect_timeout_ms 120000 || return
	set_attr "$name" state_kept yes || return
	"$CONSUMERS/mdev_wait.py" "${UUID[$name]}" state attached $SOON
}

# kills_done NAME LOAD: have the server killed KILLS times, while the process LOAD runs.
kills_done()
{
	echo go >&"${IN[$1]}"
	until grep -q ' kills, ' "$WORK/$1.out"; do
		kill -0 "$2" && kill -0 "${SERVER[$1]}" || {
			cat "$WORK/$1.log"
			return 1
		}
		sleep 0.1
	done
	cat "$WORK/$1.out"
}

restarter_down()
{
	local fd=${IN[$1]}

	exec {fd}>&-
	wait "${SERVER[$1]}"
	unset "SERVER[$1]"
	device_down "$1"
}

# under_kills NAME COMMAND...: run a load while the server is killed, then end the load by
# SIGTERM or, if it is a function, by the file $WORK/end. It must end with status 0.
under_kills()
{
	local name=$1 pid ret=0

	shift
	rm -f "$WORK/end"
	"$@" > "$WORK/load.log" 2>&1 &
	pid=$!
	until grep -q '^ready' "$WORK/load.log" || ! kill -0 $pid; do
		sleep 0.1
	done
	kills_done "$name" $pid || ret=1
	touch "$WORK/end"
	[ "$(type -t "$1")" = function ] || kill $pid
	wait $pid || ret=1
	cat "$WORK/load.log"
	return $ret
}

# Print the numbers of the last check: kills, their times, and what was compared.
say_kills()
{
	grep -E ' kills, | copies, | rounds' "$LOG" | diag
}

declare -A IN
check "the module and the helper start" vuser_up || finish
check "ioat: a device whose server is to be killed attaches" \
	restarter_up ioat vuser-ioat --state "$WORK/ioat.state" || finish
check "ioat: each byte is right after $KILLS kills under load" \
	under_kills ioat "$PROGS/copy_load" "${UUID[ioat]}"
say_kills
check "ioat: the device is removed" restarter_down ioat

check "blk: the storage daemon starts" back_end || finish
check "blk: a device whose server is to be killed attaches" restarter_up blk vuser-vhost \
	--device blk --back-end "$WORK/back0.sock" --socket "$WORK/blk.sock" \
	--state "$WORK/blk.state" || finish
check "blk: each block is right after $KILLS kills under load" \
	under_kills blk disk_load "${UUID[blk]}"
say_kills
check "blk: the device is removed" restarter_down blk
kill "$(cat "$WORK/back.pid")"
finish
