#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: debug
# timeout: 1200
#
# Every allocation of the module fails in turn, alone and with all that come after it.
# At the end it is said which of its places have been seen to fail.

. "$(dirname "$0")/../lib.sh"

tracing=/sys/kernel/tracing
events="kmalloc kmem_cache_alloc"

# Every allocation that fails, with its stack, and no other; 16 MiB a processor.
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

# Nothing of it may be lost, or a place could seem never to have failed.
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
for prog in inject_test inject_dma_test inject_control_test inject_iommufd_test; do
	(run $prog) || status=1
done
nothing_lost || {
	echo "# the trace has lost events: its buffer is too small"
	status=1
}
unwatch_failures
python3 "$(dirname "$0")/../alloc-sites" "$BUILD/module/kmod/vuser.ko" \
	< $tracing/trace || status=1
# What is read is printed as the options are then.
echo 0 > $tracing/options/sym-offset
echo > $tracing/trace
exit $status
