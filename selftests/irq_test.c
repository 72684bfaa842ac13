// SPDX-License-Identifier: GPL-2.0
/*
 * SET_IRQS: every index, kind of data and action, with vfio-pci's errors; and
 * interrupts from the server to the consumer's eventfd.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "lib/consumer.h"
#include "lib/task.h"

CONSUMER_FIXTURE

#define NONE	VFIO_IRQ_SET_DATA_NONE
#define BOOL	VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD VFIO_IRQ_SET_DATA_EVENTFD
#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI  VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define ERR  VFIO_PCI_ERR_IRQ_INDEX
#define REQ  VFIO_PCI_REQ_IRQ_INDEX

static int new_eventfd(void)
{
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

struct vectors {
	uint32_t index;
	uint32_t count;
};

static const struct vectors vectors[] = {
	{ MSI, TESTDEV_NR_MSI },
	{ MSIX, TESTDEV_NR_MSIX },
};

TEST_F(consumer, each_vector_signals_its_eventfd)
{
	int device = self->dev.device;
	int fds[TESTDEV_NR_MSIX];
	unsigned int i, k;

	for (i = 0; i < 2; i++) {
		new_eventfds(fds, vectors[i].count);
		ASSERT_EQ(0, irq_set_eventfds(device, vectors[i].index, 0,
					      vectors[i].count, fds));
		for (k = 0; k < vectors[i].count; k++) {
			ASSERT_EQ(0, testdev_cmd(&shared, "irq %u %u",
						 vectors[i].index, k));
			ASSERT_EQ(1, eventfd_wait(fds[k], SOON_MS));
		}
		/* No other eventfd was signalled. */
		for (k = 0; k < vectors[i].count; k++) {
			EXPECT_EQ(0, eventfd_wait(fds[k], 0));
		}
		ASSERT_EQ(0, irq_disable(device, vectors[i].index));
		EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0",
					 vectors[i].index));
	}
}

TEST_F(consumer, one_vector_can_be_enabled_alone)
{
	int device = self->dev.device;
	int fd = new_eventfd();

	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 5, 1, &fd));
	EXPECT_EQ(1, testdev_num(&shared, "irq-enabled %u 5", MSIX));
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 4", MSIX));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 5", MSIX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
}

/* vfio-pci enables as many vectors as @start says, none of which has an eventfd. */
TEST_F(consumer, index_can_be_enabled_without_eventfds)
{
	int device = self->dev.device;
	int fd = new_eventfd();

	EXPECT_EQ(-ERANGE, irq_set_eventfds(device, MSIX, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, irq_disable(device, MSIX));
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 1, 0, NULL));
	EXPECT_EQ(-EINVAL, irq_set_eventfds(device, MSI, 0, 1, &fd));
	EXPECT_EQ(0, irq_set(device, NONE | TRIGGER, MSIX, 0, 2, NULL, 0));
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 1, &fd));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", MSIX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	/* An enabled index accepts this, and does not change. */
	EXPECT_EQ(0, irq_set_eventfds(device, MSIX, 0, 0, NULL));
	EXPECT_EQ(0, irq_disable(device, MSIX));
	EXPECT_EQ(-EINVAL, irq_disable(device, MSIX));
}

/* -1 removes the eventfd of a vector and does not change the others. */
TEST_F(consumer, minus_one_removes_an_eventfd)
{
	int device = self->dev.device;
	int fds[4], mixed[4], none = -1;

	new_eventfds(fds, 4);
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 4, fds));
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 1, 1, &none));
	testdev_cmd(&shared, "irq %u 1", MSIX);
	EXPECT_EQ(0, eventfd_wait(fds[1], QUIET_MS));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 2", MSIX));
	EXPECT_EQ(1, eventfd_wait(fds[2], SOON_MS));

	mixed[0] = -1;
	mixed[1] = fds[1];
	mixed[2] = -1;
	mixed[3] = fds[3];
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 4, mixed));
	testdev_cmd(&shared, "irq %u 0", MSIX);
	testdev_cmd(&shared, "irq %u 2", MSIX);
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 1", MSIX));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 3", MSIX));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
	EXPECT_EQ(1, eventfd_wait(fds[3], SOON_MS));
	EXPECT_EQ(0, eventfd_wait(fds[0], QUIET_MS));
	EXPECT_EQ(0, eventfd_wait(fds[2], 0));
}

TEST_F(consumer, new_eventfd_replaces_the_old_one)
{
	int device = self->dev.device;
	int old = new_eventfd(), new = new_eventfd();

	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 1, &old));
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 1, &new));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", MSIX));
	EXPECT_EQ(1, eventfd_wait(new, SOON_MS));
	EXPECT_EQ(0, eventfd_wait(old, 0));
}

/* The consumer's own trigger signals the eventfds; no message is sent. */
TEST_F(consumer, trigger_by_the_consumer_signals_the_eventfds)
{
	int device = self->dev.device;
	uint8_t bools[4] = { 0, 1, 0, 1 };
	long long before;
	int fds[4];

	new_eventfds(fds, 4);
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 4, fds));
	before = testdev_num(&shared, "count set-irqs");
	ASSERT_EQ(0, irq_set(device, NONE | TRIGGER, MSIX, 1, 2, NULL, 0));
	EXPECT_EQ(0, eventfd_wait(fds[0], 0));
	EXPECT_EQ(1, eventfd_wait(fds[1], 0));
	EXPECT_EQ(1, eventfd_wait(fds[2], 0));
	EXPECT_EQ(0, eventfd_wait(fds[3], 0));
	ASSERT_EQ(0, irq_set(device, BOOL | TRIGGER, MSIX, 0, 4, bools, 4));
	EXPECT_EQ(0, eventfd_wait(fds[0], 0));
	EXPECT_EQ(1, eventfd_wait(fds[1], 0));
	EXPECT_EQ(0, eventfd_wait(fds[2], 0));
	EXPECT_EQ(1, eventfd_wait(fds[3], 0));
	EXPECT_EQ(before, testdev_num(&shared, "count set-irqs"));
}

TEST_F(consumer, trigger_of_intx_signals_the_eventfd)
{
	int device = self->dev.device;
	int fd = new_eventfd();
	uint8_t yes = 1;

	EXPECT_EQ(-EINVAL,
		  irq_set(device, NONE | TRIGGER, INTX, 0, 1, NULL, 0));
	ASSERT_EQ(0, irq_set_eventfds(device, INTX, 0, 1, &fd));
	ASSERT_EQ(0, irq_set(device, NONE | TRIGGER, INTX, 0, 1, NULL, 0));
	EXPECT_EQ(1, eventfd_wait(fd, 0));
	ASSERT_EQ(0, irq_set(device, BOOL | TRIGGER, INTX, 0, 1, &yes, 1));
	EXPECT_EQ(1, eventfd_wait(fd, 0));
}

TEST_F(consumer, only_one_interrupt_type_can_be_enabled)
{
	int device = self->dev.device;
	int fd = new_eventfd();

	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 1, &fd));
	EXPECT_EQ(-EINVAL, irq_set_eventfds(device, MSI, 0, 1, &fd));
	EXPECT_EQ(-EINVAL, irq_set_eventfds(device, INTX, 0, 1, &fd));
	ASSERT_EQ(0, irq_disable(device, MSIX));
	EXPECT_EQ(0, irq_set_eventfds(device, MSI, 0, 1, &fd));
	EXPECT_EQ(-EINVAL, irq_set_eventfds(device, MSIX, 0, 1, &fd));
	ASSERT_EQ(0, irq_disable(device, MSI));
	EXPECT_EQ(0, irq_set_eventfds(device, INTX, 0, 1, &fd));
}

TEST_F(consumer, actions_on_a_disabled_index_are_refused)
{
	int device = self->dev.device;
	uint8_t yes = 1;

	EXPECT_EQ(-EINVAL, irq_disable(device, MSIX));
	EXPECT_EQ(-EINVAL,
		  irq_set(device, NONE | TRIGGER, MSIX, 0, 1, NULL, 0));
	EXPECT_EQ(-EINVAL, irq_set(device, BOOL | TRIGGER, MSI, 0, 1, &yes, 1));
	EXPECT_EQ(-EINVAL, irq_set(device, NONE | MASK, INTX, 0, 1, NULL, 0));
	EXPECT_EQ(-EINVAL, irq_set(device, NONE | UNMASK, INTX, 0, 1, NULL, 0));
}

struct bad_case {
	const char *what;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	int ret;
};

static const struct bad_case bad_cases[] = {
	{ "no such index", EVENTFD | TRIGGER, 1000, 0, 1, -EINVAL },
	{ "start past the end", EVENTFD | TRIGGER, MSIX, TESTDEV_NR_MSIX, 1,
	  -EINVAL },
	{ "end past the end", EVENTFD | TRIGGER, MSIX, 1, TESTDEV_NR_MSIX,
	  -EINVAL },
	{ "count wraps", EVENTFD | TRIGGER, MSIX, 1, ~0U, -EINVAL },
	{ "start wraps", EVENTFD | TRIGGER, MSIX, ~0U, 1, -EINVAL },
	{ "no data type", TRIGGER, MSIX, 0, 1, -EINVAL },
	{ "two data types", NONE | BOOL | TRIGGER, MSIX, 0, 1, -EINVAL },
	{ "unknown flag", NONE | TRIGGER | 0x80, MSIX, 0, 1, -EINVAL },
	{ "no action", NONE, MSIX, 0, 1, -ENOTTY },
	{ "two actions", NONE | MASK | UNMASK, MSIX, 0, 1, -ENOTTY },
	{ "MSI cannot be masked", NONE | MASK, MSI, 0, 1, -ENOTTY },
	{ "MSI-X cannot be masked", NONE | MASK, MSIX, 0, 1, -ENOTTY },
	{ "MSI-X cannot be unmasked", NONE | UNMASK, MSIX, 0, 1, -ENOTTY },
	{ "ERR cannot be masked", NONE | MASK, ERR, 0, 1, -ENOTTY },
	{ "REQ cannot be unmasked", NONE | UNMASK, REQ, 0, 1, -ENOTTY },
	{ "two ERRs", EVENTFD | TRIGGER, ERR, 0, 2, -EINVAL },
	{ "a second REQ", EVENTFD | TRIGGER, REQ, 1, 1, -EINVAL },
};

TEST_F(consumer, invalid_arguments_are_refused)
{
	char data[64 * sizeof(int)];
	const struct bad_case *c;
	unsigned int i;

	memset(data, 0xff, sizeof(data));
	for (i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
		c = &bad_cases[i];
		EXPECT_EQ(c->ret,
			  irq_set(self->dev.device, c->flags, c->index,
				  c->start, c->count, data, sizeof(data)))
		TH_LOG("%s", c->what);
	}
}

TEST_F(consumer, invalid_sizes_are_refused)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set) - 1,
		.flags = NONE | TRIGGER,
		.index = MSIX,
	};
	int device = self->dev.device;
	int fd = new_eventfd();

	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_SET_IRQS, &set));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_SET_IRQS, NULL));
	EXPECT_EQ(EFAULT, errno);
	/* The data is too short for the vectors. */
	EXPECT_EQ(-EINVAL, irq_set(device, EVENTFD | TRIGGER, MSIX, 0, 2, &fd,
				   sizeof(fd)));
	EXPECT_EQ(-EINVAL, irq_set(device, EVENTFD | TRIGGER, MSIX, 0, 1, &fd,
				   sizeof(fd) - 1));
	EXPECT_EQ(-EINVAL,
		  irq_set(device, BOOL | TRIGGER, MSIX, 0, 1, NULL, 0));
	/* The index stays disabled. */
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0", MSIX));
}

TEST_F(consumer, other_files_than_eventfds_are_refused)
{
	int device = self->dev.device;
	int bad = 1000, file, mixed[2];

	file = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, file);
	EXPECT_EQ(-EBADF, irq_set_eventfds(device, MSIX, 0, 1, &bad));
	EXPECT_EQ(-EINVAL, irq_set_eventfds(device, MSIX, 0, 1, &file));
	mixed[0] = new_eventfd();
	mixed[1] = file;
	EXPECT_EQ(-EINVAL, irq_set_eventfds(device, MSIX, 0, 2, mixed));
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0", MSIX));
	EXPECT_EQ(-EBADF, irq_set_eventfds(device, ERR, 0, 1, &bad));
	EXPECT_EQ(-EINVAL, irq_set_eventfds(device, REQ, 0, 1, &file));
	/* Afterwards the index still works. */
	EXPECT_EQ(0, irq_set_eventfds(device, MSIX, 0, 1, mixed));
}

TEST_F(consumer, eventfds_refused_by_the_server_stay_disabled)
{
	int device = self->dev.device;
	int fd = new_eventfd();

	ASSERT_EQ(0, testdev_cmd(&shared, "fail set-irqs %d 1", EPERM));
	EXPECT_GT(0, irq_set_eventfds(device, MSIX, 0, 1, &fd));
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0", MSIX));
	EXPECT_EQ(0, irq_set_eventfds(device, MSIX, 0, 1, &fd));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", MSIX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
}

/* ERR and REQ never reach the server. */
TEST_F(consumer, err_and_req_do_not_reach_the_server)
{
	static const uint32_t indexes[] = { ERR, REQ };
	int device = self->dev.device;
	uint8_t yes = 1, no = 0;
	long long before;
	unsigned int i;
	int fd, none = -1;

	before = testdev_num(&shared, "count set-irqs");
	for (i = 0; i < 2; i++) {
		fd = new_eventfd();
		EXPECT_EQ(-EINVAL, irq_set(device, NONE | TRIGGER, indexes[i],
					   0, 1, NULL, 0));
		ASSERT_EQ(0, irq_set_eventfds(device, indexes[i], 0, 1, &fd));
		ASSERT_EQ(0, irq_set(device, NONE | TRIGGER, indexes[i], 0, 1,
				     NULL, 0));
		EXPECT_EQ(1, eventfd_wait(fd, 0));
		ASSERT_EQ(0, irq_set(device, BOOL | TRIGGER, indexes[i], 0, 1,
				     &no, 1));
		EXPECT_EQ(0, eventfd_wait(fd, 0));
		ASSERT_EQ(0, irq_set(device, BOOL | TRIGGER, indexes[i], 0, 1,
				     &yes, 1));
		EXPECT_EQ(1, eventfd_wait(fd, 0));
		ASSERT_EQ(0, irq_set_eventfds(device, indexes[i], 0, 1, &none));
		EXPECT_EQ(-EINVAL, irq_set(device, NONE | TRIGGER, indexes[i],
					   0, 1, NULL, 0));
		ASSERT_EQ(0, irq_set_eventfds(device, indexes[i], 0, 1, &fd));
		ASSERT_EQ(0, irq_disable(device, indexes[i]));
		EXPECT_EQ(-EINVAL, irq_disable(device, indexes[i]));
		close(fd);
	}
	EXPECT_EQ(before, testdev_num(&shared, "count set-irqs"));
}

/* The close disables all interrupts of the server. */
TEST(close_disables_all_interrupts)
{
	struct vfio_dev dev;
	int fds[4];

	new_eventfds(fds, 4);
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, irq_set_eventfds(dev.device, MSIX, 0, 4, fds));
	vfio_dev_close(&dev);
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0", MSIX));
	EXPECT_EQ(-ENOENT, testdev_cmd(&shared, "irq %u 0", MSIX));
	EXPECT_EQ(0, eventfd_wait(fds[0], 0));
}

/* The server accepts few descriptors in a message, so the set is split. */
TEST(set_is_split_at_max_msg_fds)
{
	static const char *const args[] = { "--max-msg-fds=3", NULL };
	int fds[TESTDEV_NR_MSIX];
	struct vfio_dev dev;
	struct testdev td;
	unsigned int i;

	ASSERT_EQ(0, testdev_start(&td, args));
	EXPECT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	new_eventfds(fds, TESTDEV_NR_MSIX);
	fds[7] = -1;
	EXPECT_EQ(0,
		  irq_set_eventfds(dev.device, MSIX, 0, TESTDEV_NR_MSIX, fds));
	for (i = 0; i < TESTDEV_NR_MSIX; i++) {
		if (i == 7)
			continue;
		EXPECT_EQ(0, testdev_cmd(&td, "irq %u %u", MSIX, i));
		EXPECT_EQ(1, eventfd_wait(fds[i], SOON_MS));
	}
	EXPECT_LE(11, testdev_num(&td, "count set-irqs"));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* Arguments of a SET_IRQS in another thread. */
struct setter {
	int device;
	int fds[6];
	int ret;
};

static void *set(void *arg)
{
	struct setter *s = arg;

	s->ret = irq_set_eventfds(s->device, MSIX, 0, 6, s->fds);
	return NULL;
}

/*
 * The server refuses the second message of a change.  It has the new eventfds
 * of the first message, so a TRIGGER of the consumer signals those, too.
 */
TEST(change_refused_half_way_keeps_its_first_part)
{
	static const char *const args[] = { "--max-msg-fds=3", NULL };
	struct setter old = {}, new = {};
	struct vfio_dev dev;
	struct testdev td;
	pthread_t thread;
	unsigned int i;

	ASSERT_EQ(0, testdev_start(&td, args));
	ASSERT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	old.device = dev.device;
	new.device = dev.device;
	new_eventfds(old.fds, 6);
	new_eventfds(new.fds, 6);
	set(&old);
	ASSERT_EQ(0, old.ret);
	ASSERT_EQ(0, testdev_cmd(&td, "hold set-irqs"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, set, &new));
	ASSERT_EQ(0, testdev_cmd(&td, "held 1"));
	ASSERT_EQ(0, testdev_cmd(&td, "fail set-irqs %d 1", EPERM));
	ASSERT_EQ(0, testdev_cmd(&td, "release"));
	pthread_join(thread, NULL);
	EXPECT_EQ(-EPERM, new.ret);
	for (i = 0; i < 6; i++) {
		const struct setter *now = i < 3 ? &new : &old;
		const struct setter *not = i < 3 ? &old : &new;

		EXPECT_EQ(0, testdev_cmd(&td, "irq %u %u", MSIX, i));
		EXPECT_EQ(1, eventfd_wait(now->fds[i], SOON_MS));
		EXPECT_EQ(0, irq_set(dev.device, NONE | TRIGGER, MSIX, i, 1,
				     NULL, 0));
		EXPECT_EQ(1, eventfd_wait(now->fds[i], 0));
		EXPECT_EQ(0, eventfd_wait(not->fds[i], 0));
	}
	/* The next change works. */
	set(&new);
	EXPECT_EQ(0, new.ret);
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* The number of messages that can wait for their replies. */
#define NR_SLOTS 128

static void *read_id(void *arg)
{
	uint32_t id;

	region_get(*(int *)arg, BAR(0), TESTDEV_REG_ID, &id, 4);
	return NULL;
}

/* Disables interrupts while no message can be sent. */
static void disable_without_slots(int device, int to)
{
	pthread_t threads[NR_SLOTS];
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++)
		if (pthread_create(&threads[i], NULL, read_id, &device))
			_exit(1);
	if (testdev_cmd(&shared, "held %u", NR_SLOTS) || write(to, "", 1) != 1)
		_exit(2);
	irq_disable(device, MSIX);
	_exit(0);
}

/*
 * The consumer is killed before the server gets the command to disable.  The
 * server keeps the eventfds until the close.
 */
TEST(kill_during_disable_disables_at_close)
{
	int fd = new_eventfd(), to[2];
	struct vfio_dev dev;
	pid_t pid;
	char c;

	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, pipe(to));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU) ||
		    irq_set_eventfds(dev.device, MSIX, 0, 1, &fd) ||
		    testdev_cmd(&shared, "hold read"))
			_exit(1);
		disable_without_slots(dev.device, to[1]);
	}
	close(to[1]);
	ASSERT_EQ(1, read(to[0], &c, 1));
	ASSERT_EQ(0, task_wait_in(pid, "vuser_slot_get", SOON_MS));
	EXPECT_EQ(1, testdev_num(&shared, "irq-enabled %u 0", MSIX));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, testdev_cmd(&shared, "release"));
	EXPECT_EQ(SIGKILL, task_wait_end(pid, SOON_MS));
	ASSERT_EQ(0, mdev_wait(shared.uuid, "state", "attached", SOON_MS));
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0", MSIX));
}

SHARED_MAIN(NULL)
