// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer migrates a device: the states of migration, the files by which the state moves,
 * and what happens when the server refuses, hangs or vanishes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/fuse.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/task.h"

/* Linux 6.2 and later. */
#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY		  (1 << 2)
#define VFIO_DEVICE_STATE_PRE_COPY	  6
#define VFIO_DEVICE_STATE_PRE_COPY_P2P	  7
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE 9
struct vfio_precopy_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 initial_bytes;
	__aligned_u64 dirty_bytes;
};
#define VFIO_MIG_GET_PRECOPY_INFO _IO(VFIO_TYPE, VFIO_BASE + 21)
#endif

#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define ERROR	 VFIO_DEVICE_STATE_ERROR
#define P2P	 VFIO_DEVICE_STATE_RUNNING_P2P
#define PRE	 VFIO_DEVICE_STATE_PRE_COPY
#define PRE_P2P	 VFIO_DEVICE_STATE_PRE_COPY_P2P

#define PAGE   0x1000UL
#define IOVA   0x10000UL
#define MEM    TESTDEV_REG_MEMORY
#define VECTOR 3
#define MSIX   VFIO_PCI_MSIX_IRQ_INDEX

/* More than the device's state, in which BAR 0 may come twice. */
#define STREAM_MAX (4 * TESTDEV_BAR0_SIZE)
/* The record of the state that the device has in STOP_COPY. */
#define STATE_SIZE (TESTDEV_BAR0_SIZE + TESTDEV_CONFIG_SIZE + 1)

/* An address without memory; volatile, so that compilers do not see that. */
static void *volatile nowhere = (void *)16;

struct stream {
	char data[STREAM_MAX];
	size_t len;
};

/* A device and its server. */
struct party {
	struct testdev td;
	struct vfio_dev dev;
	volatile uint32_t *bar;
	int msix;
	int fd; /* the file of the state, or -1 */
};

/* The consumer ---------------------------------------------------------------- */

static int feature(int device, uint32_t flags, void *data, size_t size)
{
	struct {
		struct vfio_device_feature head;
		char data[64];
	} msg = { .head.argsz = sizeof(msg.head) + size, .head.flags = flags };
	int ret;

	memcpy(msg.data, data, size);
	ret = ioctl(device, VFIO_DEVICE_FEATURE, &msg) ? -errno : 0;
	memcpy(data, msg.data, size);
	return ret;
}

static int get_flags(struct party *p, uint64_t *flags)
{
	return feature(p->dev.device,
		       VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION,
		       flags, sizeof(*flags));
}

/* The state, or -errno. */
static int state(struct party *p)
{
	struct vfio_device_feature_mig_state get = {};
	int ret = feature(p->dev.device,
			  VFIO_DEVICE_FEATURE_GET |
				  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			  &get, sizeof(get));

	return ret ? ret : (int)get.device_state;
}

static int set_state(struct party *p, uint32_t to)
{
	struct vfio_device_feature_mig_state set = { .device_state = to };
	int ret = feature(p->dev.device,
			  VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			  &set, sizeof(set));

	if (!ret && set.data_fd >= 0) {
		if (p->fd >= 0)
			close(p->fd);
		p->fd = set.data_fd;
	}
	return ret;
}

static int reset(struct party *p)
{
	return ioctl(p->dev.device, VFIO_DEVICE_RESET) ? -errno : 0;
}

static long take(int fd, void *buf, size_t size)
{
	ssize_t ret = read(fd, buf, size);

	return ret < 0 ? -errno : ret;
}

static long put(int fd, const void *buf, size_t size)
{
	ssize_t ret = write(fd, buf, size);

	return ret < 0 ? -errno : ret;
}

/* Reads in parts of @part bytes until a read gives nothing; that result. */
static long drain(int fd, struct stream *s, size_t part)
{
	long ret = 1;

	while (ret > 0 && s->len < STREAM_MAX) {
		if (part > STREAM_MAX - s->len)
			part = STREAM_MAX - s->len;
		ret = take(fd, s->data + s->len, part);
		if (ret > 0)
			s->len += ret;
	}
	return ret;
}

static long fill(int fd, const struct stream *s, size_t part)
{
	size_t done = 0;
	long ret;

	while (done < s->len) {
		if (part > s->len - done)
			part = s->len - done;
		ret = put(fd, s->data + done, part);
		if (ret <= 0)
			return ret;
		done += ret;
	}
	return done;
}

/* Set-up ------------------------------------------------------------------------ */

static int party_open(struct party *p)
{
	int ret = vfio_dev_open(&p->dev, p->td.uuid, VFIO_TYPE1v2_IOMMU);

	if (ret)
		return ret;
	p->bar = map_bar0(p->dev.device);
	return p->bar == MAP_FAILED ? -errno :
				      irq_set_eventfds(p->dev.device, MSIX,
						       VECTOR, 1, &p->msix);
}

static int party_start(struct party *p, const char *const *args)
{
	int ret;

	p->dev = (struct vfio_dev)VFIO_DEV_INIT;
	p->fd = -1;
	new_eventfds(&p->msix, 1);
	ret = testdev_start(&p->td, args);
	return ret ? ret : party_open(p);
}

static void party_close(struct party *p)
{
	if (p->bar)
		munmap((void *)p->bar, TESTDEV_BAR0_SIZE);
	p->bar = NULL;
	vfio_dev_close(&p->dev);
}

static void party_stop(struct party *p)
{
	party_close(p);
	if (p->fd >= 0)
		close(p->fd);
	testdev_stop(&p->td);
	close(p->msix);
}

/* Whether the kernel has the states PRE_COPY. */
static bool has_pre_copy(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 2);
}

FIXTURE(device)
{
	struct party from, to;
	struct stream stream;
	uint64_t flags;
	long locked;
};

FIXTURE_VARIANT(device)
{
	const char *option;
	uint64_t flags;
};

FIXTURE_VARIANT_ADD(device, plain) { .option = "--migration-flags=0",
				     .flags = 1 };
FIXTURE_VARIANT_ADD(device, all) { .option = "--migration-flags=6",
				   .flags = 7 };

FIXTURE_SETUP(device)
{
	const char *const args[] = { "--migration", variant->option, NULL };

	self->locked = res_locked();
	self->flags = variant->flags;
	if (!has_pre_copy())
		self->flags &= ~(uint64_t)VFIO_MIGRATION_PRE_COPY;
	ASSERT_EQ(0, party_start(&self->from, args));
	ASSERT_EQ(0, party_start(&self->to, args));
}

FIXTURE_TEARDOWN(device)
{
	party_stop(&self->from);
	party_stop(&self->to);
	EXPECT_EQ(self->locked, res_locked());
}

/* The device runs: registers, memory of the server, an interrupt. */
static void check_works(struct __test_metadata *_metadata, struct party *p)
{
	static uint32_t value;

	EXPECT_EQ(RUNNING, state(p));
	value += 5;
	p->bar[MEM / 4 + 900] = value;
	EXPECT_EQ(value, p->bar[MEM / 4 + 900]);
	EXPECT_EQ(value, testdev_num(&p->td, "peek 0 0x%x 4", MEM + 4 * 900));
	eventfd_wait(p->msix, 0);
	EXPECT_LT(0, testdev_num(&p->td, "irq %u %u", MSIX, VECTOR));
	/* The kernel repeats an interrupt for a new server: there may be two. */
	EXPECT_LE(1, eventfd_wait(p->msix, SOON_MS));
}

/* Values that no other test stores. */
static void store(struct party *p, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < 100; i++)
		p->bar[MEM / 4 + i * 7] = seed + i;
}

static bool is_stored(struct party *p, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < 100; i++)
		if (p->bar[MEM / 4 + i * 7] != seed + i)
			return false;
	return true;
}

static bool supports(uint64_t flags, uint32_t state)
{
	switch (state) {
	case P2P:
		return flags & VFIO_MIGRATION_P2P;
	case PRE:
		return flags & VFIO_MIGRATION_PRE_COPY;
	case PRE_P2P:
		return (flags & VFIO_MIGRATION_P2P) &&
		       (flags & VFIO_MIGRATION_PRE_COPY);
	default:
		return state && state <= PRE_P2P;
	}
}

static bool saves(uint32_t state)
{
	return state == COPY || state == PRE || state == PRE_P2P;
}

static bool has_file(uint32_t state)
{
	return saves(state) || state == RESUMING;
}

/* Brings the device from RUNNING to a state, such that it can leave this state again. */
static void enter(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self,
		  uint32_t to)
{
	struct party *p = &self->from;

	ASSERT_EQ(0, set_state(p, to));
	if (to == RESUMING)
		ASSERT_EQ(self->stream.len, fill(p->fd, &self->stream, 1000));
	ASSERT_EQ(to, state(p));
}

static void save(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self,
		 size_t part)
{
	struct party *p = &self->from;

	self->stream.len = 0;
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_LE(0, p->fd);
	ASSERT_EQ(0, drain(p->fd, &self->stream, part));
}

static void load(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self,
		 size_t part)
{
	struct party *p = &self->to;

	ASSERT_EQ(0, set_state(p, RESUMING));
	ASSERT_LE(0, p->fd);
	ASSERT_EQ(self->stream.len, fill(p->fd, &self->stream, part));
}

/* States ---------------------------------------------------------------------------- */

TEST_F(device, states_are_those_of_the_server)
{
	uint64_t flags = 0;

	EXPECT_EQ(0, get_flags(&self->from, &flags));
	EXPECT_EQ(self->flags, flags);
	EXPECT_EQ(RUNNING, state(&self->from));
}

/* From each state to each state, as VFIO defines it. */
TEST_F(device, each_state_leads_to_each_other_state)
{
	struct party *p = &self->from;
	uint32_t from, to;
	int ret;

	save(_metadata, self, 4096);
	for (from = 1; from <= PRE_P2P; from++) {
		for (to = 0; to <= PRE_P2P + 1; to++) {
			if (!supports(self->flags, from))
				continue;
			ASSERT_EQ(0, reset(p));
			ASSERT_EQ(RUNNING, state(p));
			enter(_metadata, self, from);
			if (p->fd >= 0)
				close(p->fd);
			p->fd = -1;
			ret = set_state(p, to);
			if (!supports(self->flags, to) ||
			    (from == COPY && (to == PRE || to == PRE_P2P))) {
				EXPECT_EQ(-EINVAL, ret);
				EXPECT_EQ(from, state(p));
				continue;
			}
			EXPECT_EQ(0, ret) TH_LOG("from %u to %u", from, to);
			EXPECT_EQ(to, state(p));
			EXPECT_EQ(to, from == to ?
					      to :
					      testdev_num(&p->td, "mig-state"));
			/* States of one group share a file. */
			EXPECT_EQ(from != to && has_file(to) &&
					  !(saves(from) && saves(to)),
				  p->fd >= 0)
			TH_LOG("from %u to %u: file %d", from, to, p->fd);
		}
	}
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, state_moves_to_another_device)
{
	static const size_t parts[] = { 100, 999, 4096, STREAM_MAX };
	uint32_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		store(&self->from, 1000 * i);
		save(_metadata, self, parts[i]);
		EXPECT_EQ(STATE_SIZE, self->stream.len);
		load(_metadata, self, parts[i]);
		/* The device does not have the state before it was complete. */
		ASSERT_EQ(0, set_state(&self->to, RUNNING));
		EXPECT_TRUE(is_stored(&self->to, 1000 * i));
		check_works(_metadata, &self->to);
		ASSERT_EQ(0, set_state(&self->from, RUNNING));
		check_works(_metadata, &self->from);
	}
	EXPECT_EQ(0, testdev_num(&self->to.td, "count reset") - 1);
}

/* Bus mastering and BARs are those that the consumer of the new device has set. */
TEST_F(device, configuration_space_is_that_of_the_consumer)
{
	uint16_t command = 0, before = 0x7;
	uint32_t bar = 0x12340000, value = 0;
	struct party *p = &self->to;

	ASSERT_EQ(0, region_put(p->dev.device, VFIO_PCI_CONFIG_REGION_INDEX, 4,
				&before, 2));
	ASSERT_EQ(0, region_put(p->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				0x10, &bar, 4));
	save(_metadata, self, 4096);
	load(_metadata, self, 4096);
	ASSERT_EQ(0, set_state(p, RUNNING));
	EXPECT_EQ(0, region_get(p->dev.device, VFIO_PCI_CONFIG_REGION_INDEX, 4,
				&command, 2));
	EXPECT_EQ(before, command & 0x7);
	/* The server has it, too. */
	EXPECT_EQ(before, 0x7 & testdev_num(&p->td, "peek %u 4 2",
					    VFIO_PCI_CONFIG_REGION_INDEX));
	EXPECT_EQ(0, region_get(p->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				0x10, &value, 4));
	EXPECT_EQ(bar, value & ~0xfu);
	check_works(_metadata, p);
}

TEST_F(device, interrupt_that_came_before_its_vector_was_enabled_is_repeated)
{
	save(_metadata, self, 4096);
	load(_metadata, self, 4096);
	eventfd_wait(self->to.msix, 0);
	ASSERT_EQ(0, set_state(&self->to, RUNNING));
	EXPECT_EQ(1, eventfd_wait(self->to.msix, SOON_MS));
}

TEST_F(device, size_of_the_state_is_the_servers)
{
	struct {
		uint64_t length;
	} size = {};
	uint32_t get = VFIO_DEVICE_FEATURE_GET |
		       VFIO_DEVICE_FEATURE_MIG_DATA_SIZE;

	EXPECT_EQ(0, feature(self->from.dev.device, get, &size, sizeof(size)));
	EXPECT_EQ(STATE_SIZE, size.length);
	ASSERT_EQ(0, testdev_cmd(&self->from.td, "fail feature 95 1"));
	EXPECT_GT(0, feature(self->from.dev.device, get, &size, sizeof(size)));
}

/* PRE_COPY -------------------------------------------------------------------------- */

static int precopy_info(int fd, struct vfio_precopy_info *info, uint32_t argsz)
{
	memset(info, 0xff, sizeof(*info));
	info->argsz = argsz;
	return ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, info) ? -errno : 0;
}

TEST_F(device, state_is_read_while_the_device_runs)
{
	struct party *p = &self->from;
	struct vfio_precopy_info info;
	struct stream *s = &self->stream;
	char more[16];

	if (!(self->flags & VFIO_MIGRATION_PRE_COPY))
		SKIP(return, "no PRE_COPY in this kernel or variant");
	store(p, 1);
	ASSERT_EQ(0, set_state(p, PRE));
	ASSERT_EQ(-EINVAL, precopy_info(p->fd, &info, sizeof(info) - 1));
	ASSERT_EQ(-ENOTTY, ioctl(p->fd, VFIO_GET_API_VERSION) ? -errno : 0);
	ASSERT_EQ(0, precopy_info(p->fd, &info, sizeof(info)));
	EXPECT_LT(0, info.initial_bytes);
	EXPECT_GE(TESTDEV_BAR0_SIZE + 1, info.initial_bytes);
	EXPECT_EQ(0, info.dirty_bytes);
	/* No more now, but later. */
	ASSERT_EQ(-ENOMSG, drain(p->fd, s, 1000));
	EXPECT_EQ(TESTDEV_BAR0_SIZE + 1, s->len);
	EXPECT_EQ(-ENOMSG, take(p->fd, more, sizeof(more)));
	EXPECT_EQ(0, take(p->fd, more, 0));
	ASSERT_EQ(0, precopy_info(p->fd, &info, sizeof(info)));
	EXPECT_EQ(0, info.initial_bytes);
	EXPECT_EQ(0, info.dirty_bytes);
	/* The device still runs. */
	store(p, 2);
	EXPECT_TRUE(is_stored(p, 2));
	ASSERT_EQ(0, set_state(p, COPY));
	EXPECT_EQ(-EINVAL, precopy_info(p->fd, &info, sizeof(info)));
	ASSERT_EQ(0, drain(p->fd, s, 1000));
	EXPECT_EQ(TESTDEV_BAR0_SIZE + 1 + STATE_SIZE, s->len);
	load(_metadata, self, 3000);
	ASSERT_EQ(0, set_state(&self->to, RUNNING));
	EXPECT_TRUE(is_stored(&self->to, 2));
	check_works(_metadata, &self->to);
}

/* Data that the kernel read before the device stopped are not lost. */
TEST_F(device, data_that_wait_in_the_kernel_come_first)
{
	struct party *p = &self->from;
	struct stream *s = &self->stream;

	if (!(self->flags & VFIO_MIGRATION_PRE_COPY))
		SKIP(return, "no PRE_COPY in this kernel or variant");
	ASSERT_EQ(0, set_state(p, PRE));
	ASSERT_EQ(10, take(p->fd, s->data, 10));
	s->len = 10;
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, drain(p->fd, s, 100));
	EXPECT_EQ(TESTDEV_BAR0_SIZE + 1 + STATE_SIZE, s->len);
	load(_metadata, self, 3000);
	EXPECT_EQ(0, set_state(&self->to, RUNNING));
}

/* Files ------------------------------------------------------------------------------ */

TEST_F(device, file_of_another_state_is_useless)
{
	struct party *p = &self->from;
	char buf[16];
	int old;

	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(10, take(p->fd, buf, 10));
	EXPECT_EQ(-EBADF, put(p->fd, buf, 10));
	EXPECT_EQ(-1, lseek(p->fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	old = p->fd;
	p->fd = -1;
	ASSERT_EQ(0, set_state(p, STOP));
	EXPECT_EQ(-ENODEV, take(old, buf, 10));
	/* Another file of the same state is another session. */
	save(_metadata, self, 4096);
	EXPECT_EQ(STATE_SIZE, self->stream.len);
	EXPECT_NE(old, p->fd);
	EXPECT_EQ(-ENODEV, take(old, buf, 10));
	close(old);
	ASSERT_EQ(0, set_state(p, RESUMING));
	EXPECT_EQ(-EBADF, take(p->fd, buf, 10));
	ASSERT_EQ(0, reset(p));
	EXPECT_EQ(-ENODEV, put(p->fd, buf, 10));
}

TEST_F(device, address_without_memory_loses_no_data)
{
	struct party *p = &self->from;

	ASSERT_EQ(0, set_state(p, COPY));
	EXPECT_EQ(-EFAULT, take(p->fd, nowhere, 100));
	ASSERT_EQ(0, drain(p->fd, &self->stream, 100));
	EXPECT_EQ(STATE_SIZE, self->stream.len);
	ASSERT_EQ(0, set_state(&self->to, RESUMING));
	EXPECT_EQ(-EFAULT, put(self->to.fd, nowhere, 100));
	ASSERT_EQ(self->stream.len, fill(self->to.fd, &self->stream, 100));
	EXPECT_EQ(0, set_state(&self->to, RUNNING));
}

/* Another process reads into memory that a FUSE server does not provide yet. */
static pid_t read_into(struct party *p, struct fuse *fuse, void *mem)
{
	pid_t pid;

	fuse_hold(fuse);
	pid = fork();
	if (!pid) {
		/* Only the parent has the device open. */
		party_close(p);
		_exit(take(p->fd, mem, 100) != -ENODEV);
	}
	fuse_wait(fuse);
	return pid;
}

TEST_F(device, reader_that_waits_for_its_memory_does_not_delay_close)
{
	struct party *p = &self->from;
	struct fuse fuse = {};
	void *mem;
	pid_t pid;
	int fd;

	/* The FUSE server inherits all files, so the device is opened after its start. */
	party_close(p);
	ASSERT_EQ(0, fuse_start(&fuse));
	ASSERT_EQ(0, party_open(p));
	fd = fuse_open(&fuse);
	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, set_state(p, COPY));
	pid = read_into(p, &fuse, mem);
	ASSERT_LT(0, pid);
	/* Returns although the reader still waits. */
	party_close(p);
	EXPECT_EQ(-ETIMEDOUT, task_wait_end(pid, 0));
	fuse_release(&fuse);
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	munmap(mem, PAGE);
	close(fd);
	fuse_stop(&fuse);
}

TEST_F(device, file_outlives_the_device)
{
	struct party *p = &self->from;
	char buf[16];

	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(10, take(p->fd, buf, 10));
	party_close(p);
	EXPECT_EQ(-ENODEV, take(p->fd, buf, 10));
	/* The device was left running. */
	ASSERT_EQ(0, party_open(p));
	check_works(_metadata, p);
	EXPECT_EQ(-ENODEV, take(p->fd, buf, 10));
	party_close(p);
	ASSERT_EQ(0, mdev_remove(p->td.uuid));
	EXPECT_EQ(-ENODEV, take(p->fd, buf, 10));
}

TEST_F(device, incomplete_state_is_refused)
{
	struct party *p = &self->to;

	save(_metadata, self, 4096);
	self->stream.len--;
	load(_metadata, self, 4096);
	EXPECT_EQ(-EINVAL, set_state(p, STOP));
	EXPECT_EQ(ERROR, state(p));
	EXPECT_EQ(-EINVAL, set_state(p, RUNNING));
	EXPECT_EQ(-ENODEV, put(p->fd, "", 1));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

/* Reset ---------------------------------------------------------------------------------- */

TEST_F(device, reset_ends_each_state)
{
	struct party *p = &self->from;
	uint32_t to;

	for (to = STOP; to <= PRE_P2P; to++) {
		if (!supports(self->flags, to))
			continue;
		ASSERT_EQ(0, set_state(p, to));
		ASSERT_EQ(0, reset(p));
		check_works(_metadata, p);
		if (p->fd >= 0) {
			EXPECT_EQ(-ENODEV, to == RESUMING ?
						   put(p->fd, &to, 4) :
						   take(p->fd, &to, 4));
			close(p->fd);
		}
		p->fd = -1;
	}
}

/* libvfio-user does so in state STOP. */
TEST_F(device, server_that_refuses_a_reset_while_stopped_is_made_to_run)
{
	struct party *p = &self->from;

	ASSERT_EQ(0, set_state(p, STOP));
	ASSERT_EQ(0, testdev_cmd(&p->td, "fail reset 22 1"));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, each_state_ends_when_the_device_is_closed)
{
	struct party *p = &self->from;
	uint32_t to;

	for (to = STOP; to <= PRE_P2P; to++) {
		if (!supports(self->flags, to))
			continue;
		ASSERT_EQ(0, set_state(p, to));
		party_close(p);
		ASSERT_EQ(0, party_open(p));
		check_works(_metadata, p);
		EXPECT_EQ(0, mdev_wait(p->td.uuid, "state", "open", SOON_MS));
	}
}

/* Servers that fail ----------------------------------------------------------------------- */

TEST_F(device, refused_state_is_reported)
{
	struct party *p = &self->from;

	ASSERT_EQ(0, testdev_cmd(&p->td, "fail feature 28 1"));
	EXPECT_EQ(-ENOSPC, set_state(p, COPY));
	EXPECT_EQ(RUNNING, state(p));
	EXPECT_EQ(-1, p->fd);
	/* The server refuses to say its state, too. */
	ASSERT_EQ(0, testdev_cmd(&p->td, "fail feature 28 2"));
	EXPECT_EQ(-ENOSPC, set_state(p, STOP));
	EXPECT_EQ(ERROR, state(p));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, refused_data_are_reported)
{
	struct party *p = &self->from;
	char buf[100];

	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, testdev_cmd(&p->td, "fail mig-read 28 1"));
	EXPECT_EQ(-ENOSPC, take(p->fd, buf, sizeof(buf)));
	/* Nothing was lost. */
	ASSERT_EQ(0, drain(p->fd, &self->stream, 1000));
	EXPECT_EQ(STATE_SIZE, self->stream.len);
	ASSERT_EQ(0, set_state(&self->to, RESUMING));
	ASSERT_EQ(0, testdev_cmd(&self->to.td, "fail mig-write 28 1"));
	EXPECT_EQ(-ENOSPC, put(self->to.fd, self->stream.data, 100));
	ASSERT_EQ(self->stream.len, fill(self->to.fd, &self->stream, 1000));
	ASSERT_EQ(0, set_state(&self->to, RUNNING));
}

TEST_F(device, server_that_does_not_change_the_state_in_time_is_in_error)
{
	struct party *p = &self->from;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "500"));
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold feature"));
	EXPECT_EQ(-ETIMEDOUT, set_state(p, COPY));
	EXPECT_EQ(ERROR, state(p));
	/* A server that does not answer in time is lost. */
	EXPECT_EQ(0, mdev_wait(p->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "resuming", SOON_MS));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, data_that_do_not_come_in_time_end_the_file)
{
	struct party *p = &self->from;
	char buf[100];

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "500"));
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold mig-read"));
	EXPECT_EQ(-ETIMEDOUT, take(p->fd, buf, sizeof(buf)));
	/* A server that does not answer in time is lost. */
	EXPECT_EQ(-ENODEV, take(p->fd, buf, sizeof(buf)));
	EXPECT_EQ(ERROR, state(p));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "resuming", SOON_MS));
	ASSERT_EQ(0, reset(p));
	/* The next file has all data. */
	save(_metadata, self, 1000);
	EXPECT_EQ(STATE_SIZE, self->stream.len);
}

/* A state without an end: a read ends, and so does the device. */
TEST_F(device, endless_state_is_read_in_parts)
{
	struct party *p = &self->from;
	char *buf = mem_anon(1 << 20);

	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, testdev_cmd(&p->td, "endless 1"));
	ASSERT_EQ(0, set_state(p, COPY));
	EXPECT_LT(0, take(p->fd, buf, 1 << 20));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
	munmap(buf, 1 << 20);
}

static const char *const corruptions[] = { "id",    "command", "type", "long",
					   "short", "huge",    "tiny", "half",
					   "cut",   "twice",   "fd" };

/* No reply harms more than this server's device. */
TEST_F(device, malformed_replies_end_the_server)
{
	struct party *p = &self->from;
	struct stream s;
	uint32_t i;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "1000"));
	for (i = 0; i < sizeof(corruptions) / sizeof(corruptions[0]); i++) {
		s.len = 0;
		ASSERT_EQ(0, set_state(p, COPY));
		ASSERT_EQ(0, testdev_cmd(&p->td, "corrupt mig-read %s",
					 corruptions[i]));
		drain(p->fd, &s, 500);
		EXPECT_GE(STATE_SIZE, s.len);
		party_close(p);
		testdev_kill(&p->td);
		ASSERT_EQ(0,
			  mdev_wait(p->td.uuid, "state", "created", SOON_MS));
		ASSERT_EQ(0,
			  testdev_serve(&p->td, (const char *const[]) {
							"--migration", NULL }));
		ASSERT_EQ(0,
			  mdev_wait(p->td.uuid, "state", "attached", SOON_MS));
		ASSERT_EQ(0, party_open(p));
	}
	check_works(_metadata, p);
}

/* Loss --------------------------------------------------------------------------------------- */

static int lose(struct party *p)
{
	testdev_kill(&p->td);
	return mdev_wait(p->td.uuid, "state", "lost", SOON_MS);
}

TEST_F(device, lost_server_ends_each_state)
{
	const char *const args[] = { "--migration", variant->option, NULL };
	struct party *p = &self->from;
	uint32_t to;

	for (to = STOP; to <= PRE_P2P; to++) {
		if (!supports(self->flags, to))
			continue;
		ASSERT_EQ(0, set_state(p, to));
		ASSERT_EQ(0, lose(p));
		EXPECT_EQ(to == RUNNING ? RUNNING : ERROR, state(p));
		if (to != RUNNING)
			EXPECT_GT(0, set_state(p, RUNNING));
		if (p->fd >= 0) {
			EXPECT_EQ(-ENODEV, to == RESUMING ?
						   put(p->fd, &to, 4) :
						   take(p->fd, &to, 4));
			close(p->fd);
		}
		p->fd = -1;
		ASSERT_EQ(0, testdev_serve(&p->td, args));
		ASSERT_EQ(0,
			  mdev_wait(p->td.uuid, "state", "resuming", SOON_MS));
		ASSERT_EQ(0, reset(p));
		check_works(_metadata, p);
	}
}

/* The device may run in another place already. */
TEST_F(device, device_that_was_stopped_does_not_run_with_the_next_server)
{
	const char *const args[] = { "--migration", variant->option, NULL };
	struct party *p = &self->from;
	char buf[4];

	ASSERT_EQ(0, mdev_set(p->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, lose(p));
	ASSERT_EQ(0, testdev_serve(&p->td, args));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "open", SOON_MS));
	EXPECT_EQ(ERROR, state(p));
	EXPECT_EQ(STOP, testdev_num(&p->td, "mig-state"));
	EXPECT_EQ(-ENODEV, take(p->fd, buf, 4));
	EXPECT_EQ(-EINVAL, set_state(p, RUNNING));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

TEST_F(device, device_that_ran_goes_on_with_the_next_server)
{
	const char *const args[] = { "--migration", variant->option, NULL };
	struct party *p = &self->from;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, lose(p));
	ASSERT_EQ(0, testdev_serve(&p->td, args));
	ASSERT_EQ(0, mdev_wait(p->td.uuid, "state", "open", SOON_MS));
	check_works(_metadata, p);
	save(_metadata, self, 4096);
	EXPECT_EQ(STATE_SIZE, self->stream.len);
}

/* Kills and concurrent use ----------------------------------------------------------------------- */

enum act {
	ACT_STATE,
	ACT_READ,
	ACT_WRITE,
	ACT_INFO
};

static pid_t start_act(struct party *p, enum act act)
{
	struct vfio_precopy_info info;
	char buf[100] = "S";
	pid_t pid = fork();

	if (pid)
		return pid;
	switch (act) {
	case ACT_STATE:
		set_state(p, STOP);
		break;
	case ACT_READ:
		take(p->fd, buf, sizeof(buf));
		break;
	case ACT_WRITE:
		put(p->fd, buf, sizeof(buf));
		break;
	case ACT_INFO:
		precopy_info(p->fd, &info, sizeof(info));
		break;
	}
	_exit(0);
}

static void check_kill(struct __test_metadata *_metadata, struct party *p,
		       enum act act, const char *held)
{
	pid_t pid;

	ASSERT_EQ(0, testdev_cmd(&p->td, "hold %s", held));
	pid = start_act(p, act);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, testdev_cmd(&p->td, "held 1"));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, task_wait_end(pid, SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
}

TEST_F(device, consumer_is_killed_while_it_waits)
{
	struct party *p = &self->from;
	char buf[100];

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "60000"));
	check_kill(_metadata, p, ACT_STATE, "feature");
	EXPECT_EQ(ERROR, state(p));
	ASSERT_EQ(0, reset(p));
	ASSERT_EQ(0, set_state(p, COPY));
	check_kill(_metadata, p, ACT_READ, "mig-read");
	/* Another process that has the file: data are missing. */
	EXPECT_EQ(-EIO, take(p->fd, buf, sizeof(buf)));
	ASSERT_EQ(0, reset(p));
	ASSERT_EQ(0, set_state(p, RESUMING));
	check_kill(_metadata, p, ACT_WRITE, "mig-write");
	EXPECT_EQ(-EIO, put(p->fd, buf, sizeof(buf)));
	ASSERT_EQ(0, reset(p));
	if (self->flags & VFIO_MIGRATION_PRE_COPY) {
		ASSERT_EQ(0, set_state(p, PRE));
		check_kill(_metadata, p, ACT_INFO, "mig-read");
		ASSERT_EQ(0, reset(p));
	}
	check_works(_metadata, p);
}

TEST_F(device, thread_that_waits_for_the_other_can_be_killed)
{
	struct party *p = &self->from;
	pid_t holder, waiter;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold mig-read"));
	holder = start_act(p, ACT_READ);
	ASSERT_LT(0, holder);
	ASSERT_EQ(0, testdev_cmd(&p->td, "held 1"));
	waiter = start_act(p, ACT_STATE);
	ASSERT_LT(0, waiter);
	EXPECT_EQ(0, task_wait_in(waiter, "vuser_mig_lock", SOON_MS));
	kill(waiter, SIGKILL);
	EXPECT_EQ(SIGKILL, task_wait_end(waiter, SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&p->td, "release"));
	EXPECT_EQ(0, task_wait_end(holder, SOON_MS));
	ASSERT_EQ(0, reset(p));
	check_works(_metadata, p);
}

/* Another process reads the state when the device is closed. */
TEST_F(device, close_does_not_wait_longer_for_a_read_than_its_setting)
{
	struct party *p = &self->from;
	long long start;
	pid_t pid;

	ASSERT_EQ(0, mdev_set(p->td.uuid, "request_timeout_ms", "60000"));
	ASSERT_EQ(0, mdev_set(p->td.uuid, "close_timeout_ms", "500"));
	ASSERT_EQ(0, set_state(p, COPY));
	ASSERT_EQ(0, testdev_cmd(&p->td, "hold mig-read"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		char buf[100];

		/* The other files keep the device open. */
		party_close(p);
		_exit(take(p->fd, buf, sizeof(buf)) == -EIO ? 0 : 1);
	}
	ASSERT_EQ(0, testdev_cmd(&p->td, "held 1"));
	start = clock_ms();
	party_close(p);
	EXPECT_GT(2500, clock_ms() - start);
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	testdev_cmd(&p->td, "release");
}

/* Servers with less ------------------------------------------------------------------------------ */

static int start_one(struct party *p, const char *const *args)
{
	memset(p, 0, sizeof(*p));
	return party_start(p, args);
}

TEST(server_without_migration_is_reported)
{
	struct vfio_device_feature_mig_state set = { .device_state = STOP };
	struct party p;
	uint64_t flags;

	ASSERT_EQ(0, start_one(&p, NULL));
	EXPECT_EQ(-ENOTTY, get_flags(&p, &flags));
	EXPECT_EQ(-ENOTTY, state(&p));
	EXPECT_EQ(-ENOTTY, feature(p.dev.device,
				   VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				   &set, sizeof(set)));
	party_stop(&p);
}

TEST(server_of_the_first_version_is_not_asked)
{
	static const char *const args[] = { "--migration", "--minor=0", NULL };
	struct party p;
	uint64_t flags;

	ASSERT_EQ(0, start_one(&p, args));
	EXPECT_EQ(-ENOTTY, get_flags(&p, &flags));
	EXPECT_EQ(0, testdev_num(&p.td, "count feature"));
	party_stop(&p);
}

TEST(device_that_cannot_be_reset_runs_again_after_close)
{
	static const char *const args[] = { "--migration", "--no-reset", NULL };
	struct party p;

	ASSERT_EQ(0, start_one(&p, args));
	ASSERT_EQ(0, set_state(&p, COPY));
	EXPECT_EQ(-EINVAL, reset(&p));
	EXPECT_EQ(COPY, state(&p));
	party_close(&p);
	EXPECT_EQ(RUNNING, testdev_num(&p.td, "mig-state"));
	ASSERT_EQ(0, party_open(&p));
	check_works(_metadata, &p);
	party_stop(&p);
}

TEST(messages_are_not_larger_than_the_server_accepts)
{
	static const char *const args[] = { "--migration",
					    "--max-data-xfer-size=256", NULL };
	struct stream s = {};
	struct party p;

	ASSERT_EQ(0, start_one(&p, args));
	store(&p, 77);
	ASSERT_EQ(0, set_state(&p, COPY));
	ASSERT_EQ(0, drain(p.fd, &s, STREAM_MAX));
	EXPECT_EQ(STATE_SIZE, s.len);
	store(&p, 1);
	ASSERT_EQ(0, set_state(&p, RESUMING));
	EXPECT_EQ(s.len, fill(p.fd, &s, STREAM_MAX));
	ASSERT_EQ(0, set_state(&p, RUNNING));
	EXPECT_TRUE(is_stored(&p, 77));
	party_stop(&p);
}

HELPER_MAIN
