// SPDX-License-Identifier: GPL-2.0
/*
 * The same calls on QEMU's devices behind vfio-pci and behind vuser; see twice/twice.h.
 * The variable TWICE names the devices; SEED repeats the calls at random.
 */
#include <kselftest_harness.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "twice/twice.h"

#define RANDOM_CALLS 500

FIXTURE(twice)
{
	struct pair pair;
	struct score score;
};

FIXTURE_VARIANT(twice)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(twice, edu) {
	.model = "edu",
};

FIXTURE_VARIANT_ADD(twice, e1000e) {
	.model = "e1000e",
};

FIXTURE_VARIANT_ADD(twice, nvme) {
	.model = "nvme",
};

FIXTURE_SETUP(twice)
{
	ASSERT_EQ(0,
		  pair_find(&self->pair, variant->model, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, pair_open(&self->pair));
}

FIXTURE_TEARDOWN(twice)
{
	pair_close(&self->pair);
	printf("# %s: %u calls\n", variant->model, self->score.calls);
	EXPECT_EQ(0, self->score.differences);
}

TEST_F(twice, ioctls_of_the_device_have_the_same_results)
{
	call_table(&self->pair, device_ops, &self->score);
}

TEST_F(twice, set_irqs_has_the_same_results)
{
	static const uint32_t states[] = {
		VFIO_PCI_NUM_IRQS, /* none is enabled */
		VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX,
		VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_REQ_IRQ_INDEX,
	};
	unsigned int i;

	for (i = 0; i < NR(states); i++)
		call_irqs(&self->pair, states[i], &self->score);
}

TEST_F(twice, accesses_to_regions_have_the_same_results)
{
	call_table(&self->pair, access_ops, &self->score);
}

TEST_F(twice, configuration_space_has_the_same_bytes)
{
	const uint64_t bytes = 0x200; /* capabilities are below */
	uint64_t args[MAX_ARGS] = { 0, 1 };
	struct vfio_region_info info;

	ASSERT_EQ(0, region_info(self->pair.side[VUSER].dev.device,
				 VFIO_PCI_CONFIG_REGION_INDEX, &info));
	while (args[0] < info.size) {
		args[1] = args[0] < bytes ? 1 : 4;
		call_both(&self->pair, config_ops, args, &self->score);
		args[0] += args[1];
	}
	call_table(&self->pair, config_ops, &self->score);
}

TEST_F(twice, containers_and_groups_have_the_same_results)
{
	call_table(&self->pair, open_ops, &self->score);
}

TEST_F(twice, calls_at_random_have_the_same_results)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);

	printf("# %s: SEED=%llu\n", variant->model, (unsigned long long)seed);
	call_random(&self->pair, seed, RANDOM_CALLS, &self->score);
}

/* The container does not depend on the model. */
FIXTURE(container)
{
	struct pair pair;
	struct score score;
};

FIXTURE_VARIANT(container)
{
	int type;
};

FIXTURE_VARIANT_ADD(container, type1) {
	.type = VFIO_TYPE1_IOMMU,
};

FIXTURE_VARIANT_ADD(container, type1v2) {
	.type = VFIO_TYPE1v2_IOMMU,
};

FIXTURE_SETUP(container)
{
	ASSERT_EQ(0, pair_find(&self->pair, "edu", variant->type));
	ASSERT_EQ(0, pair_open(&self->pair));
}

FIXTURE_TEARDOWN(container)
{
	pair_close(&self->pair);
	printf("# container: %u calls\n", self->score.calls);
	EXPECT_EQ(0, self->score.differences);
}

TEST_F(container, ioctls_have_the_same_results)
{
	call_table(&self->pair, dma_ops, &self->score);
}

FIXTURE(known) {};

FIXTURE_SETUP(known)
{
}

FIXTURE_TEARDOWN(known)
{
}

/* Runs last.  An entry that no call needs any more is to be removed. */
TEST_F(known, each_difference_shows_up)
{
	EXPECT_EQ(0, known_unseen());
}

int main(int argc, char **argv)
{
	setlinebuf(stdout);
	return known_init() ? 1 : test_harness_run(argc, argv);
}
