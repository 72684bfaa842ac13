// SPDX-License-Identifier: GPL-2.0
/*
 * Trace events: one line for each message, the whole header of a malformed
 * message, and the loss of the server that follows.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio_user.h>
#include <linux/vuser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/testdev.h"
#include "lib/vfio.h"

#define BAR0 VFIO_PCI_BAR0_REGION_INDEX
#define PAGE 0x1000UL

/* A trace instance of our own, so that other users do not interfere. */
#define INSTANCE "/sys/kernel/tracing/instances/vuser-test"

/* The size of the command.  The reply is 4 bytes longer. */
#define READ_SIZE (sizeof(struct vfio_user_header) + 16)

FIXTURE(trace)
{
	struct testdev td;
	struct vfio_dev dev;
	char text[65536]; /* the content of the trace */
};

FIXTURE_SETUP(trace)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	rmdir(INSTANCE);
	ASSERT_EQ(0, mkdir(INSTANCE, 0700));
	ASSERT_EQ(0, file_write(INSTANCE "/events/vuser/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	file_write(INSTANCE "/events/vuser/enable", "0");
	EXPECT_EQ(0, rmdir(INSTANCE));
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

static int trace_read(FIXTURE_DATA(trace) *self)
{
	size_t len = 0, size = sizeof(self->text) - 1;
	int fd = open(INSTANCE "/trace", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	while ((got = read(fd, self->text + len, size - len)) > 0)
		len += got;
	close(fd);
	self->text[len] = '\0';
	return got;
}

/* Line @nr of an event, counted from 0, after its name; NULL if absent. */
static const char *trace_line(FIXTURE_DATA(trace) *self, const char *event,
			      unsigned int nr)
{
	const char *at = self->text;
	char name[64];

	snprintf(name, sizeof(name), " %s: ", event);
	while ((at = strstr(at, name))) {
		at += strlen(name);
		if (!nr--)
			return at;
	}
	return NULL;
}

/* The fields of a message's line. */
struct line {
	unsigned int dev, id, command, size, flags, error;
};

static bool trace_message(FIXTURE_DATA(trace) *self, const char *event,
			  struct line *line)
{
	const char *text = trace_line(self, event, 0);

	return text &&
	       sscanf(text, "dev=%u id=%x command=%u size=%u flags=%x error=%u",
		      &line->dev, &line->id, &line->command, &line->size,
		      &line->flags, &line->error) == 6;
}

TEST_F(trace, pread_traces_command_and_reply)
{
	struct line sent, received;
	uint32_t id = 0;

	ASSERT_EQ(0,
		  region_get(self->dev.device, BAR0, TESTDEV_REG_ID, &id, 4));
	ASSERT_EQ(0, trace_read(self));

	ASSERT_TRUE(trace_message(self, "vuser_send", &sent));
	EXPECT_NE(0, sent.dev);
	EXPECT_EQ(VFIO_USER_REGION_READ, sent.command);
	EXPECT_EQ(READ_SIZE, sent.size);
	EXPECT_EQ(0, sent.flags);
	EXPECT_EQ(0, sent.error);
	ASSERT_TRUE(trace_message(self, "vuser_recv", &received));
	EXPECT_EQ(sent.dev, received.dev);
	EXPECT_EQ(sent.id, received.id);
	EXPECT_EQ(VFIO_USER_REGION_READ, received.command);
	EXPECT_EQ(READ_SIZE + 4, received.size);
	EXPECT_EQ(VFIO_USER_FLAGS_TYPE_REPLY, received.flags);
	EXPECT_EQ(0, received.error);

	EXPECT_EQ(NULL, trace_line(self, "vuser_send", 1));
	EXPECT_EQ(NULL, trace_line(self, "vuser_recv", 1));
	EXPECT_EQ(NULL, trace_line(self, "vuser_bad_msg", 0));
}

TEST_F(trace, malformed_reply_is_traced_with_its_header)
{
	struct vfio_user_header hdr = {
		.command = VFIO_USER_REGION_READ,
		.msg_size = READ_SIZE + 4,
		.flags = VFIO_USER_FLAGS_TYPE_REPLY,
	};
	struct line sent = {};
	char want[256];
	uint32_t id;
	size_t i;
	int len;

	ASSERT_EQ(0, testdev_cmd(&self->td, "corrupt read id"));
	EXPECT_EQ(-EIO,
		  region_get(self->dev.device, BAR0, TESTDEV_REG_ID, &id, 4));
	ASSERT_EQ(0, mdev_wait_lost(self->td.uuid, SOON_MS));
	ASSERT_EQ(0, trace_read(self));

	ASSERT_TRUE(trace_message(self, "vuser_send", &sent));
	hdr.msg_id = sent.id ^ 0x5555;
	len = snprintf(
		want, sizeof(want),
		"dev=%u reply to a command that is not pending:", sent.dev);
	for (i = 0; i < sizeof(hdr); i++)
		len += snprintf(want + len, sizeof(want) - len, " %02x",
				((unsigned char *)&hdr)[i]);
	snprintf(want + len, sizeof(want) - len, "\n");
	ASSERT_NE(NULL, trace_line(self, "vuser_bad_msg", 0));
	EXPECT_EQ(0, strncmp(want, trace_line(self, "vuser_bad_msg", 0),
			     strlen(want)))
	TH_LOG("not %s%s", want, self->text);
	EXPECT_EQ(NULL, trace_line(self, "vuser_bad_msg", 1));

	snprintf(want, sizeof(want),
		 "dev=%u error=%d reply to a command that is not pending\n",
		 sent.dev, -EPROTO);
	ASSERT_NE(NULL, trace_line(self, "vuser_lost", 0));
	EXPECT_EQ(0, strncmp(want, trace_line(self, "vuser_lost", 0),
			     strlen(want)));
	snprintf(want, sizeof(want), "dev=%u %u -> %u\n", sent.dev,
		 VUSER_STATE_OPEN, VUSER_STATE_LOST);
	ASSERT_NE(NULL, trace_line(self, "vuser_state", 0));
	EXPECT_EQ(0, strncmp(want, trace_line(self, "vuser_state", 0),
			     strlen(want)));
}

/* A load of a mapped register, and DMA commands of the server. */
TEST_F(trace, load_and_dma_are_traced)
{
	volatile uint32_t *bar;
	const char *line;
	void *mem;

	mem = mem_anon(PAGE);
	ASSERT_NE(NULL, mem);
	bar = region_mmap(self->dev.device, BAR0, 0, PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_cmd(&self->td, "strip-fds 1"));
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0x40000, PAGE, DMA_RW));
	EXPECT_EQ(TESTDEV_ID, bar[TESTDEV_REG_ID / 4]);
	EXPECT_EQ(0, testdev_cmd(&self->td, "dma-read 0x40010 8"));
	EXPECT_EQ(0, testdev_cmd(&self->td, "dma-write 0x40020 0102"));
	/* The device cannot be removed while it is mapped. */
	munmap((void *)bar, PAGE);
	ASSERT_EQ(0, trace_read(self));

	line = trace_line(self, "vuser_trap", 0);
	ASSERT_NE(NULL, line);
	EXPECT_NE(NULL, strstr(line, "region=0 off=0x0 size=4 load "
				     "val=0x54445655 err=0\n"));
	line = trace_line(self, "vuser_dma", 0);
	ASSERT_NE(NULL, line);
	EXPECT_NE(NULL, strstr(line, "iova=0x40010 count=8 read err=0\n"));
	line = trace_line(self, "vuser_dma", 1);
	ASSERT_NE(NULL, line);
	EXPECT_NE(NULL, strstr(line, "iova=0x40020 count=2 write err=0\n"));
	munmap(mem, PAGE);
}

HELPER_MAIN
