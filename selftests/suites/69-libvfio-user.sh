#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The samples of libvfio-user that are servers, from QEMU's source package.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

SAMPLES=${VUSER_SAMPLES:-$BUILD/../qemu-server/samples}

# The log of a server, whose last line may not end.
server_log()
{
	{ cat "$WORK/$1.log"; echo; } | diag
}

# sample FIXTURE COMMAND...: create a device for a sample and run its tests.
sample()
{
	local name=$1

	check "$name: the device attaches" device_up "$@" || {
		server_log "$name"
		return
	}
	VUSER_UUID=${UUID[$name]} timeout 300 "$PROGS/sample_test" -f "$name" > "$LOG" 2>&1
	retap "$name:" "$LOG"
	check "$name: the server still runs" kill -0 "${SERVER[$name]}" ||
		server_log "$name"
}

# The sample "null" ends when it reads a line from its standard input.
end_null()
{
	echo >&7
	"$CONSUMERS/mdev_wait.py" "${UUID[null]}" state created $SOON
}

# The sample "gpio" serves one client after the other.
attach_again()
{
	local uuid=${UUID[gpio]}

	echo 1 > "$MDEVS/$uuid/remove" &&
		UUID[gpio]=$(cat /proc/sys/kernel/random/uuid) &&
		echo "${UUID[gpio]}" > $TYPE/create &&
		set_attr gpio endpoint "$WORK/gpio.sock" &&
		"$CONSUMERS/mdev_wait.py" "${UUID[gpio]}" state attached $SOON
}

if [ ! -x "$SAMPLES/server" ]; then
	not_ok "the samples were built (in $SAMPLES)"
	finish
fi
mkfifo "$WORK/enter" && exec 7<> "$WORK/enter"

check "the module and the helper start" vuser_up || finish
# shellcheck disable=SC2016 # the inner shell expands the words
sample null bash -c 'exec "$0" "$1" <&7' "$SAMPLES/null"
check "null: the device is not attached after its server stopped" end_null
check "null: the device is removed" device_down null
sample gpio "$SAMPLES/gpio-pci-idio-16"
check "gpio: another device attaches when the first is removed" attach_again
check "gpio: the device is removed" device_down gpio
sample server "$SAMPLES/server"
check "server: the device is removed" device_down server
tested "vuser's tests" \
	"libvfio-user of QEMU $(version_of qemu-system-x86)"
finish
