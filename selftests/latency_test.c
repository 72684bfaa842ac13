// SPDX-License-Identifier: GPL-2.0
/*
 * The histograms of the time that the server takes to answer.  The test holds replies
 * back, so it knows how long an answer took at least.
 */
#include <errno.h>
#include <linux/vfio_user.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "lib/consumer.h"
#include "lib/control.h"
#include "lib/mem.h"

#define PAGE 0x1000UL
/* How long replies are held back. */
#define HELD_MS 50

/* The histogram of one command. */
struct histogram {
	uint32_t command;
	uint64_t nr[VUSER_LATENCY_BUCKETS];
};

FIXTURE(latency)
{
	struct vfio_dev dev;
	struct nlt nl;
};

FIXTURE_SETUP(latency)
{
	ASSERT_EQ(0, nlt_open(&self->nl));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
}

FIXTURE_TEARDOWN(latency)
{
	testdev_cmd(&shared, "restore");
	vfio_dev_close(&self->dev);
	nlt_close(&self->nl);
}

/* Adds an attribute "latency" to a histogram, if it is about the same command. */
static void take_one(struct histogram *hist, const struct nlattr *nest)
{
	const char *begin = (const char *)nest + NLA_HDRLEN;
	const char *end = (const char *)nest + nest->nla_len;
	const struct nlattr *buckets =
		nlt_find(begin, end, VUSER_A_LATENCY_BUCKETS);

	if (nlt_u32(nlt_find(begin, end, VUSER_A_LATENCY_COMMAND)) !=
	    hist->command)
		return;
	if (!buckets || buckets->nla_len != NLA_HDRLEN + sizeof(hist->nr))
		abort();
	memcpy(hist->nr, (const char *)buckets + NLA_HDRLEN, sizeof(hist->nr));
}

static void take(void *data, const struct nlt_reply *reply)
{
	const char *pos = reply->begin;
	const struct nlattr *nest;

	while ((nest = nlt_find(pos, reply->end, VUSER_A_DEV_LATENCY))) {
		take_one(data, nest);
		pos = (const char *)nest + NLA_ALIGN(nest->nla_len);
	}
}

/* The histogram of a command, all 0 if the kernel shows none. */
static struct histogram get(struct nlt *nl, uint32_t command)
{
	struct nlt_msg *msg = nlt_new(VUSER_CMD_DEV_GET, 0);
	struct histogram hist = { .command = command };
	uint8_t bytes[VUSER_UUID_LEN];

	control_uuid_bytes(shared.uuid, bytes);
	nlt_put(msg, VUSER_A_DEV_UUID, bytes, sizeof(bytes));
	if (nlt_call(nl, msg, take, &hist))
		abort();
	return hist;
}

/* The number of replies that were counted after @old in buckets @from and later. */
static uint64_t increase(const struct histogram *new,
			 const struct histogram *old, unsigned int from)
{
	uint64_t sum = 0;

	for (; from < VUSER_LATENCY_BUCKETS; from++)
		sum += new->nr[from] - old->nr[from];
	return sum;
}

/* The bucket of a time, computed from what the specification says. */
static unsigned int bucket_of_ms(uint64_t ms)
{
	uint64_t limit = 1ULL << VUSER_LATENCY_SHIFT;
	unsigned int bucket = 0;

	for (; limit <= ms * 1000000; limit *= 2)
		bucket++;
	return bucket;
}

static int do_read(struct vfio_dev *dev)
{
	uint32_t id;

	return region_get(dev->device, BAR(0), TESTDEV_REG_ID, &id, 4);
}

static int do_write(struct vfio_dev *dev)
{
	uint16_t command = 4;

	return region_put(dev->device, VFIO_PCI_CONFIG_REGION_INDEX, 4,
			  &command, 2);
}

static int do_dma_map(struct vfio_dev *dev)
{
	return dma_map(dev->container, mem_anon(PAGE), 0, PAGE, DMA_RW);
}

static int do_dma_unmap(struct vfio_dev *dev)
{
	return dma_unmap(dev->container, 0, PAGE, 0, NULL);
}

static int do_set_irqs(struct vfio_dev *dev)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	int ret = irq_set_eventfds(dev->device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1,
				   &fd);

	close(fd);
	return ret;
}

static int do_reset(struct vfio_dev *dev)
{
	return ioctl(dev->device, VFIO_DEVICE_RESET) ? -errno : 0;
}

/* An operation that makes the kernel send at least one command and wait. */
struct operation {
	const char *name; /* of the command, for vuser-testdev */
	uint32_t command;
	int (*run)(struct vfio_dev *dev);
};

static const struct operation operations[] = {
	{ "read", VFIO_USER_REGION_READ, do_read },
	{ "write", VFIO_USER_REGION_WRITE, do_write },
	{ "dma-map", VFIO_USER_DMA_MAP, do_dma_map },
	{ "dma-unmap", VFIO_USER_DMA_UNMAP, do_dma_unmap },
	{ "set-irqs", VFIO_USER_DEVICE_SET_IRQS, do_set_irqs },
	{ "reset", VFIO_USER_DEVICE_RESET, do_reset },
};

/* A thread that runs an operation. */
struct job {
	pthread_t thread;
	const struct operation *operation;
	struct vfio_dev *dev;
	int ret;
};

static void *run(void *data)
{
	struct job *job = data;

	job->ret = job->operation->run(job->dev);
	return NULL;
}

/* Runs an operation, and holds its first reply back for HELD_MS at least. */
static int run_held(struct vfio_dev *dev, const struct operation *operation)
{
	struct job job = { .operation = operation, .dev = dev };

	if (testdev_cmd(&shared, "hold %s", operation->name) ||
	    pthread_create(&job.thread, NULL, run, &job) ||
	    testdev_cmd(&shared, "held 1"))
		abort();
	usleep(HELD_MS * 1000);
	if (testdev_cmd(&shared, "release"))
		abort();
	pthread_join(job.thread, NULL);
	if (testdev_cmd(&shared, "restore"))
		abort();
	return job.ret;
}

TEST_F(latency, reply_is_counted_in_a_bucket_not_below_its_delay)
{
	const struct operation *op;
	struct histogram old, new;
	unsigned int i, bucket = bucket_of_ms(HELD_MS);

	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		op = &operations[i];
		TH_LOG("%s", op->name);
		old = get(&self->nl, op->command);
		ASSERT_EQ(0, run_held(&self->dev, op));
		new = get(&self->nl, op->command);
		EXPECT_LE(1, increase(&new, &old, bucket));
	}
}

TEST_F(latency, each_reply_is_counted_once)
{
	struct histogram old = get(&self->nl, VFIO_USER_REGION_READ), new;
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, do_read(&self->dev));
	new = get(&self->nl, VFIO_USER_REGION_READ);
	EXPECT_EQ(10, increase(&new, &old, 0));
}

TEST_F(latency, error_reply_is_counted)
{
	struct histogram old = get(&self->nl, VFIO_USER_REGION_READ), new;

	ASSERT_EQ(0, testdev_cmd(&shared, "fail read %d 1", EPERM));
	EXPECT_EQ(-EIO, do_read(&self->dev));
	new = get(&self->nl, VFIO_USER_REGION_READ);
	EXPECT_EQ(1, increase(&new, &old, 0));
}

TEST_F(latency, posted_write_is_not_counted)
{
	struct histogram old = get(&self->nl, VFIO_USER_REGION_WRITE), new;
	uint32_t value = 1;

	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), TESTDEV_REG_MEMORY,
				&value, 4));
	/* The server has the write when it answers the read. */
	ASSERT_EQ(0, do_read(&self->dev));
	new = get(&self->nl, VFIO_USER_REGION_WRITE);
	EXPECT_EQ(0, increase(&new, &old, 0));
}

/* The consumer is a process of its own, which is killed. */
TEST_F(latency, reply_for_which_no_thread_waits_is_counted)
{
	struct histogram old = get(&self->nl, VFIO_USER_REGION_READ), new;
	int status;
	pid_t pid;

	ASSERT_EQ(0, testdev_cmd(&shared, "hold read"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(do_read(&self->dev) ? 1 : 0);
	ASSERT_EQ(0, testdev_cmd(&shared, "held 1"));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	new = get(&self->nl, VFIO_USER_REGION_READ);
	EXPECT_EQ(0, increase(&new, &old, 0));
	ASSERT_EQ(0, testdev_cmd(&shared, "release"));
	/* The reply to this read follows that reply. */
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, do_read(&self->dev));
	new = get(&self->nl, VFIO_USER_REGION_READ);
	EXPECT_EQ(2, increase(&new, &old, 0));
}

SHARED_MAIN(NULL)
