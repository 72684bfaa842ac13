#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every allocation of the module fails in turn, alone and with all that come after it.
# At the end, print which of the module's allocations were seen to fail.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

tracing=/sys/kernel/tracing
events="kmalloc kmem_cache_alloc"

# Trace only allocations that fail, with their stacks. The buffer has 16 MiB for each
# processor.
watch_failures()
{
	local event

	echo 16384 > $tracing/buffer_size_kb &&
		echo 1 > $tracing/options/stacktrace &&
		echo 1 > $tracing/options/sym-offset || return
	for event in $events; do
		echo "ptr == 0" > "$tracing/events/kmem/$event/filter" &&
			echo 1 > "$tracing/events/kmem/$event/enable" || return
	done
	echo > $tracing/trace
}

# If an event was lost, an allocation could look as if it had never failed.
nothing_lost()
{
	! grep -h '^overrun: ' $tracing/per_cpu/cpu*/stats | grep -qv ' 0$'
}

unwatch_failures()
{
	local event

	for event in $events; do
		echo 0 > "$tracing/events/kmem/$event/enable"
		echo 0 > "$tracing/events/kmem/$event/filter"
	done
	echo 0 > $tracing/options/stacktrace
}

status=0
watch_failures || {
	echo "# failures cannot be traced in $tracing"
	status=1
}
for prog in inject_test inject_dma_test inject_control_test inject_iommufd_test \
	inject_restart_test; do
	run $prog || status=1
done
nothing_lost || {
	echo "# the trace has lost events: its buffer is too small"
	status=1
}
unwatch_failures
python3 "$(dirname "$0")/../alloc-sites" "$BUILD/module/kmod/vuser.ko" \
	< $tracing/trace || status=1
# The trace is formatted when it is read, so the options change after that.
echo 0 > $tracing/options/sym-offset
echo > $tracing/trace
exit $status
