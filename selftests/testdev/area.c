// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "area.h"

#define HUGE_PAGE (2ul << 20)
/* MFD_HUGE_2MB, which some C libraries lack: the size as a power of two. */
#define HUGE_PAGE_FLAG (21u << 26)

static const char *const names[] = {
	[AREA_MEMFD] = "memfd",		[AREA_HUGETLB] = "hugetlb",
	[AREA_READ_ONLY] = "read-only", [AREA_SEALED] = "sealed",
	[AREA_FILE] = "file",
};

int area_kind(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

/* Open the same file again, for reading only. */
static int reopen_read_only(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Create the file in /var/tmp: /tmp may be a tmpfs. */
static int open_file(void)
{
	char path[] = "/var/tmp/testdev-bar.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return fd;
}

int area_create(enum area_kind kind, size_t size, uint8_t **map)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd, other, ret;

	if (kind == AREA_HUGETLB) {
		flags |= MFD_HUGETLB | HUGE_PAGE_FLAG;
		size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	}
	fd = kind == AREA_FILE ? open_file() :
				 memfd_create("testdev-bar", flags);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size))
		goto err;
	*map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*map == MAP_FAILED)
		goto err;
	/* Existing mappings stay writable. */
	if (kind == AREA_SEALED && fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
		goto err;
	if (kind != AREA_READ_ONLY)
		return fd;
	other = reopen_read_only(fd);
	if (other < 0)
		goto err;
	close(fd);
	return other;
err:
	ret = -errno;
	close(fd);
	return ret;
}
