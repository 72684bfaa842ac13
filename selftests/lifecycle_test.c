// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a device in sysfs: create, attributes, attach, open, remove.
 */
#include <fcntl.h>
#include <kselftest_harness.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "lib/helper.h"
#include "lib/res.h"
#include "lib/testdev.h"
#include "lib/vfio.h"

FIXTURE(mdev)
{
	char uuid[UUID_LEN + 1];
};

FIXTURE_SETUP(mdev)
{
	uuid_new(self->uuid);
	ASSERT_EQ(0, mdev_create(self->uuid));
}

FIXTURE_TEARDOWN(mdev)
{
	if (mdev_exists(self->uuid)) {
		EXPECT_EQ(0, mdev_remove(self->uuid));
	}
	EXPECT_EQ(0, mdev_exists(self->uuid));
}

TEST(mdev_type_is_described)
{
	char buf[256];

	ASSERT_EQ(0, file_read(MDEV_TYPE "/device_api", buf, sizeof(buf)));
	EXPECT_STREQ("vfio-pci", buf);
	ASSERT_EQ(0, file_read(MDEV_TYPE "/available_instances", buf,
			       sizeof(buf)));
	EXPECT_LT(0, atoi(buf));
	ASSERT_EQ(0, file_read(MDEV_TYPE "/name", buf, sizeof(buf)));
	EXPECT_NE('\0', buf[0]);
}

TEST(create_with_an_invalid_uuid_is_refused)
{
	static const char *const bad[] = {
		"\n",
		"x",
		"12345678-1234-1234-1234-12345678901",
		"12345678-1234-1234-1234-12345678901234",
		"g2345678-1234-1234-1234-123456789012",
		"12345678_1234-1234-1234-123456789012",
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(-EINVAL, mdev_create(bad[i]))
		TH_LOG("case %u", i);
	}
}

TEST_F(mdev, create_of_an_existing_uuid_is_refused)
{
	EXPECT_EQ(-EEXIST, mdev_create(self->uuid));
}

TEST_F(mdev, new_device_is_in_state_created)
{
	char buf[64];

	ASSERT_EQ(0, mdev_get(self->uuid, "state", buf, sizeof(buf)));
	EXPECT_STREQ("created", buf);
	ASSERT_EQ(0, mdev_get(self->uuid, "endpoint", buf, sizeof(buf)));
	EXPECT_STREQ("", buf);
	ASSERT_EQ(0, mdev_get(self->uuid, "error", buf, sizeof(buf)));
	EXPECT_STREQ("", buf);
}

TEST_F(mdev, new_device_has_a_vfio_group)
{
	char path[64];
	int group;

	group = mdev_group(self->uuid);
	ASSERT_LE(0, group);
	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	EXPECT_EQ(0, access(path, F_OK));
}

TEST_F(mdev, remove_deletes_device_and_group)
{
	char path[64];
	int group;

	group = mdev_group(self->uuid);
	ASSERT_LE(0, group);
	ASSERT_EQ(0, mdev_remove(self->uuid));
	EXPECT_EQ(0, mdev_exists(self->uuid));
	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	EXPECT_NE(0, access(path, F_OK));
}

TEST_F(mdev, state_and_error_are_read_only)
{
	EXPECT_GT(0, mdev_set(self->uuid, "state", "attached"));
	EXPECT_GT(0, mdev_set(self->uuid, "error", "none"));
}

struct attr_case {
	const char *attr;
	const char *value;
	int ret;
	const char *then; /* the value read afterwards; NULL: unchanged */
};

static const struct attr_case attr_cases[] = {
	{ "request_timeout_ms", "1500", 0, "1500" },
	{ "request_timeout_ms", "1500\n", 0, "1500" },
	{ "request_timeout_ms", "", -EINVAL, NULL },
	{ "request_timeout_ms", "abc", -EINVAL, NULL },
	{ "request_timeout_ms", "-1", -EINVAL, NULL },
	{ "request_timeout_ms", "10x", -EINVAL, NULL },
	{ "request_timeout_ms", "0", -EINVAL, NULL },
	{ "close_timeout_ms", "2500", 0, "2500" },
	{ "close_timeout_ms", "abc", -EINVAL, NULL },
	{ "close_timeout_ms", "0", -EINVAL, NULL },
	{ "mmap", "trap", 0, "trap" },
	{ "mmap", "sparse", 0, "sparse" },
	{ "mmap", "auto", 0, "auto" },
	{ "mmap", "auto\n", 0, "auto" },
	{ "mmap", "Trap", -EINVAL, NULL },
	{ "mmap", "trapp", -EINVAL, NULL },
	{ "mmap", "\n", -EINVAL, NULL },
	{ "max_dma_maps", "8", 0, "8" },
	{ "max_dma_maps", "0", 0, "0" },
	{ "max_dma_maps", "-1", -EINVAL, NULL },
	{ "max_dma_maps", "many", -EINVAL, NULL },
	{ "reset", "never", 0, "never" },
	{ "reset", "auto", 0, "auto" },
	{ "reset", "always", -EINVAL, NULL },
	{ "pci_setup", "never", 0, "never" },
	{ "pci_setup", "auto", 0, "auto" },
	{ "pci_setup", "always", -EINVAL, NULL },
	{ "dma_backing", "memory", 0, "memory" },
	{ "dma_backing", "auto", 0, "auto" },
	{ "dma_backing", "file", 0, "file" },
	{ "dma_backing", "auto", 0, "auto" },
	{ "dma_backing", "files", -EINVAL, NULL },
	{ "dma_holes", "fault", 0, "fault" },
	{ "dma_holes", "scratch", 0, "scratch" },
	{ "dma_holes", "none", -EINVAL, NULL },
	{ "on_loss", "wait", 0, "wait" },
	{ "on_loss", "ones", 0, "ones" },
	{ "on_loss", "fail", 0, "fail" },
	{ "on_loss", "hang", -EINVAL, NULL },
	{ "reconnect_timeout_ms", "0", 0, "0" },
	{ "reconnect_timeout_ms", "500", 0, "500" },
	{ "reconnect_timeout_ms", "-1", -EINVAL, NULL },
	{ "reconnect_timeout_ms", "4000000000", -EINVAL, NULL },
	{ "state_kept", "yes", 0, "yes" },
	{ "state_kept", "no", 0, "no" },
	{ "state_kept", "1", -EINVAL, NULL },
	{ "server_user", "1000", 0, "1000" },
	{ "server_user", "any", 0, "any" },
	{ "server_user", "root", -EINVAL, NULL },
	{ "server_user", "-1", -EINVAL, NULL },
	{ "server_user", "4294967295", -EINVAL, NULL },
	{ "pci_address", "5655:12:1f.7", 0, "5655:12:1f.7" },
	{ "pci_address", "5655:12:20.0", -EINVAL, NULL },
	{ "pci_address", "5655:12:1f.8", -EINVAL, NULL },
	{ "pci_address", "5655:12", -EINVAL, NULL },
	{ "pci_address", "zzzz:00:00.0", -EINVAL, NULL },
	{ "pci_address", "5655:12:1f.7x", -EINVAL, NULL },
};

TEST_F(mdev, attributes_take_valid_values_only)
{
	char before[256], after[256];
	const struct attr_case *c;
	unsigned int i;

	for (i = 0; i < sizeof(attr_cases) / sizeof(attr_cases[0]); i++) {
		c = &attr_cases[i];
		/* A write of 0 bytes never reaches sysfs. */
		if (!c->value[0])
			continue;
		ASSERT_EQ(0,
			  mdev_get(self->uuid, c->attr, before, sizeof(before)))
		TH_LOG("no attribute %s", c->attr);
		EXPECT_EQ(c->ret, mdev_set(self->uuid, c->attr, c->value))
		TH_LOG("%s = '%s'", c->attr, c->value);
		ASSERT_EQ(0,
			  mdev_get(self->uuid, c->attr, after, sizeof(after)));
		EXPECT_STREQ(c->then ? c->then : before, after)
		TH_LOG("%s = '%s'", c->attr, c->value);
	}
}

TEST_F(mdev, pci_address_is_unique)
{
	char other[UUID_LEN + 1], mine[32], theirs[32];

	uuid_new(other);
	ASSERT_EQ(0, mdev_create(other));
	ASSERT_EQ(0, mdev_get(self->uuid, "pci_address", mine, sizeof(mine)));
	ASSERT_EQ(0, mdev_get(other, "pci_address", theirs, sizeof(theirs)));
	EXPECT_NE(0, strcmp(mine, theirs));
	EXPECT_LE(0x5655, strtol(mine, NULL, 16));
	EXPECT_EQ(-EEXIST, mdev_set(other, "pci_address", mine));
	EXPECT_EQ(0, mdev_remove(other));
}

TEST_F(mdev, endpoint_takes_absolute_paths_only)
{
	char path[PATH_MAX + 1], buf[300];

	/* No server listens there: the state does not change. */
	ASSERT_EQ(0, mdev_set(self->uuid, "endpoint", "/run/none.sock\n"));
	ASSERT_EQ(0, mdev_get(self->uuid, "endpoint", buf, sizeof(buf)));
	EXPECT_STREQ("/run/none.sock", buf);
	ASSERT_EQ(0, mdev_get(self->uuid, "state", buf, sizeof(buf)));
	EXPECT_STREQ("created", buf);
	/* The path is too long for any file. */
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	EXPECT_GT(0, mdev_set(self->uuid, "endpoint", path));
	EXPECT_EQ(-EINVAL, mdev_set(self->uuid, "endpoint", "relative"));
	ASSERT_EQ(0, mdev_get(self->uuid, "endpoint", buf, sizeof(buf)));
	EXPECT_STREQ("/run/none.sock", buf);
}

TEST_F(mdev, open_without_a_server_fails_with_a_hint)
{
	struct vfio_dev dev;
	int klog;

	klog = klog_open();
	ASSERT_LE(0, klog);
	EXPECT_EQ(-ENODEV, vfio_dev_open(&dev, self->uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, klog_has(klog, "endpoint"))
	TH_LOG("the log has no hint");
	close(klog);
}

FIXTURE(served)
{
	struct testdev td;
	struct vfio_dev dev;
};

FIXTURE_SETUP(served)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
}

FIXTURE_TEARDOWN(served)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

TEST_F(served, state_follows_open_and_close)
{
	char buf[64];

	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, mdev_get(self->td.uuid, "state", buf, sizeof(buf)));
	EXPECT_STREQ("open", buf);
	vfio_dev_close(&self->dev);
	ASSERT_EQ(0, mdev_get(self->td.uuid, "state", buf, sizeof(buf)));
	EXPECT_STREQ("attached", buf);
}

TEST_F(served, device_can_be_opened_repeatedly)
{
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, vfio_dev_open(&self->dev, self->td.uuid,
					   i & 1 ? VFIO_TYPE1_IOMMU :
						   VFIO_TYPE1v2_IOMMU));
		vfio_dev_close(&self->dev);
	}
}

TEST_F(served, open_and_close_reset_the_device)
{
	long long before;

	before = testdev_num(&self->td, "count reset");
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(before + 1, testdev_num(&self->td, "count reset"));
	vfio_dev_close(&self->dev);
	EXPECT_EQ(before + 2, testdev_num(&self->td, "count reset"));
}

TEST_F(served, reset_policy_never_sends_no_reset)
{
	long long before;

	before = testdev_num(&self->td, "count reset");
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reset", "never"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_NE(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(EINVAL, errno);
	vfio_dev_close(&self->dev);
	EXPECT_EQ(before, testdev_num(&self->td, "count reset"));
}

TEST_F(served, device_can_be_opened_by_pci_address)
{
	char addr[32];
	int fd;

	ASSERT_EQ(0,
		  mdev_get(self->td.uuid, "pci_address", addr, sizeof(addr)));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	fd = group_device(self->dev.group, addr);
	EXPECT_LE(0, fd) TH_LOG("%s: %s", addr, strerror(-fd));
	if (fd >= 0)
		close(fd);
	EXPECT_EQ(-ENODEV, group_device(self->dev.group, "ffff:ff:1f.7"));
	EXPECT_EQ(-ENODEV, group_device(self->dev.group, "x"));
}

TEST_F(served, pci_address_is_fixed_while_open)
{
	char addr[32], buf[32];

	ASSERT_EQ(0,
		  mdev_get(self->td.uuid, "pci_address", addr, sizeof(addr)));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-EBUSY,
		  mdev_set(self->td.uuid, "pci_address", "5655:77:00.0"));
	ASSERT_EQ(0, mdev_get(self->td.uuid, "pci_address", buf, sizeof(buf)));
	EXPECT_STREQ(addr, buf);
}

TEST_F(served, device_stays_open_after_group_and_container)
{
	struct vfio_irq_info info;

	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	close(self->dev.group);
	self->dev.group = -1;
	close(self->dev.container);
	self->dev.container = -1;
	EXPECT_EQ(0,
		  irq_info(self->dev.device, VFIO_PCI_MSIX_IRQ_INDEX, &info));
}

/*
 * Removal while open: the REQ interrupt asks the consumer to close the device.
 * The device works until the consumer closes it, and is removed only then.
 */
TEST_F(served, removal_of_an_open_device_waits_for_the_close)
{
	struct testdev *td = &self->td;
	uint32_t id = 0;
	int efd, status;
	pid_t pid;

	ASSERT_EQ(0, vfio_dev_open(&self->dev, td->uuid, VFIO_TYPE1v2_IOMMU));
	efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, efd);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_REQ_IRQ_INDEX,
				      0, 1, &efd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vfio_dev_close(&self->dev);
		_exit(mdev_remove(td->uuid) ? 1 : 0);
	}
	ASSERT_LT(0, eventfd_wait(efd, SOON_MS));
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	/* The consumer can still use the device. */
	EXPECT_EQ(0, region_get(self->dev.device, VFIO_PCI_BAR0_REGION_INDEX,
				TESTDEV_REG_ID, &id, sizeof(id)));
	EXPECT_EQ(TESTDEV_ID, id);
	vfio_dev_close(&self->dev);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, mdev_exists(td->uuid));
	close(efd);
}

TEST_F(served, opens_and_closes_leave_no_descriptors_in_the_server)
{
	int before, i;

	before = res_fds(self->td.pid);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, vfio_dev_open(&self->dev, self->td.uuid,
					   VFIO_TYPE1v2_IOMMU));
		vfio_dev_close(&self->dev);
	}
	EXPECT_GE(before, res_wait_fds(self->td.pid, before));
}

HELPER_MAIN
