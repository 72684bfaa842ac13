// SPDX-License-Identifier: GPL-2.0
/*
 * The device's ioctls other than SET_IRQS, with valid and invalid arguments.
 */
#include <sys/ioctl.h>

#include "lib/consumer.h"

CONSUMER_FIXTURE

TEST_F(consumer, device_info_describes_a_pci_device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_EQ(VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
		  info.flags &
			  (VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET));
	EXPECT_LE(VFIO_PCI_NUM_REGIONS, info.num_regions);
	EXPECT_LE(VFIO_PCI_NUM_IRQS, info.num_irqs);
	EXPECT_EQ(0, info.cap_offset);
}

TEST_F(consumer, device_info_with_small_argsz_is_refused)
{
	struct vfio_device_info info = { .num_irqs = 77 };

	/*
	 * Older versions of the structure ended at num_irqs; they are still
	 * accepted.
	 */
	info.argsz = offsetof(struct vfio_device_info, num_irqs) + 4;
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_NE(77, info.num_irqs);
	info.argsz--;
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	info.argsz = 0;
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_GET_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
}

struct region_case {
	uint32_t index;
	uint64_t size;
	uint32_t flags;
};

#define R VFIO_REGION_INFO_FLAG_READ
#define W VFIO_REGION_INFO_FLAG_WRITE
#define M VFIO_REGION_INFO_FLAG_MMAP

static const struct region_case region_cases[] = {
	{ BAR(0), TESTDEV_BAR0_SIZE, R | W | M },
	{ BAR(1), TESTDEV_BAR1_SIZE, R | W | M },
	{ BAR(2), TESTDEV_BAR2_SIZE, R | W | M },
	{ BAR(3), TESTDEV_BAR3_SIZE, R | W | M },
	{ BAR(4), TESTDEV_BAR4_SIZE, R | W | M },
	{ BAR(5), TESTDEV_BAR5_SIZE, R | W | M },
	{ VFIO_PCI_ROM_REGION_INDEX, TESTDEV_ROM_SIZE, R },
	{ VFIO_PCI_CONFIG_REGION_INDEX, TESTDEV_CONFIG_SIZE, R | W },
};

TEST_F(consumer, region_info_describes_each_region)
{
	struct vfio_region_info info;
	const struct region_case *c;
	unsigned int i;

	for (i = 0; i < sizeof(region_cases) / sizeof(*region_cases); i++) {
		c = &region_cases[i];
		ASSERT_EQ(0, region_info(self->dev.device, c->index, &info));
		EXPECT_EQ(c->size, info.size) TH_LOG("region %u", c->index);
		EXPECT_EQ(c->flags, info.flags & (R | W | M))
		TH_LOG("region %u", c->index);
		EXPECT_EQ(c->index, info.index);
	}
}

TEST_F(consumer, region_offsets_do_not_overlap)
{
	struct vfio_region_info a, b;
	uint32_t i, j;

	for (i = 0; i < VFIO_PCI_VGA_REGION_INDEX; i++) {
		ASSERT_EQ(0, region_info(self->dev.device, i, &a));
		for (j = i + 1; j < VFIO_PCI_VGA_REGION_INDEX; j++) {
			ASSERT_EQ(0, region_info(self->dev.device, j, &b));
			EXPECT_TRUE(a.offset + a.size <= b.offset ||
				    b.offset + b.size <= a.offset)
			TH_LOG("regions %u and %u", i, j);
		}
	}
}

TEST_F(consumer, region_info_with_invalid_arguments_is_refused)
{
	struct vfio_region_info info = { .argsz = sizeof(info) };

	/* vfio-pci refuses this index, too, if the device has no VGA region. */
	info.index = VFIO_PCI_VGA_REGION_INDEX;
	EXPECT_EQ(-1,
		  ioctl(self->dev.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	info.index = 1000;
	EXPECT_EQ(-1,
		  ioctl(self->dev.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	info.index = ~0U;
	EXPECT_EQ(-1,
		  ioctl(self->dev.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	info.index = 0;
	info.argsz = sizeof(info) - 1;
	EXPECT_EQ(-1,
		  ioctl(self->dev.device, VFIO_DEVICE_GET_REGION_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1,
		  ioctl(self->dev.device, VFIO_DEVICE_GET_REGION_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
}

static const struct vfio_info_cap_header *
region_cap(struct vfio_region_info *info, uint16_t id)
{
	struct vfio_info_cap_header *cap;
	uint32_t off;

	if (!(info->flags & VFIO_REGION_INFO_FLAG_CAPS))
		return NULL;
	for (off = info->cap_offset; off; off = cap->next) {
		cap = (void *)((char *)info + off);
		if (cap->id == id)
			return cap;
	}
	return NULL;
}

/*
 * The policy "sparse" offers only the shared areas for mmap. argsz reports how
 * much room the chain needs, and a buffer of that size receives it.
 */
TEST(sparse_policy_lists_shared_areas)
{
	const struct vfio_region_info_cap_sparse_mmap *sparse;
	struct vfio_region_info info;
	union {
		struct vfio_region_info info;
		char room[512];
	} buf = {};
	struct vfio_dev dev;

	ASSERT_EQ(0, mdev_set(shared.uuid, "mmap", "sparse"));
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));

	ASSERT_EQ(0, region_info(dev.device, BAR(2), &info));
	EXPECT_EQ(R | W | M | VFIO_REGION_INFO_FLAG_CAPS, info.flags);
	EXPECT_LT(sizeof(info), info.argsz);
	EXPECT_EQ(0, info.cap_offset);
	ASSERT_GE(sizeof(buf), info.argsz);

	buf.info.argsz = info.argsz;
	buf.info.index = BAR(2);
	ASSERT_EQ(0, ioctl(dev.device, VFIO_DEVICE_GET_REGION_INFO, &buf.info));
	sparse =
		(void *)region_cap(&buf.info, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
	ASSERT_NE(NULL, sparse);
	ASSERT_EQ(2, sparse->nr_areas);
	EXPECT_EQ(TESTDEV_AREA0_OFFSET, sparse->areas[0].offset);
	EXPECT_EQ(TESTDEV_AREA0_SIZE, sparse->areas[0].size);
	EXPECT_EQ(TESTDEV_AREA1_OFFSET, sparse->areas[1].offset);
	EXPECT_EQ(TESTDEV_AREA1_SIZE, sparse->areas[1].size);

	/* A region without a shared area cannot be mapped with this policy. */
	ASSERT_EQ(0, region_info(dev.device, BAR(0), &info));
	EXPECT_EQ(R | W, info.flags & (R | W | M));
	EXPECT_EQ(MAP_FAILED,
		  region_mmap(dev.device, BAR(0), 0, 0x1000, PROT_READ));
	EXPECT_EQ(MAP_FAILED,
		  region_mmap(dev.device, BAR(2), 0, 0x1000, PROT_READ));
	vfio_dev_close(&dev);
	ASSERT_EQ(0, mdev_set(shared.uuid, "mmap", "auto"));
}

TEST_F(consumer, default_policy_lists_no_areas)
{
	union {
		struct vfio_region_info info;
		char room[512];
	} buf = {};

	buf.info.argsz = sizeof(buf);
	buf.info.index = BAR(2);
	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_GET_REGION_INFO,
			   &buf.info));
	EXPECT_EQ(NULL,
		  region_cap(&buf.info, VFIO_REGION_INFO_CAP_SPARSE_MMAP));
}

/* A region that is not defined by PCI describes its type. */
TEST_F(consumer, region_beyond_pci_reports_its_type)
{
	const struct vfio_region_info_cap_type *type;
	union {
		struct vfio_region_info info;
		char room[512];
	} buf = {};
	uint32_t value = 0x600d;

	buf.info.argsz = sizeof(buf);
	buf.info.index = TESTDEV_TYPED;
	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_GET_REGION_INFO,
			   &buf.info));
	EXPECT_EQ(TESTDEV_TYPED_SIZE, buf.info.size);
	EXPECT_EQ(R | W, buf.info.flags & (R | W | M));
	type = (void *)region_cap(&buf.info, VFIO_REGION_INFO_CAP_TYPE);
	ASSERT_NE(NULL, type);
	EXPECT_EQ(1, type->header.version);
	EXPECT_EQ(TESTDEV_TYPED_TYPE, type->type);
	EXPECT_EQ(TESTDEV_TYPED_SUBTYPE, type->subtype);
	/* A region that PCI defines reports no type. */
	buf.info.argsz = sizeof(buf);
	buf.info.index = BAR(2);
	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_GET_REGION_INFO,
			   &buf.info));
	EXPECT_EQ(NULL, region_cap(&buf.info, VFIO_REGION_INFO_CAP_TYPE));

	EXPECT_EQ(0,
		  region_put(self->dev.device, TESTDEV_TYPED, 0x10, &value, 4));
	/* The store is posted, the load is not. */
	EXPECT_EQ(0,
		  region_get(self->dev.device, TESTDEV_TYPED, 0x10, &value, 4));
	EXPECT_EQ(0x600d, value);
	EXPECT_EQ(0x600d,
		  testdev_num(&shared, "peek %d 0x10 4", TESTDEV_TYPED));
}

/* vfio-pci always lets consumers map the MSI-X table. */
TEST_F(consumer, only_the_region_of_the_msix_table_is_msix_mappable)
{
	const struct vfio_info_cap_header *cap;
	union {
		struct vfio_region_info info;
		char room[512];
	} buf = {};
	uint32_t i;

	for (i = 0; i <= TESTDEV_TYPED; i++) {
		if (i == VFIO_PCI_VGA_REGION_INDEX)
			continue;
		buf.info.argsz = sizeof(buf);
		buf.info.index = i;
		ASSERT_EQ(0, ioctl(self->dev.device,
				   VFIO_DEVICE_GET_REGION_INFO, &buf.info));
		cap = region_cap(&buf.info, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
		EXPECT_EQ(i == BAR(1), !!cap) TH_LOG("region %u", i);
		if (!cap)
			continue;
		EXPECT_EQ(1, cap->version);
		EXPECT_EQ(0, cap->next);
		EXPECT_EQ(R | W | M | VFIO_REGION_INFO_FLAG_CAPS,
			  buf.info.flags);
	}
}

struct irq_case {
	uint32_t index;
	uint32_t count;
	uint32_t flags;
};

static const struct irq_case irq_cases[] = {
	{ VFIO_PCI_INTX_IRQ_INDEX, 1,
	  VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
		  VFIO_IRQ_INFO_AUTOMASKED },
	{ VFIO_PCI_MSI_IRQ_INDEX, TESTDEV_NR_MSI,
	  VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE },
	{ VFIO_PCI_MSIX_IRQ_INDEX, TESTDEV_NR_MSIX,
	  VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE },
	{ VFIO_PCI_ERR_IRQ_INDEX, 1,
	  VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE },
	{ VFIO_PCI_REQ_IRQ_INDEX, 1,
	  VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE },
};

/* The server does not report NORESIZE for MSI; vfio-pci always does. */
TEST_F(consumer, irq_info_describes_each_index)
{
	struct vfio_irq_info info;
	const struct irq_case *c;
	unsigned int i;

	for (i = 0; i < sizeof(irq_cases) / sizeof(*irq_cases); i++) {
		c = &irq_cases[i];
		ASSERT_EQ(0, irq_info(self->dev.device, c->index, &info));
		EXPECT_EQ(c->count, info.count) TH_LOG("irq %u", c->index);
		EXPECT_EQ(c->flags, info.flags)
		TH_LOG("irq %u", c->index);
	}
}

TEST_F(consumer, irq_info_with_invalid_arguments_is_refused)
{
	struct vfio_irq_info info = { .argsz = sizeof(info) };

	info.index = 1000;
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_GET_IRQ_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	info.index = 0;
	info.argsz = sizeof(info) - 1;
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_GET_IRQ_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_GET_IRQ_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
}

/*
 * RESET reaches the server.  Afterwards, configuration space has its old
 * values, as after vfio-pci's reset, although the server resets them.
 */
TEST_F(consumer, reset_keeps_configuration_space)
{
	int device = self->dev.device;
	uint32_t bar = 0xfebc0000, bar_before = 0, seen = 0;
	uint16_t command = 0x0006, seen16 = 0;
	uint8_t line = 11, seen8 = 0;
	long long before;

	ASSERT_EQ(0, region_put(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x10,
				&bar, 4));
	ASSERT_EQ(0, region_get(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x10,
				&bar_before, 4));
	ASSERT_EQ(0, region_put(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x04,
				&command, 2));
	ASSERT_EQ(0, region_put(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x3c,
				&line, 1));
	before = testdev_num(&shared, "count reset");
	ASSERT_EQ(0, ioctl(device, VFIO_DEVICE_RESET));
	EXPECT_EQ(before + 1, testdev_num(&shared, "count reset"));
	ASSERT_EQ(0, region_get(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x04,
				&seen16, 2));
	EXPECT_EQ(command, seen16);
	ASSERT_EQ(0, region_get(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x10,
				&seen, 4));
	EXPECT_EQ(bar_before, seen);
	ASSERT_EQ(0, region_get(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x3c,
				&seen8, 1));
	EXPECT_EQ(line, seen8);
}

TEST_F(consumer, reset_refused_by_the_server_fails)
{
	ASSERT_EQ(0, testdev_cmd(&shared, "fail reset %d 1", EPERM));
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	/* 512 is ERESTARTSYS, which must not reach user space. */
	ASSERT_EQ(0, testdev_cmd(&shared, "fail reset %d 1", 512));
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
}

static int hot_reset_info(int device, uint32_t argsz)
{
	struct vfio_pci_hot_reset_info info = { .argsz = argsz };

	return ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info) ?
		       -errno :
		       0;
}

static int hot_reset(int device, uint32_t argsz, uint32_t flags, uint32_t count)
{
	struct vfio_pci_hot_reset reset = {
		.argsz = argsz,
		.flags = flags,
		.count = count,
	};

	return ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &reset) ? -errno : 0;
}

/* vfio-pci answers so for a device on the root bus. */
TEST_F(consumer, device_has_no_hot_reset)
{
	const uint32_t size = sizeof(struct vfio_pci_hot_reset);
	int device = self->dev.device;

	EXPECT_EQ(-ENODEV, hot_reset_info(device, size));
	EXPECT_EQ(-EINVAL, hot_reset_info(device, size - 1));
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-ENODEV, hot_reset(device, size, 0, 1));
	EXPECT_EQ(-EINVAL, hot_reset(device, size - 1, 0, 1));
	EXPECT_EQ(-EINVAL, hot_reset(device, size, 1, 1));
	EXPECT_EQ(-EINVAL, hot_reset(device, size, 0, 0));
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, NULL));
	EXPECT_EQ(EFAULT, errno);
}

/* DPDK takes only EINVAL as "the device cannot be reset". */
TEST(reset_without_support_returns_einval)
{
	static const char *const args[] = { "--no-reset", NULL };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_dev dev;
	struct testdev td;

	ASSERT_EQ(0, testdev_start(&td, args));
	EXPECT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, ioctl(dev.device, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_EQ(0, info.flags & VFIO_DEVICE_FLAGS_RESET);
	EXPECT_EQ(-1, ioctl(dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(EINVAL, errno);
	vfio_dev_close(&dev);
	EXPECT_EQ(0, testdev_num(&td, "count reset"));
	testdev_stop(&td);
}

TEST_F(consumer, unsupported_features_are_refused)
{
	struct {
		struct vfio_device_feature hdr;
		char room[64];
	} feature = { .hdr.argsz = sizeof(feature) };
	int device = self->dev.device;

	/* The server lacks these features, and probing reports that. */
	feature.hdr.flags = VFIO_DEVICE_FEATURE_PROBE |
			    VFIO_DEVICE_FEATURE_GET |
			    VFIO_DEVICE_FEATURE_MIGRATION;
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_FEATURE, &feature));
	EXPECT_EQ(ENOTTY, errno);
	feature.hdr.flags = VFIO_DEVICE_FEATURE_GET | 0xfff;
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_FEATURE, &feature));
	EXPECT_EQ(ENOTTY, errno);

	/* A small argsz, GET and SET without PROBE, and an unknown flag. */
	feature.hdr.argsz = sizeof(feature.hdr) - 1;
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_FEATURE, &feature));
	EXPECT_EQ(EINVAL, errno);
	feature.hdr.argsz = sizeof(feature);
	feature.hdr.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_FEATURE, &feature));
	EXPECT_EQ(EINVAL, errno);
	feature.hdr.flags = 0x80000000;
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_FEATURE, &feature));
	EXPECT_EQ(EINVAL, errno);
}

struct feature {
	struct vfio_device_feature hdr;
	uint8_t data[2 * TESTDEV_FEATURE_SIZE];
};

/* One ioctl with @len bytes of data; 0 or -errno. */
static int feature_do(int device, struct feature *feature, uint32_t how,
		      size_t len)
{
	feature->hdr.argsz = sizeof(feature->hdr) + len;
	feature->hdr.flags = how | TESTDEV_FEATURE;
	return ioctl(device, VFIO_DEVICE_FEATURE, feature) ? -errno : 0;
}

#define FEATURE_GET   VFIO_DEVICE_FEATURE_GET
#define FEATURE_SET   VFIO_DEVICE_FEATURE_SET
#define FEATURE_PROBE VFIO_DEVICE_FEATURE_PROBE

/*
 * The server gets the data that the consumer sets for a feature, and the
 * consumer gets the server's data.
 */
TEST_F(consumer, feature_of_the_server_is_passed_through)
{
	const size_t size = TESTDEV_FEATURE_SIZE;
	struct feature feature = {};
	int device = self->dev.device;
	unsigned int i;

	EXPECT_EQ(0,
		  feature_do(device, &feature, FEATURE_PROBE | FEATURE_GET, 0));
	EXPECT_EQ(0,
		  feature_do(device, &feature, FEATURE_PROBE | FEATURE_SET, 0));
	EXPECT_EQ(0, feature_do(device, &feature,
				FEATURE_PROBE | FEATURE_GET | FEATURE_SET, 0));

	for (i = 0; i < size; i++)
		feature.data[i] = 0xc0 + i;
	ASSERT_EQ(0, feature_do(device, &feature, FEATURE_SET, size));
	for (i = 0; i < size; i++) {
		EXPECT_EQ(0xc0 + i, testdev_num(&shared, "peek %d %u 1",
						TESTDEV_TYPED, i));
	}

	for (i = 0; i < size; i++) {
		ASSERT_EQ(0, testdev_cmd(&shared, "poke %d %u 1 %u",
					 TESTDEV_TYPED, i, 0x41 + i));
	}
	/* The buffer is larger than the data. */
	memset(feature.data, 0xee, sizeof(feature.data));
	ASSERT_EQ(0, feature_do(device, &feature, FEATURE_GET,
				sizeof(feature.data)));
	for (i = 0; i < sizeof(feature.data); i++) {
		EXPECT_EQ(i < size ? 0x41 + i : 0xee, feature.data[i]);
	}

	/* The server refuses buffers that are too small. */
	EXPECT_EQ(-EINVAL, feature_do(device, &feature, FEATURE_GET, size - 1));
	EXPECT_EQ(-EINVAL, feature_do(device, &feature, FEATURE_SET, size - 1));
	EXPECT_EQ(0x41, testdev_num(&shared, "peek %d 0 1", TESTDEV_TYPED));
}

TEST_F(consumer, unknown_ioctls_are_refused)
{
	char buf[256] = {};

	EXPECT_EQ(-1, ioctl(self->dev.device, _IO(VFIO_TYPE, 0xff), buf));
	EXPECT_EQ(ENOTTY, errno);
	/* An ioctl of vfio-pci that an mdev does not support. */
	EXPECT_EQ(-1, ioctl(self->dev.device, VFIO_DEVICE_IOEVENTFD, buf));
	EXPECT_EQ(ENOTTY, errno);
}

SHARED_MAIN(NULL)
