#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Vfio-user servers that the vuser project did not write: the gpio examples of several
# versions of the Rust crate vfio_user, driven through /dev/vfio.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

# Static programs for all labs, which are compiled in one of them.
GPIO=${VUSER_GPIO:-$BUILD/../gpio/bin}
VERSIONS="0.1.3 0.1.5 0.1.7"

# test_version VERSION: run all tests with this server
test_version()
{
	local gpio=gpio-$1

	if [ ! -x "$GPIO/$gpio" ]; then
		not_ok "$gpio was built (as $GPIO/$gpio)"
		return
	fi
	check "$gpio attaches" device_up "$gpio" \
		env RUST_BACKTRACE=1 "$GPIO/$gpio" --socket-path || {
		diag < "$WORK/$gpio.log"
		return
	}
	VUSER_UUID=${UUID[$gpio]} timeout 300 "$PROGS/gpio_test" > "$LOG" 2>&1
	retap "$gpio" "$LOG"
	check "$gpio still runs" kill -0 "${SERVER[$gpio]}"
	diag < "$WORK/$gpio.log"
	# Byte 1 of BAR 2 is always 0.
	outlive "$gpio" "2 1 1" env RUST_BACKTRACE=1 "$GPIO/$gpio" --socket-path
	retap "$gpio started again" "$LOG"

	# The server ends after one connection. The device reports that and can be removed.
	server_stop "$gpio"
	check "the device is not attached after $gpio ended" eval \
		"[ \"\$(cat $MDEVS/${UUID[$gpio]}/vuser/state)\" != open ] &&
		'$CONSUMERS/mdev_wait.py' ${UUID[$gpio]} state created $SOON"
	check "the device of $gpio is removed" device_down "$gpio"
	tested "vuser's tests" "gpio of the crate vfio_user $1"
}

check "the module and the helper start" vuser_up || finish
for version in $VERSIONS; do
	test_version "$version"
done
finish
