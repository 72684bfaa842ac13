# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash

# driver NAME: print the name of the driver of Linux for the device of vhost-device-NAME.
driver()
{
	case $1 in
	vsock) echo vmw_vsock_virtio_transport ;;
	i2c) echo i2c_virtio ;;
	*) echo "virtio_$1" ;;
	esac
}
