// SPDX-License-Identifier: GPL-2.0
/*
 * Memory to map for DMA, of each kind: anonymous pages, huge pages, files, and
 * memory that a userfaultfd thread or a FUSE server fills after a random delay.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/mem.h"
#include "random.h"

#define POOL_PAGES 64
#define HUGE_PAGES 512

static struct {
	char *mem;
	size_t pages;
} pools[NR_MEMORY];
static struct dice uffd_dice;

/* Fills each page that caused a fault, after a delay. */
static void *fill_pages(void *arg)
{
	int fd = (intptr_t)arg;
	struct uffd_msg msg;
	struct uffdio_zeropage zero;

	while (read(fd, &msg, sizeof(msg)) == sizeof(msg)) {
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		doze(&uffd_dice, 20);
		zero = (struct uffdio_zeropage) {
			.range = { msg.arg.pagefault.address & -PAGE, PAGE },
		};
		ioctl(fd, UFFDIO_ZEROPAGE, &zero);
	}
	return NULL;
}

static char *userfault_memory(size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	char *mem = mem_anon(size);
	struct uffdio_register reg = {
		.range = { (uintptr_t)mem, size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(__NR_userfaultfd, O_CLOEXEC);
	pthread_t thread;

	/* Huge pages would be filled without a fault. */
	if (!mem || fd < 0 || madvise(mem, size, MADV_NOHUGEPAGE) ||
	    ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg) ||
	    pthread_create(&thread, NULL, fill_pages, (void *)(intptr_t)fd))
		return NULL;
	return mem;
}

static char *map(int fd, int prot, int flags)
{
	char *mem = mmap(NULL, POOL_PAGES * PAGE, prot, flags, fd, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

static char *fuse_memory(int flags)
{
	int fd = fuse_open(&world->fuse);
	char *mem;

	if (fd < 0)
		return NULL;
	/* Drop pages that an earlier consumer has read. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	mem = map(fd, PROT_READ, flags);
	close(fd);
	return mem;
}

static void add(enum memory kind, char *mem, size_t pages)
{
	pools[kind].mem = mem;
	pools[kind].pages = pages;
}

void memory_init(struct dice *dice)
{
	int fd;

	dice_seed(&uffd_dice, roll(dice), 0);
	add(MEMORY_ANON, mem_anon(POOL_PAGES * PAGE), POOL_PAGES);
	add(MEMORY_FILE, mem_memfd(POOL_PAGES * PAGE, &fd), POOL_PAGES);
	add(MEMORY_READ_ONLY, map(fd, PROT_READ, MAP_SHARED), POOL_PAGES);
	add(MEMORY_HUGE, mem_hugetlb(HUGE_PAGES * PAGE, NULL), HUGE_PAGES);
	add(MEMORY_USERFAULT, userfault_memory(POOL_PAGES * PAGE), POOL_PAGES);
	add(MEMORY_FUSE, fuse_memory(pick(dice, 2) ? MAP_SHARED : MAP_PRIVATE),
	    FUSE_FILE_SIZE / PAGE);
}

char *memory_any(struct dice *dice, size_t size, enum memory *kind)
{
	*kind = pick(dice, NR_MEMORY);
	if (!pools[*kind].mem)
		return NULL;
	return pools[*kind].mem +
	       pick(dice, pools[*kind].pages - size / PAGE) * PAGE;
}

void memory_did(enum memory kind)
{
	static const enum did names[NR_MEMORY] = {
		[MEMORY_HUGE] = DID_DMA_HUGE,
		[MEMORY_USERFAULT] = DID_DMA_USERFAULT,
		[MEMORY_FUSE] = DID_DMA_FUSE,
	};

	did(names[kind] ?: DID_DMA_MAP);
}
