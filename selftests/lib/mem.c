// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"

#define RW (PROT_READ | PROT_WRITE)

static void *map(size_t size, int flags, int fd)
{
	void *mem = mmap(NULL, size, RW, flags, fd, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

void *mem_anon(size_t size)
{
	return map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void *mem_shared(size_t size)
{
	return map(size, MAP_SHARED | MAP_ANONYMOUS, -1);
}

static void *of_memfd(size_t size, int *keep, unsigned int flags)
{
	int fd = memfd_create("selftest",
			      MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	void *mem;

	if (fd < 0)
		return NULL;
	mem = ftruncate(fd, size) ? NULL : map(size, MAP_SHARED, fd);
	if (keep && mem)
		*keep = fd;
	else
		close(fd);
	return mem;
}

void *mem_memfd(size_t size, int *fd)
{
	return of_memfd(size, fd, 0);
}

void *mem_sealed(size_t size)
{
	int fd;
	void *mem = mem_memfd(size, &fd);

	if (!mem)
		return NULL;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE)) {
		munmap(mem, size);
		mem = NULL;
	}
	close(fd);
	return mem;
}

void *mem_hugetlb(size_t size, int *fd)
{
	return of_memfd(size, fd, MFD_HUGETLB | MFD_HUGE_2MB);
}

void *mem_private_file(size_t size)
{
	char path[] = "/tmp/selftest.XXXXXX";
	int fd = mkstemp(path);
	void *mem;

	if (fd < 0)
		return NULL;
	unlink(path);
	mem = ftruncate(fd, size) ? NULL : map(size, MAP_PRIVATE, fd);
	close(fd);
	return mem;
}

void mem_fill(void *mem, size_t size, unsigned int seed)
{
	unsigned char *p = mem;
	size_t i;

	for (i = 0; i < size; i++)
		p[i] = seed + i + (i >> 12) * 31;
}

uint64_t mem_sum(const void *mem, size_t size)
{
	const unsigned char *p = mem;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < size; i++)
		sum += p[i] * (i + 1);
	return sum;
}
