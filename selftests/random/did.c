// SPDX-License-Identifier: GPL-2.0
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
	[DID_STOP] = "servers stopped for a while",
	[DID_REMOVE] = "devices removed",
	[DID_SETTING] = "attributes written",
	[DID_HELPER] = "helpers killed or stopped",
	[DID_NETLINK] = "netlink calls by a second caller",
};
