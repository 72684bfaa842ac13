// SPDX-License-Identifier: GPL-2.0
/* The spec's names of its numbers. */
#include <errno.h>
#include <string.h>

#include "vnl.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const state_names[] = {
	[VUSER_STATE_CREATED] = "created",
	[VUSER_STATE_ATTACHED] = "attached",
	[VUSER_STATE_OPEN] = "open",
	[VUSER_STATE_LOST] = "lost",
};

static const char *const mmap_names[] = {
	[VUSER_MMAP_POLICY_AUTO] = "auto",
	[VUSER_MMAP_POLICY_TRAP] = "trap",
	[VUSER_MMAP_POLICY_SPARSE] = "sparse",
};

static const char *const reset_names[] = {
	[VUSER_RESET_POLICY_AUTO] = "auto",
	[VUSER_RESET_POLICY_NEVER] = "never",
};

static const char *const dma_backing_names[] = {
	[VUSER_DMA_BACKING_AUTO] = "auto",
	[VUSER_DMA_BACKING_MEMORY] = "memory",
};

static const char *const counter_names[] = {
	[VUSER_A_COUNTERS_REGION_READ] = "region-read",
	[VUSER_A_COUNTERS_REGION_WRITE] = "region-write",
	[VUSER_A_COUNTERS_POSTED_WRITE] = "posted-write",
	[VUSER_A_COUNTERS_POSTED_ERROR] = "posted-error",
	[VUSER_A_COUNTERS_TRAP_LOAD] = "trap-load",
	[VUSER_A_COUNTERS_TRAP_STORE] = "trap-store",
	[VUSER_A_COUNTERS_TRAP_REFUSED] = "trap-refused",
	[VUSER_A_COUNTERS_IOEVENTFD] = "ioeventfd",
	[VUSER_A_COUNTERS_DMA_READ] = "dma-read",
	[VUSER_A_COUNTERS_DMA_WRITE] = "dma-write",
	[VUSER_A_COUNTERS_DMA_MAP] = "dma-map",
	[VUSER_A_COUNTERS_DMA_UNMAP] = "dma-unmap",
	[VUSER_A_COUNTERS_SET_IRQS] = "set-irqs",
	[VUSER_A_COUNTERS_RESET] = "reset",
	[VUSER_A_COUNTERS_UNSENT] = "unsent",
};

static const char *name_of(const char *const *names, size_t n, uint32_t nr)
{
	return nr < n && names[nr] ? names[nr] : "?";
}

static int number_of(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (names[i] && !strcmp(names[i], name))
			return i;
	return -EINVAL;
}

const char *vnl_state_name(uint32_t state)
{
	return name_of(state_names, ARRAY_SIZE(state_names), state);
}

const char *vnl_mmap_name(uint32_t mmap)
{
	return name_of(mmap_names, ARRAY_SIZE(mmap_names), mmap);
}

const char *vnl_reset_name(uint32_t reset)
{
	return name_of(reset_names, ARRAY_SIZE(reset_names), reset);
}

const char *vnl_dma_backing_name(uint32_t backing)
{
	return name_of(dma_backing_names, ARRAY_SIZE(dma_backing_names),
		       backing);
}

/* @counter: index into struct vnl_dev's counters */
const char *vnl_counter_name(unsigned int counter)
{
	return name_of(counter_names, ARRAY_SIZE(counter_names), counter + 1);
}

int vnl_mmap_number(const char *name)
{
	return number_of(mmap_names, ARRAY_SIZE(mmap_names), name);
}

int vnl_reset_number(const char *name)
{
	return number_of(reset_names, ARRAY_SIZE(reset_names), name);
}

int vnl_dma_backing_number(const char *name)
{
	return number_of(dma_backing_names, ARRAY_SIZE(dma_backing_names),
			 name);
}
