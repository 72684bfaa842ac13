// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of the control plane: valid, invalid and mutated.  The test is the
 * helper of the device; vuserd does not run.
 */
#include <linux/vfio.h>
#include <linux/vuser.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <kselftest_harness.h>

#include "lib/genl.h"
#include "lib/res.h"
#include "lib/sysfs.h"

#define PAGE 0x1000UL

FIXTURE(family)
{
	struct genl nl;
	struct genl_msg msg;
	char uuid[UUID_LEN + 1];
	uint32_t id;
	uint64_t token;
	int sock[2]; /* the server's end is [1] */
	int memfd;
	int eventfd;
	int fds;
};

static void parse_uuid(const char *text, uint8_t *uuid)
{
	unsigned int byte, i;

	for (i = 0; i < VUSER_UUID_LEN; i++) {
		text += *text == '-';
		sscanf(text, "%2x", &byte);
		uuid[i] = byte;
		text += 2;
	}
}

static int claim(struct genl *nl, uint32_t id, uint64_t *token)
{
	struct genl_msg msg;
	int ret;

	genl_begin(nl, &msg, VUSER_CMD_DEV_CLAIM, 0);
	genl_put_u32(&msg, VUSER_A_DEV_ID, id);
	ret = genl_send(nl, &msg);
	if (!ret && token)
		*token = genl_get(VUSER_A_DEV_TOKEN);
	return ret;
}

FIXTURE_SETUP(family)
{
	uint8_t uuid[VUSER_UUID_LEN];

	self->fds = res_fds(0);
	uuid_new(self->uuid);
	ASSERT_EQ(0, mdev_create(self->uuid));
	ASSERT_EQ(0, genl_open(&self->nl));
	parse_uuid(self->uuid, uuid);
	genl_begin(&self->nl, &self->msg, VUSER_CMD_DEV_GET, 0);
	genl_put(&self->msg, VUSER_A_DEV_UUID, uuid, sizeof(uuid));
	ASSERT_EQ(0, genl_send(&self->nl, &self->msg));
	self->id = genl_get(VUSER_A_DEV_ID);
	ASSERT_EQ(0, claim(&self->nl, self->id, &self->token));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, self->sock));
	self->memfd = memfd_create("area", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(self->memfd, 16 * PAGE));
	self->eventfd = eventfd(0, EFD_CLOEXEC);
}

FIXTURE_TEARDOWN(family)
{
	genl_close(&self->nl);
	close(self->sock[0]);
	close(self->sock[1]);
	close(self->memfd);
	close(self->eventfd);
	EXPECT_EQ(0, mdev_remove(self->uuid));
	EXPECT_EQ(self->fds, res_fds(0));
}

#define BEGIN(cmd)	 genl_begin(&self->nl, &self->msg, cmd, 0)
#define U32(type, value) genl_put_u32(&self->msg, type, value)
#define U64(type, value) genl_put_u64(&self->msg, type, value)
#define SEND()		 genl_send(&self->nl, &self->msg)

TEST_F(family, dev_get_finds_a_device_by_id_or_uuid)
{
	uint8_t uuid[VUSER_UUID_LEN] = {};

	BEGIN(VUSER_CMD_DEV_GET);
	EXPECT_EQ(-EINVAL, SEND());
	BEGIN(VUSER_CMD_DEV_GET);
	U32(VUSER_A_DEV_ID, self->id);
	ASSERT_EQ(0, SEND());
	EXPECT_EQ(VUSER_STATE_CREATED, genl_get(VUSER_A_DEV_STATE));
	EXPECT_NE(0, genl_get(VUSER_A_DEV_OWNER));
	/* Only the kernel and the owner know the token. */
	EXPECT_EQ(-1, genl_get(VUSER_A_DEV_TOKEN));

	BEGIN(VUSER_CMD_DEV_GET);
	U32(VUSER_A_DEV_ID, 0xfffffff0);
	EXPECT_EQ(-ENODEV, SEND());
	BEGIN(VUSER_CMD_DEV_GET);
	genl_put(&self->msg, VUSER_A_DEV_UUID, uuid, sizeof(uuid));
	EXPECT_EQ(-ENODEV, SEND());
	/* Both keys at once; a truncated key. */
	BEGIN(VUSER_CMD_DEV_GET);
	U32(VUSER_A_DEV_ID, self->id);
	genl_put(&self->msg, VUSER_A_DEV_UUID, uuid, sizeof(uuid));
	EXPECT_EQ(-EINVAL, SEND());
	BEGIN(VUSER_CMD_DEV_GET);
	genl_put(&self->msg, VUSER_A_DEV_UUID, uuid, 15);
	EXPECT_GT(0, SEND());
	BEGIN(VUSER_CMD_DEV_GET);
	genl_put(&self->msg, VUSER_A_DEV_ID, "", 1);
	EXPECT_GT(0, SEND());
}

TEST_F(family, dump_shows_devices_and_no_fdmsgs)
{
	genl_begin(&self->nl, &self->msg, VUSER_CMD_DEV_GET, NLM_F_DUMP);
	EXPECT_EQ(0, SEND());
	EXPECT_EQ(self->id, genl_get(VUSER_A_DEV_ID));
	genl_begin(&self->nl, &self->msg, VUSER_CMD_FDMSG_GET, NLM_F_DUMP);
	EXPECT_EQ(0, SEND());
	EXPECT_EQ(-1, genl_get(VUSER_A_FDMSG_ID));
}

/* Strict validation refuses unknown attributes and commands. */
TEST_F(family, unknown_attributes_and_commands_are_refused)
{
	BEGIN(VUSER_CMD_DEV_GET);
	U32(VUSER_A_DEV_ID, self->id);
	U32(VUSER_A_DEV_MAX + 7, 1);
	EXPECT_EQ(-EINVAL, SEND());
	BEGIN(VUSER_CMD_MAX + 1);
	EXPECT_EQ(-EOPNOTSUPP, SEND());
	/* A known attribute that this command does not take. */
	BEGIN(VUSER_CMD_DEV_GET);
	U32(VUSER_A_DEV_ID, self->id);
	U32(VUSER_A_DEV_SOCKET_FD, 0);
	EXPECT_EQ(-EINVAL, SEND());
	/* A nest without NLA_F_NESTED. */
	BEGIN(VUSER_CMD_DEV_ATTACH);
	genl_put(&self->msg, VUSER_A_DEV_REGION, NULL, 0);
	EXPECT_EQ(-EINVAL, SEND());
}

static const uint8_t admin_commands[] = {
	VUSER_CMD_DEV_SET,    VUSER_CMD_DEV_CLAIM,   VUSER_CMD_DEV_ATTACH,
	VUSER_CMD_DEV_DETACH, VUSER_CMD_FDMSG_GET,   VUSER_CMD_FDMSG_SEND,
	VUSER_CMD_FDMSG_DONE, VUSER_CMD_DEV_REPLACE,
};

TEST_F(family, unprivileged_caller_can_only_read)
{
	unsigned int i;
	pid_t pid;
	int status;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct genl nl;

		if (setresuid(65534, 65534, 65534) || genl_open(&nl))
			_exit(100);
		genl_begin(&nl, &self->msg, VUSER_CMD_DEV_GET, 0);
		U32(VUSER_A_DEV_ID, self->id);
		if (genl_send(&nl, &self->msg))
			_exit(101);
		for (i = 0; i < sizeof(admin_commands); i++) {
			genl_begin(&nl, &self->msg, admin_commands[i], 0);
			U32(VUSER_A_DEV_ID, self->id);
			if (genl_send(&nl, &self->msg) != -EPERM)
				_exit(i + 1);
		}
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(family, device_has_one_owner_until_its_socket_closes)
{
	struct genl other;
	uint64_t token = 0;

	ASSERT_EQ(0, genl_open(&other));
	EXPECT_EQ(-EBUSY, claim(&other, self->id, NULL));
	EXPECT_EQ(-ENODEV, claim(&other, 0xfffffff0, NULL));
	/* The owner may claim again, which invalidates the old token. */
	EXPECT_EQ(0, claim(&self->nl, self->id, &token));
	EXPECT_NE(self->token, token);
	BEGIN(VUSER_CMD_DEV_DETACH);
	U32(VUSER_A_DEV_ID, self->id);
	U64(VUSER_A_DEV_TOKEN, self->token);
	EXPECT_EQ(-EPERM, SEND());
	/* The token is not valid for another port. */
	genl_begin(&other, &self->msg, VUSER_CMD_DEV_DETACH, 0);
	U32(VUSER_A_DEV_ID, self->id);
	U64(VUSER_A_DEV_TOKEN, token);
	EXPECT_EQ(-EPERM, genl_send(&other, &self->msg));
	/* Closing the owner's socket ends its ownership. */
	genl_close(&self->nl);
	EXPECT_EQ(0, claim(&other, self->id, NULL));
	self->nl = other;
}

TEST_F(family, nonexistent_fdmsgs_are_refused)
{
	BEGIN(VUSER_CMD_FDMSG_SEND);
	U32(VUSER_A_FDMSG_DEV, self->id);
	U64(VUSER_A_FDMSG_TOKEN, self->token);
	U64(VUSER_A_FDMSG_ID, 12345);
	U32(VUSER_A_FDMSG_NULL_FD, self->eventfd);
	EXPECT_GT(0, SEND());
	BEGIN(VUSER_CMD_FDMSG_DONE);
	U32(VUSER_A_FDMSG_DEV, self->id);
	U64(VUSER_A_FDMSG_TOKEN, self->token);
	U64(VUSER_A_FDMSG_ID, 12345);
	U32(VUSER_A_FDMSG_STATUS, EIO);
	EXPECT_GT(0, SEND());
	/* Every attribute is required. */
	BEGIN(VUSER_CMD_FDMSG_SEND);
	U32(VUSER_A_FDMSG_DEV, self->id);
	U64(VUSER_A_FDMSG_TOKEN, self->token);
	EXPECT_EQ(-EINVAL, SEND());
	/* 0 is not a valid errno. */
	BEGIN(VUSER_CMD_FDMSG_DONE);
	U32(VUSER_A_FDMSG_DEV, self->id);
	U64(VUSER_A_FDMSG_TOKEN, self->token);
	U64(VUSER_A_FDMSG_ID, 1);
	U32(VUSER_A_FDMSG_STATUS, 0);
	EXPECT_GT(0, SEND());
	BEGIN(VUSER_CMD_FDMSG_GET);
	U32(VUSER_A_FDMSG_DEV, self->id);
	U64(VUSER_A_FDMSG_ID, 12345);
	EXPECT_EQ(-ENOENT, SEND());
}

TEST_F(family, valid_settings_are_applied_and_others_refused)
{
	char buf[64], path[VUSER_ENDPOINT_MAX + 2];

	BEGIN(VUSER_CMD_DEV_SET);
	U32(VUSER_A_DEV_ID, self->id);
	U32(VUSER_A_DEV_REQUEST_TIMEOUT_MS, 1234);
	U32(VUSER_A_DEV_MMAP, VUSER_MMAP_POLICY_SPARSE);
	ASSERT_EQ(0, SEND());
	ASSERT_EQ(0,
		  mdev_get(self->uuid, "request_timeout_ms", buf, sizeof(buf)));
	EXPECT_STREQ("1234", buf);
	ASSERT_EQ(0, mdev_get(self->uuid, "mmap", buf, sizeof(buf)));
	EXPECT_STREQ("sparse", buf);

	BEGIN(VUSER_CMD_DEV_SET);
	U32(VUSER_A_DEV_ID, self->id);
	U32(VUSER_A_DEV_MMAP, 3);
	EXPECT_GT(0, SEND());
	BEGIN(VUSER_CMD_DEV_SET);
	U32(VUSER_A_DEV_ID, self->id);
	U32(VUSER_A_DEV_REQUEST_TIMEOUT_MS, 0);
	EXPECT_GT(0, SEND());
	/* A path that is too long, one without a NUL, and a relative one. */
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	BEGIN(VUSER_CMD_DEV_SET);
	U32(VUSER_A_DEV_ID, self->id);
	genl_put(&self->msg, VUSER_A_DEV_ENDPOINT, path, sizeof(path));
	EXPECT_GT(0, SEND());
	BEGIN(VUSER_CMD_DEV_SET);
	U32(VUSER_A_DEV_ID, self->id);
	genl_put(&self->msg, VUSER_A_DEV_ENDPOINT, "/x", 2);
	EXPECT_GT(0, SEND());
	BEGIN(VUSER_CMD_DEV_SET);
	U32(VUSER_A_DEV_ID, self->id);
	genl_put(&self->msg, VUSER_A_DEV_ENDPOINT, "relative", 9);
	EXPECT_GT(0, SEND());
	ASSERT_EQ(0, mdev_get(self->uuid, "endpoint", buf, sizeof(buf)));
	EXPECT_STREQ("", buf);
}

/* The address is valid and free, and so are the settings; only the path is not. */
TEST_F(family, refused_message_changes_no_setting)
{
	char before[64], address[64], buf[64];

	ASSERT_EQ(0,
		  mdev_get(self->uuid, "pci_address", before, sizeof(before)));
	BEGIN(VUSER_CMD_DEV_SET);
	U32(VUSER_A_DEV_ID, self->id);
	U32(VUSER_A_DEV_REQUEST_TIMEOUT_MS, 4321);
	genl_put(&self->msg, VUSER_A_DEV_PCI_ADDRESS, "5655:7e:00.0", 13);
	genl_put(&self->msg, VUSER_A_DEV_ENDPOINT, "relative", 9);
	EXPECT_EQ(-EINVAL, SEND());
	ASSERT_EQ(0, mdev_get(self->uuid, "pci_address", address,
			      sizeof(address)));
	EXPECT_STREQ(before, address);
	ASSERT_EQ(0,
		  mdev_get(self->uuid, "request_timeout_ms", buf, sizeof(buf)));
	EXPECT_STRNE("4321", buf);

	/* Here the path is valid, and the address is not. */
	BEGIN(VUSER_CMD_DEV_SET);
	U32(VUSER_A_DEV_ID, self->id);
	genl_put(&self->msg, VUSER_A_DEV_PCI_ADDRESS, "5655:7e:20.0", 13);
	genl_put(&self->msg, VUSER_A_DEV_ENDPOINT, "/run/none", 10);
	EXPECT_EQ(-EINVAL, SEND());
	ASSERT_EQ(0, mdev_get(self->uuid, "endpoint", buf, sizeof(buf)));
	EXPECT_STREQ("", buf);
}

/* A description; each test sets one invalid value. */
struct spec {
	const char *wrong;
	int sock; /* descriptors; 0: the valid one */
	int area_fd;
	int eventfd;
	uint32_t flags;
	uint32_t region; /* index of BAR 0 */
	uint64_t size;
	uint64_t area_off, area_size, file_off;
	uint32_t second_area; /* 1: the same area again */
	uint32_t io_region;
	uint64_t io_off;
	uint32_t io_size;
	uint32_t io_flags;
	uint32_t irq_index;
	uint32_t irq_count;
	uint32_t max_fds;
	uint32_t max_xfer;
	int skip; /* an attribute to leave out */
};

static const struct spec good = {
	.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
	.size = 16 * PAGE,
	.area_off = 4 * PAGE,
	.area_size = 2 * PAGE,
	.io_size = 4,
	.irq_index = VFIO_PCI_MSIX_IRQ_INDEX,
	.irq_count = 4,
	.max_fds = 8,
	.max_xfer = 1 << 20,
};

static void put_region(struct genl_msg *msg, uint32_t index, uint64_t size,
		       const struct spec *s, int memfd)
{
	size_t nest = genl_nest(msg, VUSER_A_DEV_REGION), area;
	uint32_t i;

	genl_put_u32(msg, VUSER_A_REGION_INDEX, index);
	genl_put_u64(msg, VUSER_A_REGION_SIZE, size);
	genl_put_u32(msg, VUSER_A_REGION_FLAGS,
		     VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
	for (i = 0; s && i <= s->second_area; i++) {
		area = genl_nest(msg, VUSER_A_REGION_AREA);
		genl_put_u64(msg, VUSER_A_AREA_OFFSET, s->area_off);
		genl_put_u64(msg, VUSER_A_AREA_SIZE, s->area_size);
		genl_put_u32(msg, VUSER_A_AREA_FD, s->area_fd ?: memfd);
		genl_put_u64(msg, VUSER_A_AREA_FILE_OFFSET, s->file_off);
		genl_nest_end(msg, area);
	}
	genl_nest_end(msg, nest);
}

static void put_rest(struct genl_msg *msg, const struct spec *s, int eventfd)
{
	size_t nest = genl_nest(msg, VUSER_A_DEV_IOEVENTFD);

	genl_put_u32(msg, VUSER_A_IOEVENTFD_REGION, s->io_region);
	genl_put_u64(msg, VUSER_A_IOEVENTFD_OFFSET, s->io_off);
	genl_put_u32(msg, VUSER_A_IOEVENTFD_SIZE, s->io_size);
	genl_put_u32(msg, VUSER_A_IOEVENTFD_FLAGS, s->io_flags);
	genl_put_u64(msg, VUSER_A_IOEVENTFD_DATAMATCH, 0);
	genl_put_u32(msg, VUSER_A_IOEVENTFD_FD, s->eventfd ?: eventfd);
	genl_nest_end(msg, nest);
	nest = genl_nest(msg, VUSER_A_DEV_IRQ);
	genl_put_u32(msg, VUSER_A_IRQ_INDEX, s->irq_index);
	genl_put_u32(msg, VUSER_A_IRQ_FLAGS, VFIO_IRQ_INFO_EVENTFD);
	genl_put_u32(msg, VUSER_A_IRQ_COUNT, s->irq_count);
	genl_nest_end(msg, nest);
}

static void build(FIXTURE_DATA(family) *self, const struct spec *s)
{
	BEGIN(VUSER_CMD_DEV_ATTACH);
	if (s->skip != VUSER_A_DEV_ID)
		U32(VUSER_A_DEV_ID, self->id);
	if (s->skip != VUSER_A_DEV_TOKEN)
		U64(VUSER_A_DEV_TOKEN, self->token);
	if (s->skip != VUSER_A_DEV_SOCKET_FD)
		U32(VUSER_A_DEV_SOCKET_FD, s->sock ?: self->sock[0]);
	if (s->skip != VUSER_A_DEV_MINOR)
		U32(VUSER_A_DEV_MINOR, 1);
	if (s->skip != VUSER_A_DEV_MAX_MSG_FDS)
		U32(VUSER_A_DEV_MAX_MSG_FDS, s->max_fds);
	if (s->skip != VUSER_A_DEV_MAX_DATA_XFER_SIZE)
		U32(VUSER_A_DEV_MAX_DATA_XFER_SIZE, s->max_xfer);
	if (s->skip != VUSER_A_DEV_FLAGS)
		U32(VUSER_A_DEV_FLAGS, s->flags);
	put_region(&self->msg, s->region, s->size, s, self->memfd);
	if (s->skip != VUSER_A_DEV_REGION)
		put_region(&self->msg, VFIO_PCI_CONFIG_REGION_INDEX, 256, NULL,
			   -1);
	put_rest(&self->msg, s, self->eventfd);
}

static int state_of(FIXTURE_DATA(family) *self)
{
	BEGIN(VUSER_CMD_DEV_GET);
	U32(VUSER_A_DEV_ID, self->id);
	return SEND() ? -1 : (int)genl_get(VUSER_A_DEV_STATE);
}

TEST_F(family, device_can_be_attached_once)
{
	build(self, &good);
	ASSERT_EQ(0, SEND());
	EXPECT_EQ(VUSER_STATE_ATTACHED, state_of(self));
	/* The device has a server already. */
	build(self, &good);
	EXPECT_EQ(-EBUSY, SEND());
	/* The server hangs up. */
	shutdown(self->sock[1], SHUT_RDWR);
	ASSERT_EQ(0, mdev_wait(self->uuid, "state", "lost", 10000));
	BEGIN(VUSER_CMD_DEV_DETACH);
	U32(VUSER_A_DEV_ID, self->id);
	U64(VUSER_A_DEV_TOKEN, self->token);
	genl_put(&self->msg, VUSER_A_DEV_ERROR, "hung up", 8);
	ASSERT_EQ(0, SEND());
	EXPECT_EQ(VUSER_STATE_CREATED, state_of(self));
}

TEST_F(family, detach_sets_state_and_error)
{
	char error[64];

	build(self, &good);
	ASSERT_EQ(0, SEND());
	BEGIN(VUSER_CMD_DEV_DETACH);
	U32(VUSER_A_DEV_ID, self->id);
	U64(VUSER_A_DEV_TOKEN, self->token);
	genl_put(&self->msg, VUSER_A_DEV_ERROR, "no more", 8);
	ASSERT_EQ(0, SEND());
	EXPECT_EQ(VUSER_STATE_CREATED, state_of(self));
	ASSERT_EQ(0, mdev_get(self->uuid, "error", error, sizeof(error)));
	EXPECT_STREQ("no more", error);
}

/* @what names the error that the fields put into a valid description. */
#define WRONG(what, ...) { .wrong = what, __VA_ARGS__ }

static struct spec edit(const struct spec *e)
{
	struct spec s = good;

#define TAKE(field)                         \
	do {                                \
		if (e->field)               \
			s.field = e->field; \
	} while (0)
	TAKE(sock);
	TAKE(area_fd);
	TAKE(eventfd);
	TAKE(flags);
	TAKE(region);
	TAKE(size);
	TAKE(area_off);
	TAKE(area_size);
	TAKE(file_off);
	TAKE(second_area);
	TAKE(io_region);
	TAKE(io_off);
	TAKE(io_size);
	TAKE(io_flags);
	TAKE(irq_index);
	TAKE(irq_count);
	TAKE(max_fds);
	TAKE(max_xfer);
	TAKE(skip);
#undef TAKE
	return s;
}

#define BAD_FD 999

static const struct spec wrongs[] = {
	WRONG("no id", .skip = VUSER_A_DEV_ID),
	WRONG("no token", .skip = VUSER_A_DEV_TOKEN),
	WRONG("no socket", .skip = VUSER_A_DEV_SOCKET_FD),
	WRONG("no minor", .skip = VUSER_A_DEV_MINOR),
	WRONG("no max_msg_fds", .skip = VUSER_A_DEV_MAX_MSG_FDS),
	WRONG("no max_data_xfer_size", .skip = VUSER_A_DEV_MAX_DATA_XFER_SIZE),
	WRONG("no flags", .skip = VUSER_A_DEV_FLAGS),
	WRONG("no configuration space", .skip = VUSER_A_DEV_REGION),
	WRONG("socket is closed", .sock = BAD_FD),
	WRONG("area's file is closed", .area_fd = BAD_FD),
	WRONG("eventfd is closed", .eventfd = BAD_FD),
	WRONG("eventfd is another file", .eventfd = STDERR_FILENO),
	WRONG("not PCI", .flags = VFIO_DEVICE_FLAGS_PLATFORM),
	WRONG("region index too high", .region = 32),
	WRONG("region index far too high", .region = ~0U),
	WRONG("region twice", .region = VFIO_PCI_CONFIG_REGION_INDEX),
	WRONG("region too large", .size = ~0ULL),
	WRONG("area past the end", .area_off = 16 * PAGE),
	WRONG("area across the end", .area_off = 15 * PAGE),
	WRONG("area without page alignment", .area_off = 0x800),
	WRONG("area of half a page", .area_size = 0x800),
	WRONG("area wraps", .area_off = ~0xfffULL),
	WRONG("area's size wraps", .area_size = ~0xfffULL),
	WRONG("file offset without page alignment", .file_off = 0x800),
	WRONG("file offset wraps", .file_off = ~0xfffULL),
	WRONG("areas overlap", .second_area = 1),
	WRONG("too many areas", .second_area = 64),
	WRONG("ioeventfd of an absent region", .io_region = 5),
	WRONG("ioeventfd's region index too high", .io_region = 32),
	WRONG("ioeventfd past the end", .io_off = 16 * PAGE),
	WRONG("ioeventfd across the end", .io_off = 16 * PAGE - 2),
	WRONG("ioeventfd of 3 bytes", .io_size = 3),
	WRONG("ioeventfd of 16 bytes", .io_size = 16),
	WRONG("ioeventfd's unknown flag", .io_flags = 0x80),
	WRONG("irq index too high", .irq_index = 16),
	WRONG("too many interrupts", .irq_count = 4097),
};

TEST_F(family, invalid_descriptions_are_refused)
{
	struct spec s;
	unsigned int i;

	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		s = edit(&wrongs[i]);
		build(self, &s);
		EXPECT_GT(0, SEND()) TH_LOG("%s", wrongs[i].wrong);
		EXPECT_EQ(VUSER_STATE_CREATED, state_of(self))
		TH_LOG("%s", wrongs[i].wrong);
	}
	/* Afterwards, a valid description is accepted. */
	build(self, &good);
	EXPECT_EQ(0, SEND());
}

TEST_F(family, other_files_than_connected_streams_are_refused)
{
	struct spec s = good;
	int pair[2];

	s.sock = self->memfd;
	build(self, &s);
	EXPECT_EQ(-ENOTSOCK, SEND());
	s.sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	build(self, &s);
	EXPECT_GT(0, SEND());
	close(s.sock);
	s.sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	build(self, &s);
	EXPECT_GT(0, SEND());
	close(s.sock);
	s.sock = self->nl.fd;
	build(self, &s);
	EXPECT_GT(0, SEND());
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	s.sock = pair[0];
	build(self, &s);
	EXPECT_GT(0, SEND());
	close(pair[0]);
	close(pair[1]);
	/* The main socket cannot be the twin socket, too. */
	build(self, &good);
	U32(VUSER_A_DEV_TWIN_FD, self->sock[0]);
	EXPECT_GT(0, SEND());
	EXPECT_EQ(VUSER_STATE_CREATED, state_of(self));
}

/*
 * Valid messages with some bytes changed: the kernel may accept or refuse each,
 * and must survive.  The changes are the same in each run.
 */
TEST_F_TIMEOUT(family, mutated_messages_leave_the_device_usable, 120)
{
	unsigned int seed = 20261120, i, k, nr;
	struct genl_msg *msg = &self->msg;
	size_t at;

	for (i = 0; i < 3000; i++) {
		build(self, &good);
		nr = 1 + rand_r(&seed) % 4;
		for (k = 0; k < nr; k++) {
			at = NLMSG_HDRLEN + 4 +
			     rand_r(&seed) % (msg->len - NLMSG_HDRLEN - 4);
			msg->buf[at] = rand_r(&seed);
		}
		if (rand_r(&seed) % 8 == 0)
			msg->len = NLMSG_HDRLEN + 4 +
				   rand_r(&seed) % (msg->len - NLMSG_HDRLEN);
		if (SEND())
			continue;
		/* The message was accepted: undo it. */
		BEGIN(VUSER_CMD_DEV_DETACH);
		U32(VUSER_A_DEV_ID, self->id);
		U64(VUSER_A_DEV_TOKEN, self->token);
		ASSERT_EQ(0, SEND());
	}
	/* The channel has shut the socket down: use a new pair. */
	close(self->sock[0]);
	close(self->sock[1]);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, self->sock));
	build(self, &good);
	EXPECT_EQ(0, SEND());
	EXPECT_EQ(VUSER_STATE_ATTACHED, state_of(self));
}

TEST_HARNESS_MAIN
