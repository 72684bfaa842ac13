// SPDX-License-Identifier: GPL-2.0
/*
 * Random mappings, changes of them, and loads and stores in them.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "random.h"

/* vfio-pci and vuser use this shift for the number of a region. */
#define REGION_SHIFT 40

static __thread sigjmp_buf escape;
static __thread volatile sig_atomic_t touching;

static void on_fault(int signal)
{
	if (!touching)
		_exit(128 + signal);
	siglongjmp(escape, signal);
}

void views_init(void)
{
	struct sigaction action = {
		.sa_handler = on_fault,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static void map(struct dice *dice, struct view *view, int fd)
{
	static const int odd_prots[] = {
		PROT_READ,
		PROT_WRITE,
		PROT_READ | PROT_EXEC,
		PROT_NONE,
	};
	int prot = once_in(dice, 3) ? odd_prots[pick(dice, 4)] :
				      PROT_READ | PROT_WRITE;
	uint64_t region = once_in(dice, 10) ? odd_number(dice) % 64 :
					      pick(dice, 8);
	uint64_t offset = pick(dice, 2) ? 0 : pick(dice, 20) * PAGE;
	size_t size = (1 + pick(dice, pick(dice, 2) ? 2 : 16)) * PAGE;
	int flags = once_in(dice, 10) ? MAP_PRIVATE : MAP_SHARED;

	if (view->mem)
		munmap(view->mem, view->size);
	if (once_in(dice, 20))
		flags |= MAP_POPULATE;
	view->mem = mmap(NULL, size, prot, flags, fd,
			 (off_t)(region << REGION_SHIFT) + offset);
	view->size = size;
	if (view->mem == MAP_FAILED)
		view->mem = NULL;
	else
		did(DID_MMAP);
}

static void change(struct dice *dice, struct view *view)
{
	size_t part = pick(dice, view->size / PAGE) * PAGE;
	char *moved;

	switch (pick(dice, 6)) {
	case 0:
		munmap(view->mem + part, view->size - part);
		view->size = part;
		break;
	case 1:
		mprotect(view->mem + part, view->size - part, pick(dice, 8));
		break;
	case 2:
		moved = mremap(view->mem, view->size, view->size,
			       MREMAP_MAYMOVE |
				       (pick(dice, 2) ? MREMAP_DONTUNMAP : 0));
		if (moved == MAP_FAILED)
			break;
		munmap(view->mem, moved == view->mem ? 0 : view->size);
		view->mem = moved;
		break;
	case 3:
		moved = mremap(view->mem, view->size, view->size + PAGE,
			       MREMAP_MAYMOVE);
		if (moved == MAP_FAILED)
			break;
		view->mem = moved;
		view->size += PAGE;
		break;
	case 4:
		madvise(view->mem, view->size, pick(dice, 26));
		break;
	default:
		msync(view->mem, view->size, MS_SYNC);
	}
	if (!view->size)
		view->mem = NULL;
}

static void load(struct dice *dice, char *at)
{
	char buf[32];

	switch (pick(dice, 7)) {
	case 0:
		(void)*(volatile uint8_t *)at;
		break;
	case 1:
		(void)*(volatile uint16_t *)at;
		break;
	case 2:
		(void)*(volatile uint32_t *)at;
		break;
	case 3:
		(void)*(volatile uint64_t *)at;
		break;
	case 4:
		asm volatile("movdqu %0, %%xmm0" : : "m"(*at) : "xmm0");
		break;
	case 5:
		memcpy(buf, at, sizeof(buf));
		asm volatile("" : : "r"(buf) : "memory");
		break;
	default:
		asm volatile("addl $1, (%0)" : : "r"(at) : "memory", "cc");
	}
	did(DID_LOAD);
}

static void store(struct dice *dice, char *at)
{
	uint64_t val = odd_number(dice);
	uint32_t add = val;

	switch (pick(dice, 7)) {
	case 0:
		*(volatile uint8_t *)at = val;
		break;
	case 1:
		*(volatile uint16_t *)at = val;
		break;
	case 2:
		*(volatile uint32_t *)at = val;
		break;
	case 3:
		*(volatile uint64_t *)at = val;
		break;
	case 4:
		asm volatile("movdqu %%xmm0, %0" : "=m"(*at));
		break;
	case 5:
		asm volatile("lock xaddl %1, %0"
			     : "+m"(*(uint32_t *)at), "+r"(add)
			     :
			     : "cc");
		break;
	default: {
		unsigned long count = pick(dice, 9);

		asm volatile("rep stosl"
			     : "+D"(at), "+c"(count)
			     : "a"(0)
			     : "memory");
	}
	}
	did(DID_STORE);
}

/*
 * Passes the address to a system call, which fails with EFAULT, or succeeds for
 * shared pages.
 */
static void by_system_call(struct dice *dice, char *at)
{
	struct iovec local = { .iov_len = 8 }, remote = { at, 8 };
	char buf[8] = { 0 };

	local.iov_base = buf;
	if (pick(dice, 2))
		process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	else
		process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

/* Loads or stores at @at, which may fault. */
static void touch_at(struct dice *dice, char *at)
{
	if (sigsetjmp(escape, 0)) {
		touching = 0;
		did(DID_FAULT);
		return;
	}
	touching = 1;
	if (pick(dice, 2))
		load(dice, at);
	else
		store(dice, at);
	touching = 0;
}

/* Touches a random place of a mapping, which may be of any kind. */
static void touch(struct dice *dice, struct view *view)
{
	char *at = view->mem + pick(dice, view->size);

	/* Half of the accesses go where registers are; most are aligned. */
	if (pick(dice, 2))
		at = view->mem + pick(dice, 64);
	if (!once_in(dice, 8))
		at = (char *)((uintptr_t)at & ~7UL);
	if (once_in(dice, 16)) {
		by_system_call(dice, at);
		return;
	}
	touch_at(dice, at);
}

void views_step(struct dice *dice, struct views *views, int fd)
{
	struct view *view = &views->view[pick(dice, NR_VIEWS)];
	int i;

	if (!view->mem || once_in(dice, 16))
		map(dice, view, fd);
	else if (once_in(dice, 8))
		change(dice, view);
	for (i = 0; i < 4 && view->mem; i++)
		touch(dice, view);
}

char *views_any(struct dice *dice, struct views *views, size_t *size)
{
	struct view *view = &views->view[pick(dice, NR_VIEWS)];

	*size = view->size;
	return view->mem;
}

void views_clear(struct views *views)
{
	int i;

	for (i = 0; i < NR_VIEWS; i++)
		if (views->view[i].mem)
			munmap(views->view[i].mem, views->view[i].size);
	memset(views, 0, sizeof(*views));
}
