// SPDX-License-Identifier: GPL-2.0
/*
 * Wait until an attribute of a vuser device reads a value.
 *
 * usage: mdev_wait UUID ATTRIBUTE VALUE SECONDS
 *
 * Exits 0 when it does; when the time is up, prints what it reads instead and
 * exits 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/sysfs.h"

int main(int argc, char **argv)
{
	char seen[256] = "";
	int ret;

	if (argc != 5) {
		fprintf(stderr, "usage: mdev_wait UUID ATTRIBUTE VALUE SECONDS\n");
		return 2;
	}

	ret = mdev_wait(argv[1], argv[2], argv[3], 1000 * atoi(argv[4]));
	if (!ret)
		return 0;

	mdev_get(argv[1], argv[2], seen, sizeof(seen));
	fprintf(stderr, "mdev_wait: %s of %s is '%s', not '%s': %s\n", argv[2],
		argv[1], seen, argv[3], strerror(-ret));
	return 1;
}
