// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "ctl.h"
#include "define.h"
#include "sysfs.h"

int define_create(const char *uuid)
{
	int ret = sysfs_create(uuid);

	switch (ret) {
	case 0:
		return 0;
	case -EEXIST:
		return ctl_fail(
			EX_CANTCREAT,
			"device %s already exists: see vuserctl show %s", uuid,
			uuid);
	case -EACCES:
	case -EPERM:
		return ctl_fail(
			EX_NOPERM,
			"cannot create a device: permission denied, run vuserctl as root");
	case -ENOENT:
		return ctl_fail(
			EX_UNAVAILABLE,
			"cannot create a device: the kernel module is not loaded, run modprobe vuser");
	default:
		return ctl_fail(exit_status(ret), "cannot create a device: %s",
				strerror(-ret));
	}
}
