// SPDX-License-Identifier: GPL-2.0
/* In place of test-vhost-storage.c where there is no qemu-storage-daemon. */
#include "../tap.h"

int main(void)
{
	tap_ok(true, "storage # SKIP qemu-storage-daemon is not installed");
	return tap_done();
}
