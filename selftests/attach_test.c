// SPDX-License-Identifier: GPL-2.0
/*
 * Attach without vuserd: permissions, valid and invalid sockets, and
 * descriptions that vuserd would never send.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <kselftest_harness.h>

#include "lib/control.h"

#define PAGE 0x1000ull

CONTROL_FIXTURE

TEST_F(control, attached_device_can_be_detached)
{
	struct control_info info;

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	ASSERT_EQ(0, control_attach(&self->c.nl, self->c.id, self->c.token,
				    self->c.sock[0]));
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_EQ(VUSER_STATE_ATTACHED, info.state);
	EXPECT_TRUE(info.described);
	EXPECT_EQ(-EBUSY, control_attach(&self->c.nl, self->c.id, self->c.token,
					 self->c.sock[0]));
	close(self->c.sock[0]);
	self->c.sock[0] = -1;
	EXPECT_EQ(0,
		  control_detach(&self->c.nl, self->c.id, self->c.token, NULL));
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_EQ(VUSER_STATE_CREATED, info.state);
	EXPECT_TRUE(control_hung_up(self->c.sock[1]));
}

TEST_F(control, attach_by_another_than_the_owner_is_refused)
{
	struct nlt other;
	uint64_t token;

	EXPECT_EQ(-EPERM,
		  control_attach(&self->c.nl, self->c.id, 0, self->c.sock[0]));
	ASSERT_EQ(0, nlt_open(&other));
	ASSERT_EQ(0, control_claim(&other, self->c.id, &token));
	EXPECT_EQ(-EPERM, control_attach(&self->c.nl, self->c.id, token,
					 self->c.sock[0]));
	EXPECT_EQ(-EPERM, control_attach(&other, self->c.id, token ^ 1,
					 self->c.sock[0]));
	EXPECT_EQ(0,
		  control_attach(&other, self->c.id, token, self->c.sock[0]));
	nlt_close(&other);
}

TEST_F(control, attach_of_other_than_a_connected_stream_is_refused)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, pair[2];

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	EXPECT_EQ(-EBADF,
		  control_attach(&self->c.nl, self->c.id, self->c.token, 1000));
	EXPECT_GT(0,
		  control_attach(&self->c.nl, self->c.id, self->c.token, -1));
	fd = eventfd(0, 0);
	EXPECT_EQ(-ENOTSOCK,
		  control_attach(&self->c.nl, self->c.id, self->c.token, fd));
	close(fd);
	EXPECT_EQ(-EINVAL, control_attach(&self->c.nl, self->c.id,
					  self->c.token, self->c.nl.fd));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-EINVAL,
		  control_attach(&self->c.nl, self->c.id, self->c.token, fd));
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_EQ(-EINVAL,
		  control_attach(&self->c.nl, self->c.id, self->c.token, fd));
	bind(fd, (struct sockaddr *)&addr, sizeof(sa_family_t));
	listen(fd, 1);
	EXPECT_EQ(-EINVAL,
		  control_attach(&self->c.nl, self->c.id, self->c.token, fd));
	close(fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	EXPECT_EQ(-EINVAL, control_attach(&self->c.nl, self->c.id,
					  self->c.token, pair[0]));
	close(pair[0]);
	close(pair[1]);
}

TEST_F(control, one_socket_as_main_and_twin_is_refused)
{
	struct nlt_msg *msg;

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	msg = control_attach_new(self->c.id, self->c.token, self->c.sock[0]);
	nlt_put_u32(msg, VUSER_A_DEV_TWIN_FD, self->c.sock[0]);
	control_put_region(msg, 0, 0x4000);
	control_put_regions(msg);
	EXPECT_EQ(-EINVAL, nlt_call(&self->c.nl, msg, NULL, NULL));
}

/* The kernel detects the hang-up although no consumer has the device open. */
TEST_F(control, hangup_of_the_server_is_detected)
{
	struct control_info info;

	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	ASSERT_EQ(0, control_attach(&self->c.nl, self->c.id, self->c.token,
				    self->c.sock[0]));
	close(self->c.sock[1]);
	self->c.sock[1] = -1;
	EXPECT_EQ(0, mdev_wait(self->c.uuid, "state", "lost", SOON_MS));
	EXPECT_EQ(0, control_detach(&self->c.nl, self->c.id, self->c.token,
				    "the server hung up"));
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_EQ(VUSER_STATE_CREATED, info.state);
	EXPECT_STREQ("the server hung up", info.error);
}

/* The server must not delay the removal of a device. */
TEST_F(control, attached_device_can_be_removed)
{
	char uuid[UUID_LEN + 1];
	uint64_t token;
	struct control_info info;

	uuid_new(uuid);
	ASSERT_EQ(0, mdev_create(uuid));
	ASSERT_EQ(0, control_get_by_uuid(&self->c.nl, uuid, &info));
	ASSERT_EQ(0, control_claim(&self->c.nl, info.id, &token));
	ASSERT_EQ(0,
		  control_attach(&self->c.nl, info.id, token, self->c.sock[0]));
	close(self->c.sock[0]);
	self->c.sock[0] = -1;
	EXPECT_EQ(0, mdev_remove(uuid));
	EXPECT_TRUE(control_hung_up(self->c.sock[1]));
	EXPECT_EQ(-ENODEV, control_detach(&self->c.nl, info.id, token, NULL));
}

/* Bad descriptions --------------------------------------------------------- */

static void put_area(struct nlt_msg *msg, uint64_t offset, uint64_t size,
		     int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_REGION_AREA);

	nlt_put_u64(msg, VUSER_A_AREA_OFFSET, offset);
	nlt_put_u64(msg, VUSER_A_AREA_SIZE, size);
	nlt_put_u32(msg, VUSER_A_AREA_FD, fd);
	nlt_put_u64(msg, VUSER_A_AREA_FILE_OFFSET, 0);
	nlt_nest_end(msg, nest);
}

static void put_ioeventfd(struct nlt_msg *msg, uint32_t region, uint64_t offset,
			  uint32_t size, int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_IOEVENTFD);

	nlt_put_u32(msg, VUSER_A_IOEVENTFD_REGION, region);
	nlt_put_u64(msg, VUSER_A_IOEVENTFD_OFFSET, offset);
	nlt_put_u32(msg, VUSER_A_IOEVENTFD_SIZE, size);
	nlt_put_u32(msg, VUSER_A_IOEVENTFD_FLAGS, 0);
	nlt_put_u64(msg, VUSER_A_IOEVENTFD_DATAMATCH, 0);
	nlt_put_u32(msg, VUSER_A_IOEVENTFD_FD, fd);
	nlt_nest_end(msg, nest);
}

static void put_irq(struct nlt_msg *msg, uint32_t index, uint32_t count)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_IRQ);

	nlt_put_u32(msg, VUSER_A_IRQ_INDEX, index);
	nlt_put_u32(msg, VUSER_A_IRQ_FLAGS, VFIO_IRQ_INFO_EVENTFD);
	nlt_put_u32(msg, VUSER_A_IRQ_COUNT, count);
	nlt_nest_end(msg, nest);
}

static void put_irq_fd(struct nlt_msg *msg, uint32_t index, int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_IRQ);

	nlt_put_u32(msg, VUSER_A_IRQ_INDEX, index);
	nlt_put_u32(msg, VUSER_A_IRQ_FLAGS, VFIO_IRQ_INFO_EVENTFD);
	nlt_put_u32(msg, VUSER_A_IRQ_COUNT, 1);
	nlt_put_u32(msg, VUSER_A_IRQ_FD, fd);
	nlt_nest_end(msg, nest);
}

/* Each of these functions composes a description with one error. */
static void bad_no_config(struct nlt_msg *msg, int fd)
{
	control_put_region(msg, 0, 0x1000);
}

static void bad_region_twice(struct nlt_msg *msg, int fd)
{
	control_put_region(msg, 0, 0x1000);
	control_put_region(msg, 0, 0x1000);
	control_put_regions(msg);
}

static void bad_region_index(struct nlt_msg *msg, int fd)
{
	control_put_regions(msg);
	control_put_region(msg, 32, 0x1000);
}

static void bad_region_size(struct nlt_msg *msg, int fd)
{
	control_put_region(msg, 0, 1ull << 41);
	control_put_regions(msg);
}

static void bad_region_incomplete(struct nlt_msg *msg, int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_REGION);

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, 0);
	nlt_nest_end(msg, nest);
	control_put_regions(msg);
}

static void bad_areas(struct nlt_msg *msg, uint64_t size0, uint64_t offset1,
		      uint64_t size1, int fd0, int fd1)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_REGION);

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, 0);
	nlt_put_u64(msg, VUSER_A_REGION_SIZE, 0x4000);
	nlt_put_u32(msg, VUSER_A_REGION_FLAGS, 7);
	put_area(msg, 0, size0, fd0);
	put_area(msg, offset1, size1, fd1);
	nlt_nest_end(msg, nest);
	control_put_regions(msg);
}

static void bad_area_overlap(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, 2 * PAGE, PAGE, PAGE, fd, fd);
}

static void bad_area_outside(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, 0x4000, PAGE, fd, fd);
}

static void bad_area_wraps(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, -PAGE, fd, fd);
}

static void bad_area_empty(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, 0, fd, fd);
}

static void bad_area_alignment(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE + 8, PAGE, fd, fd);
}

static void bad_area_fd(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, PAGE, fd, 1000);
}

static void bad_area_count(struct nlt_msg *msg, int fd)
{
	size_t nest = nlt_nest(msg, VUSER_A_DEV_REGION);
	int i;

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, 0);
	nlt_put_u64(msg, VUSER_A_REGION_SIZE, 100 * PAGE);
	nlt_put_u32(msg, VUSER_A_REGION_FLAGS, 7);
	for (i = 0; i < 65; i++)
		put_area(msg, i * PAGE, PAGE, fd);
	nlt_nest_end(msg, nest);
	control_put_regions(msg);
}

static void bad_ioeventfd_fd(struct nlt_msg *msg, int fd)
{
	control_put_region(msg, 0, 0x1000);
	control_put_regions(msg);
	put_ioeventfd(msg, 0, 0, 4, fd);
}

static void bad_ioeventfd_region(struct nlt_msg *msg, int fd)
{
	control_put_region(msg, 0, 0x1000);
	control_put_regions(msg);
	put_ioeventfd(msg, 1u << 31, 0, 4, fd);
}

static void bad_ioeventfd_size(struct nlt_msg *msg, int fd)
{
	int event = eventfd(0, EFD_CLOEXEC);

	control_put_region(msg, 0, 0x1000);
	control_put_regions(msg);
	put_ioeventfd(msg, 0, 0, 3, event);
}

static void bad_ioeventfd_outside(struct nlt_msg *msg, int fd)
{
	int event = eventfd(0, EFD_CLOEXEC);

	control_put_region(msg, 0, 0x1000);
	control_put_regions(msg);
	put_ioeventfd(msg, 0, 0xffe, 4, event);
}

static void bad_ioeventfd_count(struct nlt_msg *msg, int fd)
{
	int event = eventfd(0, EFD_CLOEXEC);
	int i;

	control_put_region(msg, 0, 0x4000);
	control_put_regions(msg);
	for (i = 0; i < 1025; i++)
		put_ioeventfd(msg, 0, 4 * i, 4, event);
}

static void bad_irq_twice(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, PAGE, fd, fd);
	put_irq(msg, 2, 4);
	put_irq(msg, 2, 4);
}

static void bad_irq_index(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, PAGE, fd, fd);
	put_irq(msg, 16, 4);
}

static void bad_irq_count(struct nlt_msg *msg, int fd)
{
	bad_areas(msg, PAGE, PAGE, PAGE, fd, fd);
	put_irq(msg, 2, 4097);
}

static void bad_irq_fd_closed(struct nlt_msg *msg, int fd)
{
	control_put_regions(msg);
	put_irq_fd(msg, 0, 1000);
}

static void bad_irq_fd_file(struct nlt_msg *msg, int fd)
{
	control_put_regions(msg);
	put_irq_fd(msg, 0, fd);
}

static void bad_irq_fd_index(struct nlt_msg *msg, int fd)
{
	control_put_regions(msg);
	put_irq_fd(msg, 2, fd);
}

static void bad_config(struct nlt_msg *msg, int fd)
{
	static const char config[VUSER_CONFIG_MAX + 1];

	bad_areas(msg, PAGE, PAGE, PAGE, fd, fd);
	nlt_put(msg, VUSER_A_DEV_CONFIG, config, sizeof(config));
}

FIXTURE(bad)
{
	struct control c;
	int pipe[2];
};

FIXTURE_VARIANT(bad)
{
	void (*spoil)(struct nlt_msg *msg, int fd);
	int error;
};

#define BAD(_name, _error)                             \
	FIXTURE_VARIANT_ADD(bad, _name)                \
	{                                              \
		.spoil = bad_##_name, .error = _error, \
	}

BAD(no_config, -EINVAL);
BAD(region_twice, -EINVAL);
BAD(region_index, -EINVAL);
BAD(region_size, -EINVAL);
BAD(region_incomplete, -EINVAL);
BAD(area_overlap, -EINVAL);
BAD(area_outside, -EINVAL);
BAD(area_wraps, -EINVAL);
BAD(area_empty, -EINVAL);
BAD(area_alignment, -EINVAL);
BAD(area_fd, -EBADF);
BAD(area_count, -E2BIG);
BAD(ioeventfd_fd, -EINVAL);
BAD(ioeventfd_region, -EINVAL);
BAD(ioeventfd_size, -EINVAL);
BAD(ioeventfd_outside, -EINVAL);
BAD(ioeventfd_count, -E2BIG);
BAD(irq_twice, -EINVAL);
BAD(irq_index, -EINVAL);
BAD(irq_count, -EINVAL);
BAD(irq_fd_closed, -EBADF);
BAD(irq_fd_file, -EINVAL);
BAD(irq_fd_index, -EINVAL);
BAD(config, -E2BIG);

FIXTURE_SETUP(bad)
{
	ASSERT_EQ(0, control_start(&self->c));
	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
}

FIXTURE_TEARDOWN(bad)
{
	EXPECT_EQ(0, control_stop(&self->c));
}

/*
 * The kernel refuses the whole description and holds none of its files.
 * Afterwards a valid description is accepted.
 */
TEST_F(bad, invalid_description_is_refused)
{
	struct nlt_msg *msg;
	struct control_info info;

	msg = control_attach_new(self->c.id, self->c.token, self->c.sock[0]);
	variant->spoil(msg, self->pipe[1]);
	EXPECT_EQ(variant->error, nlt_call(&self->c.nl, msg, NULL, NULL));
	EXPECT_EQ(0, control_get(&self->c.nl, self->c.id, &info));
	EXPECT_EQ(VUSER_STATE_CREATED, info.state);

	EXPECT_EQ(0, control_attach(&self->c.nl, self->c.id, self->c.token,
				    self->c.sock[0]));
	EXPECT_EQ(0,
		  control_detach(&self->c.nl, self->c.id, self->c.token, NULL));
	close(self->c.sock[0]);
	self->c.sock[0] = -1;
	close(self->pipe[1]);
	EXPECT_TRUE(control_hung_up(self->c.sock[1]));
	EXPECT_TRUE(control_hung_up(self->pipe[0]));
}

TEST_HARNESS_MAIN
