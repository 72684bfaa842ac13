// SPDX-License-Identifier: GPL-2.0
/* Privileges of this process. */
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "caps.h"

/* Attach servers; socket buffers of any size; connect to sockets of any user. */
#define NEEDED                                           \
	(1ULL << CAP_SYS_ADMIN | 1ULL << CAP_NET_ADMIN | \
	 1ULL << CAP_DAC_OVERRIDE)

/* Of the capabilities that this process has, keep those in @mask. */
static int keep(uint64_t mask)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int i;

	if (syscall(SYS_capget, &hdr, data))
		return -errno;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(mask >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &hdr, data) ? -errno : 0;
}

/* Without CAP_SETPCAP the bounding set stays: no new privileges are possible anyway. */
static void bound(uint64_t mask)
{
	unsigned long cap;

	for (cap = 0; cap < 64; cap++)
		if (!(mask & 1ULL << cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

int caps_drop_unneeded(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	bound(NEEDED);
	return keep(NEEDED);
}

int caps_drop_all(void)
{
	return keep(0);
}
