// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer migrates a device: the states of migration, the files by which the state moves,
 * and what a reset does.
 */
#include "lib/fuse.h"
#include "lib/migrate_fixture.h"
#include "lib/task.h"

/* An address without memory; volatile, so that compilers do not see that. */
static void *volatile nowhere = (void *)16;

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

HELPER_MAIN
