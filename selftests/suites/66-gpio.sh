#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A vfio-user server that the vuser project did not write: the gpio example of the Rust
# crate vfio_user 0.1.5, driven through /dev/vfio.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

# A static program for all labs, which is compiled in one of them.
GPIO=${VUSER_GPIO:-$BUILD/../gpio/bin/gpio}

if [ ! -x "$GPIO" ]; then
	not_ok "the gpio server was built (as $GPIO)"
	finish
fi

check "the module and the helper start" vuser_up || finish
check "the gpio device attaches" device_up gpio \
	env RUST_BACKTRACE=1 "$GPIO" --socket-path || {
	diag < "$WORK/gpio.log"
	finish
}
VUSER_UUID=${UUID[gpio]} timeout 300 "$PROGS/gpio_test" > "$LOG" 2>&1
retap gpio "$LOG"
check "the server still runs" kill -0 "${SERVER[gpio]}"
diag < "$WORK/gpio.log"

# The server ends after one connection. The device reports that and can be removed.
server_stop gpio
check "the device is not attached after its server ended" eval \
	"[ \"\$(cat $MDEVS/${UUID[gpio]}/vuser/state)\" != open ] &&
	'$CONSUMERS/mdev_wait.py' ${UUID[gpio]} state created $SOON"
check "the gpio device is removed" device_down gpio
finish
