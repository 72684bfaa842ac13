// SPDX-License-Identifier: GPL-2.0
/*
 * A few servers that send DMA commands without end.  Each command costs the kernel much
 * more than the server: it copies much data, or waits for another server.
 */
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <kselftest_harness.h>

#include "hostile/case.h"
#include "lib/clock.h"
#include "lib/helper.h"
#include "lib/task.h"
#include "lib/testdev.h"

#define NR_SERVERS 6
/* Commands that a server sends at once, fewer than the budget in kmod/server/bulk.h. */
#define BATCH 24
#define PAGE  HOSTILE_PAGE
/* The ID of a command that has a reply. */
#define ASKED 0xff00
/* Batches of small commands that another server sends. */
#define NR_SMALL  100
#define REGISTERS 0x80000000UL

#define TURNS "/sys/module/vuser/parameters/bulk_turns"

static const struct target stores = { VFIO_USER_REGION_WRITE };
static atomic_bool ended;
static sem_t reached;

struct dma_read {
	struct vfio_user_header hdr;
	struct vfio_user_dma_access access;
} __attribute__((packed));

/* Makes @read a DMA_READ that has no reply. */
static void silent_read(struct dma_read *read, uint64_t iova, uint64_t count)
{
	memset(read, 0, sizeof(*read));
	read->hdr.command = VFIO_USER_DMA_READ;
	read->hdr.msg_size = sizeof(*read);
	read->hdr.flags = VFIO_USER_FLAGS_NO_REPLY;
	read->access.address = iova;
	read->access.count = count;
}

/* Waits until the kernel has read all messages; false on an error. */
static bool wait_read(int sock)
{
	int left;

	while (!ioctl(sock, SIOCOUTQ, &left)) {
		if (!left)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/*
 * Sends reads of 16 KiB, and waits until they are served.  So no turn of the kernel has as
 * many messages as it may handle: a limit for their number does not slow this server.
 */
static enum next read_much(struct server *s, const struct trick *t)
{
	struct dma_read reads[BATCH];
	size_t i;

	for (i = 0; i < BATCH; i++)
		silent_read(&reads[i], ACTION_IOVA, 4 * PAGE);
	silent_read(&reads[BATCH - 1], ACTION_IOVA, 1);
	reads[BATCH - 1].hdr.flags = 0;
	reads[BATCH - 1].hdr.msg_id = ASKED;
	sem_post(&reached);
	while (!ended && !server_send(s, reads, sizeof(reads), NULL, 0) &&
	       !server_reply_to(s, ASKED))
		;
	return NEXT_SERVE;
}

/* Lets the server play the trick, and waits until it has begun. */
static void play(struct hostile *h, const struct trick *trick)
{
	server_arm(&h->server, trick, &stores);
	h->consumer.bar0[1] = 1;
	while (sem_wait(&reached))
		;
}

/* As consumer_open(), in iommufd. */
static int open_in_iommufd(struct consumer *c)
{
	struct vfio_dev *dev = &c->dev;
	int ret;

	dev->container = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	dev->group = group_open(c->uuid);
	ret = group_attach(dev->group, dev->container);
	if (!ret && ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		ret = -errno;
	if (ret)
		return ret;
	dev->device = group_device(dev->group, c->uuid);
	if (dev->device < 0)
		return dev->device;
	c->bar0 = region_mmap(dev->device, BAR(0), 0, HOSTILE_BAR0_SIZE,
			      PROT_READ | PROT_WRITE);
	return c->bar0 == MAP_FAILED ? -ENOMEM : 0;
}

static int hostile_open(struct hostile *h, bool iommufd)
{
	struct consumer *c = &h->consumer;
	int ret;

	ret = hostile_start(h, "/dev/null");
	if (!ret)
		ret = hostile_attach(h);
	if (!ret)
		ret = iommufd ? open_in_iommufd(c) : consumer_open(c);
	return ret ? ret :
		     dma_map(c->dev.container, c->mem, ACTION_IOVA, 4 * PAGE,
			     DMA_RW);
}

static void hostile_close(struct hostile *h)
{
	consumer_close(&h->consumer);
	hostile_stop(h);
}

/* Much data ---------------------------------------------------------------- */

FIXTURE(data)
{
	struct hostile *h;
};

/* With iommufd, a work item that may wait serves the commands. */
FIXTURE_VARIANT(data)
{
	bool iommufd;
};

FIXTURE_VARIANT_ADD(data, container) {
	.iommufd = false,
};

FIXTURE_VARIANT_ADD(data, iommufd) {
	.iommufd = true,
};

FIXTURE_SETUP(data)
{
	int i;

	if (variant->iommufd && access("/dev/iommu", F_OK))
		SKIP(return, "no /dev/iommu: CONFIG_IOMMUFD is not set");
	self->h = calloc(NR_SERVERS, sizeof(*self->h));
	ASSERT_NE(NULL, self->h);
	for (i = 0; i < NR_SERVERS; i++)
		ASSERT_EQ(0, hostile_open(&self->h[i], variant->iommufd));
	ended = false;
	sem_init(&reached, 0, 0);
}

FIXTURE_TEARDOWN(data)
{
	int i;

	ended = true;
	for (i = 0; i < NR_SERVERS && self->h; i++)
		hostile_close(&self->h[i]);
	free(self->h);
}

TEST_F_TIMEOUT(data, reads_of_much_data_use_half_of_the_processors, 120)
{
	static const struct trick trick = { .fn = read_much };
	/* One turn for two processors. */
	int most = (sysconf(_SC_NPROCESSORS_ONLN) + 1) / 2 * 100;
	int i, running;

	for (i = 0; i < NR_SERVERS; i++)
		play(&self->h[i], &trick);
	running = task_workers_running();
	ended = true;
	TH_LOG("work items that run at a time: %d%%", running);
	/* Servers may use a little before they take turns, and one turn may be ending. */
	EXPECT_GE(most + 100, running);
	/* The commands were served. */
	EXPECT_LE(most / 4, running);
	for (i = 0; i < NR_SERVERS; i++)
		EXPECT_EQ(0, mdev_wait(self->h[i].consumer.uuid, "state",
				       "open", SOON_MS));
}

/* A turn that sleeps ------------------------------------------------------- */

/*
 * The server "slow" floods, and makes DMA to registers of "to", whose server does not
 * answer.  So its turn sleeps.
 */
FIXTURE(turn)
{
	struct hostile slow, other;
	struct testdev to;
	struct vfio_dev dev;
	void *bar0;
};

FIXTURE_SETUP(turn)
{
	ASSERT_EQ(0, file_write(TURNS, "1"));
	ASSERT_EQ(0, hostile_open(&self->slow, false));
	ASSERT_EQ(0, hostile_open(&self->other, false));
	ASSERT_EQ(0, testdev_start(&self->to, NULL));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->to.uuid, VFIO_TYPE1v2_IOMMU));
	self->bar0 = region_mmap(self->dev.device, BAR(0), 0, PAGE,
				 PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->bar0);
	ASSERT_EQ(0, dma_map(self->slow.consumer.dev.container, self->bar0,
			     REGISTERS, PAGE, DMA_RW));
	ended = false;
	sem_init(&reached, 0, 0);
}

FIXTURE_TEARDOWN(turn)
{
	ended = true;
	testdev_cmd(&self->to, "restore");
	hostile_close(&self->slow);
	hostile_close(&self->other);
	munmap(self->bar0, PAGE);
	vfio_dev_close(&self->dev);
	testdev_stop(&self->to);
	EXPECT_EQ(0, file_write(TURNS, "0"));
}

/* Sends a batch of small reads of memory, and one of a register. */
static int send_slow(struct server *s)
{
	struct dma_read reads[100];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reads); i++)
		silent_read(&reads[i], ACTION_IOVA, 1);
	silent_read(&reads[i - 1], REGISTERS, 4);
	return server_send(s, reads, sizeof(reads), NULL, 0);
}

static enum next flood_slowly(struct server *s, const struct trick *t)
{
	int i;

	for (i = 0; !ended && !send_slow(s); i++)
		if (i == NR_SMALL)
			sem_post(&reached);
	return NEXT_SERVE;
}

/* Sends small reads, and waits until the kernel has read them. */
static enum next flood_shortly(struct server *s, const struct trick *t)
{
	struct dma_read reads[100];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reads); i++)
		silent_read(&reads[i], ACTION_IOVA, 1);
	for (i = 0; i < NR_SMALL; i++)
		server_send(s, reads, sizeof(reads), NULL, 0);
	if (wait_read(s->conn))
		sem_post(&reached);
	return NEXT_SERVE;
}

TEST_F(turn, turn_that_sleeps_does_not_stop_other_turns)
{
	static const struct trick slowly = { .fn = flood_slowly };
	static const struct trick shortly = { .fn = flood_shortly };
	long long start;

	ASSERT_EQ(0, mdev_set(self->to.uuid, "request_timeout_ms", "600000"));
	ASSERT_EQ(0, testdev_cmd(&self->to, "hold read"));
	play(&self->slow, &slowly);
	ASSERT_EQ(0, testdev_cmd(&self->to, "held 1"));
	start = clock_ms();
	play(&self->other, &shortly);
	TH_LOG("the other server was read in %lld ms", clock_ms() - start);
	/* The register is still being read. */
	EXPECT_EQ(0, testdev_cmd(&self->to, "held 1"));
}

HELPER_MAIN
