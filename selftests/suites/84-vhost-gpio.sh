#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vhost-device-gpio, a back end that the vuser project did not write, behind vuser-vhost, with
# the lines of the kernel's gpio-sim. Linux's own driver, in User-Mode Linux, uses them. They
# are checked from both sides.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source-path=SCRIPTDIR source=../consumers/vhost-device/common.sh
. "$CONSUMERS/vhost-device/common.sh"

CONFIGFS=/sys/kernel/config
SIM=$CONFIGFS/gpio-sim/vuser

# Make eight lines. The other side reads and changes them in the directory LINES_DIR.
hardware()
{
	modprobe gpio-sim || return
	mountpoint -q $CONFIGFS || mount -t configfs configfs $CONFIGFS || return
	mkdir $SIM $SIM/bank && echo 8 > $SIM/bank/num_lines && echo 1 > $SIM/live || return
	CHIP=$(cat $SIM/bank/chip_name)
	LINES_DIR=/sys/devices/platform/$(cat $SIM/dev_name)/$CHIP
	[ -c "/dev/$CHIP" ] && outside pull "$LINES_DIR" "${GPIO_LINES[@]}"
}

no_hardware()
{
	echo 0 > $SIM/live && rmdir $SIM/bank $SIM && modprobe -r gpio-sim
}

check "the module and the helper start" vuser_up || finish
check "the machine has GPIO lines" hardware || finish
check "the back end starts" back_end gpio -s "$WORK/gpio.back" -l "${CHIP#gpiochip}" || finish
check "the device attaches" create gpio || finish
peer gpio "$LINES_DIR" "$WORK/lines" "${GPIO_LINES[@]}"
drive gpio
check "gpio: the other side has seen the same" peer_done gpio
removed gpio
peers_end
check "the GPIO lines are removed" no_hardware
finish
