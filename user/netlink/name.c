// SPDX-License-Identifier: GPL-2.0
/*
 * Names of states, settings, counters and commands, as the netlink specification has them.
 *
 * The compiler checks that no name is missing: each switch has a case for every
 * member of its enum, and the table of counters has an entry for every counter
 * attribute, in the order of the attributes.
 */
#include <errno.h>
#include <string.h>

#include "name.h"

#define CHECK_COUNTER(attr, name)                                         \
	_Static_assert(VNL_COUNTER_##attr + 1 == VUSER_A_COUNTERS_##attr, \
		       "VNL_COUNTERS misses a counter before " name);
VNL_COUNTERS(CHECK_COUNTER)

_Static_assert(VNL_NR_COUNTERS + 1 == VUSER_A_COUNTERS_PAD &&
		       VUSER_A_COUNTERS_PAD == VUSER_A_COUNTERS_MAX,
	       "VNL_COUNTERS misses a counter at its end");

static const char *state_name(enum vuser_state state)
{
	switch (state) {
	case VUSER_STATE_CREATED:
		return "created";
	case VUSER_STATE_ATTACHED:
		return "attached";
	case VUSER_STATE_OPEN:
		return "open";
	case VUSER_STATE_LOST:
		return "lost";
	case VUSER_STATE_RESUMING:
		return "resuming";
	case __VUSER_STATE_MAX:
		break;
	}
	return NULL;
}

static const char *mmap_name(enum vuser_mmap_policy mmap)
{
	switch (mmap) {
	case VUSER_MMAP_POLICY_AUTO:
		return "auto";
	case VUSER_MMAP_POLICY_TRAP:
		return "trap";
	case VUSER_MMAP_POLICY_SPARSE:
		return "sparse";
	}
	return NULL;
}

static const char *reset_name(enum vuser_reset_policy reset)
{
	switch (reset) {
	case VUSER_RESET_POLICY_AUTO:
		return "auto";
	case VUSER_RESET_POLICY_NEVER:
		return "never";
	}
	return NULL;
}

static const char *pci_setup_name(enum vuser_pci_setup setup)
{
	switch (setup) {
	case VUSER_PCI_SETUP_AUTO:
		return "auto";
	case VUSER_PCI_SETUP_NEVER:
		return "never";
	}
	return NULL;
}

static const char *dma_backing_name(enum vuser_dma_backing backing)
{
	switch (backing) {
	case VUSER_DMA_BACKING_AUTO:
		return "auto";
	case VUSER_DMA_BACKING_MEMORY:
		return "memory";
	case VUSER_DMA_BACKING_FILE:
		return "file";
	}
	return NULL;
}

static const char *dma_holes_name(enum vuser_dma_holes holes)
{
	switch (holes) {
	case VUSER_DMA_HOLES_SCRATCH:
		return "scratch";
	case VUSER_DMA_HOLES_FAULT:
		return "fault";
	}
	return NULL;
}

static const char *on_loss_name(enum vuser_on_loss on_loss)
{
	switch (on_loss) {
	case VUSER_ON_LOSS_FAIL:
		return "fail";
	case VUSER_ON_LOSS_WAIT:
		return "wait";
	case VUSER_ON_LOSS_ONES:
		return "ones";
	}
	return NULL;
}

static const char *state_kept_name(enum vuser_state_kept kept)
{
	switch (kept) {
	case VUSER_STATE_KEPT_NO:
		return "no";
	case VUSER_STATE_KEPT_YES:
		return "yes";
	}
	return NULL;
}

static const char *replacing_name(enum vuser_replacing replacing)
{
	switch (replacing) {
	case VUSER_REPLACING_NONE:
		return "none";
	case VUSER_REPLACING_PENDING:
		return "pending";
	case VUSER_REPLACING_DONE:
		return "done";
	case VUSER_REPLACING_FAILED:
		return "failed";
	}
	return NULL;
}

/* A newer kernel may send a number that this program does not know. */
static const char *known(const char *name)
{
	return name ? name : "unknown";
}

const char *vnl_name_state(uint32_t state)
{
	return known(state_name(state));
}

const char *vnl_name_mmap(uint32_t mmap)
{
	return known(mmap_name(mmap));
}

const char *vnl_name_reset(uint32_t reset)
{
	return known(reset_name(reset));
}

const char *vnl_name_pci_setup(uint32_t setup)
{
	return known(pci_setup_name(setup));
}

const char *vnl_name_dma_backing(uint32_t backing)
{
	return known(dma_backing_name(backing));
}

const char *vnl_name_dma_holes(uint32_t holes)
{
	return known(dma_holes_name(holes));
}

const char *vnl_name_on_loss(uint32_t on_loss)
{
	return known(on_loss_name(on_loss));
}

const char *vnl_name_state_kept(uint32_t kept)
{
	return known(state_kept_name(kept));
}

const char *vnl_name_replacing(uint32_t replacing)
{
	return known(replacing_name(replacing));
}

const char *vnl_name_counter(enum vnl_counter counter)
{
#define COUNTER_NAME(attr, name) [VNL_COUNTER_##attr] = name,
	static const char *const names[] = { VNL_COUNTERS(COUNTER_NAME) };

	return names[counter];
}

const char *vnl_name_latency(enum vnl_latency latency)
{
#define LATENCY_NAME(command, name) [VNL_LATENCY_##command] = name,
	static const char *const names[] = { VNL_LATENCIES(LATENCY_NAME) };

	return names[latency];
}

int vnl_name_latency_index(uint32_t command)
{
#define LATENCY_COMMAND(command, name) VFIO_USER_##command,
	static const uint32_t commands[] = { VNL_LATENCIES(LATENCY_COMMAND) };
	int i;

	for (i = 0; i < VNL_NR_LATENCIES; i++)
		if (commands[i] == command)
			return i;
	return -1;
}

int vnl_name_parse_mmap(const char *name)
{
	const char *known_name;
	int i;

	for (i = 0; (known_name = mmap_name(i)); i++)
		if (!strcmp(known_name, name))
			return i;
	return -EINVAL;
}

int vnl_name_parse_reset(const char *name)
{
	const char *known_name;
	int i;

	for (i = 0; (known_name = reset_name(i)); i++)
		if (!strcmp(known_name, name))
			return i;
	return -EINVAL;
}

int vnl_name_parse_pci_setup(const char *name)
{
	const char *known_name;
	int i;

	for (i = 0; (known_name = pci_setup_name(i)); i++)
		if (!strcmp(known_name, name))
			return i;
	return -EINVAL;
}

int vnl_name_parse_dma_backing(const char *name)
{
	const char *known_name;
	int i;

	for (i = 0; (known_name = dma_backing_name(i)); i++)
		if (!strcmp(known_name, name))
			return i;
	return -EINVAL;
}

int vnl_name_parse_dma_holes(const char *name)
{
	const char *known_name;
	int i;

	for (i = 0; (known_name = dma_holes_name(i)); i++)
		if (!strcmp(known_name, name))
			return i;
	return -EINVAL;
}

int vnl_name_parse_on_loss(const char *name)
{
	const char *known_name;
	int i;

	for (i = 0; (known_name = on_loss_name(i)); i++)
		if (!strcmp(known_name, name))
			return i;
	return -EINVAL;
}

int vnl_name_parse_state_kept(const char *name)
{
	const char *known_name;
	int i;

	for (i = 0; (known_name = state_kept_name(i)); i++)
		if (!strcmp(known_name, name))
			return i;
	return -EINVAL;
}
