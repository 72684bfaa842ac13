// SPDX-License-Identifier: GPL-2.0
/*
 * A physical device beside a vuser device: a container has one IOMMU backend,
 * and devices of the other backend are refused, whichever device is first.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/consumer.h"
#include "lib/mem.h"

#define PCI	"/sys/bus/pci"
#define DEVICES PCI "/devices"
#define PAGE	0x1000UL
#define MB	0x100000UL

/* QEMU's edu device, and the value of its first register. */
#define EDU_VENDOR "0x1234"
#define EDU_DEVICE "0x11e8"
#define EDU_ID	   0x010000ed

static char edu[NAME_MAX + 1]; /* the PCI address */

static int edu_path(char path[PATH_MAX], const char *attr)
{
	return snprintf(path, PATH_MAX, DEVICES "/%s/%s", edu, attr);
}

static bool edu_is(const char *attr, const char *want)
{
	char path[PATH_MAX], value[32];

	edu_path(path, attr);
	if (file_read(path, value, sizeof(value)))
		return false;
	value[strcspn(value, "\n")] = '\0';
	return !strcmp(value, want);
}

static bool edu_find(void)
{
	DIR *dir = opendir(DEVICES);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		snprintf(edu, sizeof(edu), "%s", entry->d_name);
		found = edu_is("vendor", EDU_VENDOR) &&
			edu_is("device", EDU_DEVICE);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Binds vfio-pci to the edu device, which has no other driver. */
static int edu_bind(void)
{
	char path[PATH_MAX];
	int ret;

	edu_path(path, "driver_override");
	ret = file_write(path, "vfio-pci");
	edu_path(path, "driver");
	if (!ret && access(path, F_OK))
		ret = file_write(PCI "/drivers_probe", edu);
	return ret;
}

static void edu_unbind(void)
{
	char path[PATH_MAX];

	edu_path(path, "driver_override");
	file_write(path, "\n");
	file_write(PCI "/drivers/vfio-pci/unbind", edu);
}

/* Opens /dev/vfio/N of the edu device; a descriptor or -errno. */
static int edu_group(void)
{
	char path[PATH_MAX], target[PATH_MAX] = "", dev[PATH_MAX];
	int fd;

	edu_path(path, "iommu_group");
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return -errno;
	snprintf(dev, sizeof(dev), "/dev/vfio/%d",
		 atoi(strrchr(target, '/') + 1));
	fd = open(dev, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

FIXTURE(physical)
{
	struct vfio_dev vuser;
	struct vfio_dev edu;
};

FIXTURE_SETUP(physical)
{
	self->vuser = (struct vfio_dev)VFIO_DEV_INIT;
	self->edu = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_TRUE(edu_find());
	ASSERT_EQ(0, edu_bind());
	self->edu.group = edu_group();
	ASSERT_LE(0, self->edu.group);
	self->edu.container = container_open();
	ASSERT_LE(0, self->edu.container);
}

FIXTURE_TEARDOWN(physical)
{
	vfio_dev_close(&self->vuser);
	vfio_dev_close(&self->edu);
	edu_unbind();
}

static void check_edu(struct __test_metadata *_metadata, int device)
{
	uint32_t id = 0;

	EXPECT_EQ(0, region_get(device, BAR(0), 0, &id, 4));
	EXPECT_EQ(EDU_ID, id);
}

static void check_vuser(struct __test_metadata *_metadata, int device)
{
	uint32_t id = 0;

	EXPECT_EQ(0, region_get(device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
}

/* type1 accepts the group of any mdev; vuser's device refuses the open. */
static void check_refused(struct __test_metadata *_metadata, int group)
{
	char state[32];
	int klog = klog_open();

	EXPECT_EQ(-EINVAL, group_device(group, shared.uuid));
	EXPECT_EQ(1, klog_has(klog, "its container has another IOMMU backend"));
	close(klog);
	EXPECT_EQ(0, mdev_get(shared.uuid, "state", state, sizeof(state)));
	EXPECT_STREQ("attached", state);
}

static void check_edu_works(struct __test_metadata *_metadata,
			    FIXTURE_DATA(physical) *self)
{
	char *mem = mem_anon(PAGE);

	ASSERT_NE(NULL, mem);
	self->edu.device = group_device(self->edu.group, edu);
	ASSERT_LE(0, self->edu.device);
	check_edu(_metadata, self->edu.device);
	EXPECT_EQ(0, dma_map(self->edu.container, mem, 0, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->edu.container, 0, PAGE, 0, NULL));
}

TEST_F(physical, vuser_device_in_a_type1_container_is_refused)
{
	ASSERT_EQ(0, group_attach(self->edu.group, self->edu.container));
	ASSERT_EQ(0, ioctl(self->edu.container, VFIO_SET_IOMMU,
			   VFIO_TYPE1v2_IOMMU));
	self->vuser.group = group_open(shared.uuid);
	ASSERT_LE(0, self->vuser.group);
	ASSERT_EQ(0, group_attach(self->vuser.group, self->edu.container));
	check_refused(_metadata, self->vuser.group);
	check_edu_works(_metadata, self);
	/* The device can still be opened in its own container. */
	vfio_dev_close(&self->vuser);
	ASSERT_EQ(0,
		  vfio_dev_open(&self->vuser, shared.uuid, VFIO_TYPE1v2_IOMMU));
	check_vuser(_metadata, self->vuser.device);
}

/*
 * A container without a type gets the backend that accepts all of its groups.
 */
TEST_F(physical, container_with_both_devices_gets_type1)
{
	self->vuser.group = group_open(shared.uuid);
	ASSERT_LE(0, self->vuser.group);
	ASSERT_EQ(0, group_attach(self->vuser.group, self->edu.container));
	ASSERT_EQ(0, group_attach(self->edu.group, self->edu.container));
	ASSERT_EQ(0, ioctl(self->edu.container, VFIO_SET_IOMMU,
			   VFIO_TYPE1v2_IOMMU));
	check_refused(_metadata, self->vuser.group);
	check_edu_works(_metadata, self);
}

TEST_F(physical, physical_device_in_a_vuser_container_is_refused)
{
	ASSERT_EQ(0,
		  vfio_dev_open(&self->vuser, shared.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-ENODEV,
		  group_attach(self->edu.group, self->vuser.container));
	EXPECT_EQ(-EINVAL, group_device(self->edu.group, edu));
	check_vuser(_metadata, self->vuser.device);
	/* The device can still be used in its own container. */
	ASSERT_EQ(0, group_attach(self->edu.group, self->edu.container));
	ASSERT_EQ(0, ioctl(self->edu.container, VFIO_SET_IOMMU,
			   VFIO_TYPE1v2_IOMMU));
	check_edu_works(_metadata, self);
}

/* Both devices use the same memory, each with its own backend. */
TEST_F(physical, both_devices_can_use_the_same_memory)
{
	char *mem = mem_anon(2 * PAGE);
	long locked = res_locked();

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0,
		  vfio_dev_open(&self->vuser, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, group_attach(self->edu.group, self->edu.container));
	ASSERT_EQ(0, ioctl(self->edu.container, VFIO_SET_IOMMU,
			   VFIO_TYPE1v2_IOMMU));
	check_edu_works(_metadata, self);
	EXPECT_EQ(0, dma_map(self->edu.container, mem, 0, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_map(self->vuser.container, mem, 0, 2 * PAGE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->edu.container, 0, PAGE, 0, NULL));
	strcpy(mem, "word");
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0 4"));
	EXPECT_STREQ("776f7264", testdev_reply());
	EXPECT_EQ(0, dma_unmap(self->vuser.container, 0, 2 * PAGE, 0, NULL));
	EXPECT_EQ(locked, res_locked());
}

/*
 * Registers of the physical device are mapped for DMA of the vuser device: the
 * server accesses them only by message.
 */
FIXTURE(registers)
{
	struct vfio_dev vuser;
	struct vfio_dev edu;
	volatile uint32_t *bar; /* the first page, or MAP_FAILED */
	long locked;
};

FIXTURE_SETUP(registers)
{
	self->vuser = (struct vfio_dev)VFIO_DEV_INIT;
	self->edu = (struct vfio_dev)VFIO_DEV_INIT;
	self->bar = MAP_FAILED;
	ASSERT_TRUE(edu_find());
	ASSERT_EQ(0, edu_bind());
	self->edu.group = edu_group();
	ASSERT_LE(0, self->edu.group);
	self->edu.container = container_open();
	ASSERT_LE(0, self->edu.container);
	ASSERT_EQ(0, group_attach(self->edu.group, self->edu.container));
	ASSERT_EQ(0, ioctl(self->edu.container, VFIO_SET_IOMMU,
			   VFIO_TYPE1v2_IOMMU));
	self->edu.device = group_device(self->edu.group, edu);
	ASSERT_LE(0, self->edu.device);
	ASSERT_EQ(0,
		  vfio_dev_open(&self->vuser, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	self->locked = res_locked();
}

FIXTURE_TEARDOWN(registers)
{
	/* The device cannot be unbound while it is mapped. */
	munmap((void *)self->bar, PAGE);
	vfio_dev_close(&self->vuser);
	vfio_dev_close(&self->edu);
	edu_unbind();
}

static bool edu_map(FIXTURE_DATA(registers) *self, int prot)
{
	self->bar = region_mmap(self->edu.device, BAR(0), 0, PAGE, prot);
	return self->bar != MAP_FAILED;
}

/* The register returns the complement of the last value written. */
#define EDU_LIVENESS 4

TEST_F(registers, server_accesses_registers_by_message)
{
	ASSERT_TRUE(edu_map(self, PROT_READ | PROT_WRITE));
	ASSERT_EQ(EDU_ID, self->bar[0]);
	ASSERT_EQ(0, dma_map(self->vuser.container, (void *)self->bar, MB, PAGE,
			     DMA_RW));
	/* No memory counts as locked, and the server gets no file. */
	EXPECT_EQ(self->locked, res_locked());
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-find 0x%lx", MB));
	EXPECT_STREQ("0x100000 0x1000 rw 0", testdev_reply());
	EXPECT_GT(0, testdev_cmd(&shared, "dma-ptr 0x%lx", MB));

	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0x%lx 4", MB));
	EXPECT_STREQ("ed000001", testdev_reply());
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-write 0x%lx 12345678",
				 MB + EDU_LIVENESS));
	EXPECT_EQ(~0x78563412U, self->bar[EDU_LIVENESS / 4]);
	self->bar[EDU_LIVENESS / 4] = 0xfffefdfc;
	ASSERT_EQ(0,
		  testdev_cmd(&shared, "dma-read 0x%lx 4", MB + EDU_LIVENESS));
	EXPECT_STREQ("03020100", testdev_reply());

	/* The consumer may unmap the registers; the DMA map stays. */
	munmap((void *)self->bar, PAGE);
	self->bar = MAP_FAILED;
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0x%lx 4", MB));
	EXPECT_STREQ("ed000001", testdev_reply());
	ASSERT_EQ(0, dma_unmap(self->vuser.container, MB, PAGE, 0, NULL));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0x%lx 4", MB));
}

TEST_F(registers, registers_mapped_read_only_cannot_be_written)
{
	ASSERT_TRUE(edu_map(self, PROT_READ));
	ASSERT_EQ(EDU_ID, self->bar[0]);
	EXPECT_EQ(-EFAULT, dma_map(self->vuser.container, (void *)self->bar, 0,
				   PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->vuser.container, (void *)self->bar, 0, PAGE,
			     VFIO_DMA_MAP_FLAG_READ));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0 4"));
	EXPECT_STREQ("ed000001", testdev_reply());
	EXPECT_EQ(-EACCES, testdev_cmd(&shared, "dma-write 4 00000000"));
}

/* MAP_DMA does not fault registers in: that could wait for another process. */
TEST_F(registers, registers_that_were_never_touched_are_refused)
{
	ASSERT_TRUE(edu_map(self, PROT_READ | PROT_WRITE));
	EXPECT_EQ(-EFAULT, dma_map(self->vuser.container, (void *)self->bar, 0,
				   PAGE, DMA_RW));
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
}

/*
 * The kernel's clock page in this process, if it is mapped by frame number
 * ("pf"); otherwise NULL.
 */
static volatile char *clock_page(void)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	unsigned long start = 0;
	bool pfn = false;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vvar]"))
			start = strtoul(line, NULL, 16);
		if (start && !strncmp(line, "VmFlags:", 8)) {
			pfn = strstr(line, " pf ");
			break;
		}
	}
	if (maps)
		fclose(maps);
	return pfn ? (volatile char *)start : NULL;
}

/*
 * This page is mapped by frame number, too, but it is ordinary memory: nothing
 * would prevent its release while the server uses it.
 */
TEST_F(registers, ordinary_memory_mapped_by_pfn_is_refused)
{
	volatile char *page = clock_page();
	struct timespec now;

	if (!page)
		SKIP(return,
			   "this kernel maps no memory of its own by frame numbers");
	EXPECT_EQ(0, clock_gettime(CLOCK_MONOTONIC, &now));
	(void)*page;
	EXPECT_EQ(-EFAULT, dma_map(self->vuser.container, (void *)page, 0, PAGE,
				   VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
}

SHARED_MAIN(NULL)
