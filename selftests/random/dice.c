// SPDX-License-Identifier: GPL-2.0
#include <time.h>

#include "random.h"

const char *const did_names[NR_DID] = {
	[DID_OPEN] = "devices opened",
	[DID_IOCTL] = "ioctls",
	[DID_IRQS] = "SET_IRQS",
	[DID_ACCESS] = "preads and pwrites",
	[DID_MMAP] = "mmaps",
	[DID_LOAD] = "loads",
	[DID_STORE] = "stores",
	[DID_FAULT] = "faults of loads and stores",
	[DID_DMA_MAP] = "DMA maps",
	[DID_DMA_HUGE] = "DMA maps of huge pages",
	[DID_DMA_USERFAULT] = "DMA maps of userfaultfd memory",
	[DID_DMA_FUSE] = "DMA maps of FUSE memory",
	[DID_DMA_UNMAP] = "DMA unmaps",
	[DID_CONTAINER] = "ioctls of containers and groups",
	[DID_IOMMUFD] = "iommufd calls",
	[DID_FORK] = "forks",
	[DID_KILL] = "consumers killed",
	[DID_COMMAND] = "commands to servers",
	[DID_RESTART] = "servers killed",
	[DID_REMOVE] = "devices removed",
	[DID_SETTING] = "attributes written",
	[DID_HELPER] = "helpers killed or stopped",
	[DID_NETLINK] = "netlink calls by a second caller",
};

void dice_seed(struct dice *dice, uint64_t seed, uint64_t stream)
{
	dice->state =
		seed * 0x9e3779b97f4a7c15 + stream * 0xbf58476d1ce4e5b9 + 1;
	roll(dice);
	roll(dice);
}

/* xorshift64* */
uint64_t roll(struct dice *dice)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return dice->state * 0x2545f4914f6cdd1d;
}

uint32_t pick(struct dice *dice, uint32_t n)
{
	return (roll(dice) >> 32) % n;
}

uint64_t odd_number(struct dice *dice)
{
	static const uint64_t limits[] = {
		0,	    0x7fffffff, 0x80000000, UINT32_MAX, 1ULL << 32,
		1ULL << 40, INT64_MAX,	1ULL << 63, UINT64_MAX,
	};

	switch (pick(dice, 4)) {
	case 0:
		return limits[pick(dice, sizeof(limits) / sizeof(limits[0]))] -
		       pick(dice, 3);
	case 1:
		return roll(dice) >> pick(dice, 64);
	default:
		return pick(dice, 64);
	}
}

/*
 * On a slow machine, disturbances must be rarer, too; otherwise the consumers
 * get nothing done.
 */
void doze(struct dice *dice, unsigned int ms)
{
	const unsigned int some = pick(dice, ms * SLOWNESS);
	const struct timespec ts = {
		.tv_sec = some / 1000,
		.tv_nsec = some % 1000 * 1000000L,
	};

	nanosleep(&ts, NULL);
}
