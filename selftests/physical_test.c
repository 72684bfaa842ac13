// SPDX-License-Identifier: GPL-2.0
/*
 * A physical device beside a vuser device: a container has one IOMMU backend,
 * and devices of the other backend are refused, whichever device is first.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
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
#define BAR_SIZE (4 * PAGE)

FIXTURE(registers)
{
	struct vfio_dev vuser;
	struct vfio_dev edu;
	volatile uint32_t *bar; /* the first pages, or MAP_FAILED */
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
	if (self->bar != MAP_FAILED)
		munmap((void *)self->bar, BAR_SIZE);
	vfio_dev_close(&self->vuser);
	vfio_dev_close(&self->edu);
	edu_unbind();
}

static bool edu_map(FIXTURE_DATA(registers) *self, int prot)
{
	self->bar = region_mmap(self->edu.device, BAR(0), 0, BAR_SIZE, prot);
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

	ASSERT_EQ(0, dma_unmap(self->vuser.container, MB, PAGE, 0, NULL));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0x%lx 4", MB));
}

/* Touches the first @nr pages: MAP_DMA only takes pages that are present. */
static void edu_touch(FIXTURE_DATA(registers) *self, unsigned int nr)
{
	while (nr--)
		(void)self->bar[nr * PAGE / 4];
}

#define EXPECT_SERVED(iova)                                                   \
	do {                                                                  \
		EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0x%lx 4", iova)); \
		EXPECT_STREQ("ed000001", testdev_reply());                    \
	} while (0)

#define EXPECT_GONE(iova)                                                  \
	do {                                                               \
		EXPECT_EQ(-EFAULT,                                         \
			  testdev_cmd(&shared, "dma-read 0x%lx 4", iova)); \
		EXPECT_EQ(-EFAULT,                                         \
			  testdev_cmd(&shared, "dma-write 0x%lx 00000000", \
				      (iova) + EDU_LIVENESS));             \
	} while (0)

/*
 * The driver may use memory for something else once the consumer has unmapped it, so
 * the kernel must not access it any more, even if the consumer maps it again.
 */
TEST_F(registers, unmapped_registers_cannot_be_accessed)
{
	void *bar;

	ASSERT_TRUE(edu_map(self, PROT_READ | PROT_WRITE));
	edu_touch(self, 1);
	ASSERT_EQ(0, dma_map(self->vuser.container, (void *)self->bar, MB, PAGE,
			     DMA_RW));
	self->bar[EDU_LIVENESS / 4] = 0x11111111;
	EXPECT_SERVED(MB);
	munmap((void *)self->bar, BAR_SIZE);
	EXPECT_GONE(MB);
	bar = mmap((void *)self->bar, BAR_SIZE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, self->edu.device,
		   region_offset(self->edu.device, BAR(0)));
	ASSERT_EQ(self->bar, bar);
	edu_touch(self, 1);
	EXPECT_GONE(MB);
	/* The write of 0 has not reached the register. */
	EXPECT_EQ(~0x11111111U, self->bar[EDU_LIVENESS / 4]);
	EXPECT_EQ(0, dma_unmap(self->vuser.container, MB, PAGE, 0, NULL));
	EXPECT_EQ(0, dma_map(self->vuser.container, (void *)self->bar, MB, PAGE,
			     DMA_RW));
	EXPECT_SERVED(MB);
}

/* Unmaps the end: vfio-pci of 6.1 also removes the pages after a hole. */
TEST_F(registers, unmapping_a_part_keeps_the_rest)
{
	ASSERT_TRUE(edu_map(self, PROT_READ | PROT_WRITE));
	edu_touch(self, 4);
	ASSERT_EQ(0, dma_map(self->vuser.container, (void *)self->bar, MB,
			     4 * PAGE, DMA_RW));
	ASSERT_EQ(0, munmap((char *)self->bar + 2 * PAGE, 2 * PAGE));
	EXPECT_SERVED(MB);
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0x%lx 4", MB + PAGE));
	EXPECT_GONE(MB + 2 * PAGE);
	EXPECT_GONE(MB + 3 * PAGE);
	EXPECT_EQ(-EFAULT,
		  testdev_cmd(&shared, "dma-read 0x%lx 8", MB + 2 * PAGE - 4));
}

/* A change of the protection leaves the registers in place. */
TEST_F(registers, protected_registers_can_still_be_accessed)
{
	ASSERT_TRUE(edu_map(self, PROT_READ | PROT_WRITE));
	edu_touch(self, 1);
	ASSERT_EQ(0, dma_map(self->vuser.container, (void *)self->bar, MB, PAGE,
			     DMA_RW));
	ASSERT_EQ(0, mprotect((void *)self->bar, BAR_SIZE, PROT_READ));
	EXPECT_SERVED(MB);
}

/* vfio-pci removes the mapped pages when the device stops to decode memory. */
TEST_F(registers, registers_that_their_driver_unmaps_cannot_be_accessed)
{
	const int config = VFIO_PCI_CONFIG_REGION_INDEX;
	uint16_t command = 0, off;

	ASSERT_TRUE(edu_map(self, PROT_READ | PROT_WRITE));
	edu_touch(self, 1);
	ASSERT_EQ(0, dma_map(self->vuser.container, (void *)self->bar, MB, PAGE,
			     DMA_RW));
	EXPECT_SERVED(MB);
	ASSERT_EQ(0, region_get(self->edu.device, config, PCI_COMMAND, &command,
				2));
	off = command & ~PCI_COMMAND_MEMORY;
	ASSERT_EQ(0,
		  region_put(self->edu.device, config, PCI_COMMAND, &off, 2));
	EXPECT_GONE(MB);
	ASSERT_EQ(0, region_put(self->edu.device, config, PCI_COMMAND, &command,
				2));
	EXPECT_EQ(EDU_ID, self->bar[0]);
	EXPECT_GONE(MB);
}

/* Maps registers for DMA in a process of its own, and waits to be killed. */
static void child_maps(FIXTURE_DATA(registers) *self, int ready)
{
	if (edu_map(self, PROT_READ | PROT_WRITE)) {
		edu_touch(self, 1);
		if (!dma_map(self->vuser.container, (void *)self->bar, MB, PAGE,
			     DMA_RW) &&
		    write(ready, "", 1) == 1)
			pause();
	}
	_exit(1);
}

TEST_F(registers, registers_cannot_be_accessed_after_their_process_has_ended)
{
	int status, ready[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		child_maps(self, ready[1]);
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	close(ready[0]);
	EXPECT_SERVED(MB);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_GONE(MB);
	EXPECT_EQ(0, dma_unmap(self->vuser.container, MB, PAGE, 0, NULL));
}

/* The server makes DMA while the consumer unmaps: each DMA succeeds or fails. */
TEST_F(registers, unmap_can_race_with_dma)
{
	int i, ret, status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (i = 0; i < 300; i++) {
			ret = testdev_cmd(&shared, "dma-read 0x%lx 64", MB);
			if (ret && ret != -EFAULT)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; !waitpid(pid, &status, WNOHANG); i++) {
		ASSERT_TRUE(edu_map(self, PROT_READ | PROT_WRITE));
		edu_touch(self, 1);
		ASSERT_EQ(0, dma_map(self->vuser.container, (void *)self->bar,
				     MB, PAGE, DMA_RW));
		ASSERT_EQ(0, munmap((void *)self->bar, BAR_SIZE));
		self->bar = MAP_FAILED;
		ASSERT_EQ(0,
			  dma_unmap(self->vuser.container, MB, PAGE, 0, NULL));
	}
	EXPECT_EQ(0, status);
	EXPECT_LT(0, i);
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
