# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash

# shellcheck disable=SC2034 # for the scripts that source this file

# The lines of the GPIO chip: ONE, ZERO, HIGH, LOW and EDGE of lines.c.
GPIO_LINES=(3 4 5 6 7)
# How many bytes of sound are recorded.
RECORD=8192

# driver NAME: print the name of the driver of Linux for the device of vhost-device-NAME.
driver()
{
	case $1 in
	vsock) echo vmw_vsock_virtio_transport ;;
	i2c) echo i2c_virtio ;;
	sound) echo virtio_snd ;;
	gpio) echo gpio_virtio ;;
	*) echo "virtio_$1" ;;
	esac
}
