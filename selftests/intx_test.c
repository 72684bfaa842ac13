// SPDX-License-Identifier: GPL-2.0
/*
 * INTx: the masks of servers that have them, and those of the kernel for servers that
 * have none.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

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

static int new_eventfd(void)
{
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

TEST_F(consumer, intx_masks_itself_until_unmasked)
{
	int device = self->dev.device;
	int fd = new_eventfd();

	ASSERT_EQ(0, irq_set_eventfds(device, INTX, 0, 1, &fd));
	EXPECT_EQ(1, testdev_num(&shared, "irq-enabled %u 0", INTX));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", INTX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	/* INTx has masked itself: the next interrupt waits for the unmask. */
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", INTX));
	EXPECT_EQ(0, eventfd_wait(fd, QUIET_MS));
	ASSERT_EQ(0, irq_set(device, NONE | UNMASK, INTX, 0, 1, NULL, 0));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	ASSERT_EQ(0, irq_set(device, NONE | UNMASK, INTX, 0, 1, NULL, 0));
	ASSERT_EQ(0, irq_disable(device, INTX));
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0", INTX));
}

TEST_F(consumer, masked_intx_is_delivered_on_unmask)
{
	int device = self->dev.device;
	int fd = new_eventfd();
	uint8_t yes = 1, no = 0;

	ASSERT_EQ(0, irq_set_eventfds(device, INTX, 0, 1, &fd));
	ASSERT_EQ(0, irq_set(device, NONE | MASK, INTX, 0, 1, NULL, 0));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", INTX));
	EXPECT_EQ(0, eventfd_wait(fd, QUIET_MS));
	/* A BOOL of 0 changes nothing. */
	ASSERT_EQ(0, irq_set(device, BOOL | UNMASK, INTX, 0, 1, &no, 1));
	EXPECT_EQ(0, eventfd_wait(fd, QUIET_MS));
	ASSERT_EQ(0, irq_set(device, BOOL | UNMASK, INTX, 0, 1, &yes, 1));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	ASSERT_EQ(0, irq_set(device, BOOL | UNMASK, INTX, 0, 1, &yes, 1));
	ASSERT_EQ(0, irq_set(device, BOOL | MASK, INTX, 0, 1, &yes, 1));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", INTX));
	EXPECT_EQ(0, eventfd_wait(fd, QUIET_MS));
}

/*
 * Servers disagree whether the consumer or the server signals the eventfd of an
 * UNMASK, so most servers refuse it, as vuser-testdev does.  The kernel returns
 * the server's result.  MASK never takes an eventfd.
 */
TEST_F(consumer, unmask_by_eventfd_is_left_to_the_server)
{
	int device = self->dev.device;
	int fd = new_eventfd(), resample = new_eventfd();
	long long before;

	ASSERT_EQ(0, irq_set_eventfds(device, INTX, 0, 1, &fd));
	before = testdev_num(&shared, "count set-irqs");
	EXPECT_EQ(-EOPNOTSUPP, irq_set(device, EVENTFD | UNMASK, INTX, 0, 1,
				       &resample, sizeof(resample)));
	EXPECT_EQ(before + 1, testdev_num(&shared, "count set-irqs"));
	EXPECT_EQ(-ENOTTY, irq_set(device, EVENTFD | MASK, INTX, 0, 1,
				   &resample, sizeof(resample)));
	EXPECT_EQ(before + 1, testdev_num(&shared, "count set-irqs"));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", INTX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
}

/*
 * A server whose INTx has no masks: the kernel masks, as vfio-pci does for its
 * devices.
 */
FIXTURE(plain)
{
	struct testdev td;
	struct vfio_dev dev;
	int device;
	int fd;
};

FIXTURE_SETUP(plain)
{
	static const char *const args[] = { "--plain-intx", NULL };

	ASSERT_EQ(0, testdev_start(&self->td, args));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	self->device = self->dev.device;
	self->fd = new_eventfd();
	ASSERT_EQ(0, irq_set_eventfds(self->device, INTX, 0, 1, &self->fd));
}

FIXTURE_TEARDOWN(plain)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

static int fire(struct testdev *td)
{
	return testdev_cmd(td, "irq %u 0", INTX);
}

static int unmask(int device)
{
	return irq_set(device, NONE | UNMASK, INTX, 0, 1, NULL, 0);
}

static int mask(int device)
{
	return irq_set(device, NONE | MASK, INTX, 0, 1, NULL, 0);
}

static int unmask_by(int device, int fd)
{
	return irq_set(device, EVENTFD | UNMASK, INTX, 0, 1, &fd, sizeof(fd));
}

TEST_F(plain, intx_without_masks_reports_both_masks)
{
	struct vfio_irq_info info;

	ASSERT_EQ(0, irq_info(self->device, INTX, &info));
	EXPECT_EQ(1, info.count);
	EXPECT_EQ(VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
			  VFIO_IRQ_INFO_AUTOMASKED,
		  info.flags);
}

TEST_F(plain, interrupts_while_masked_are_delivered_once)
{
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	/* INTx has masked itself. */
	ASSERT_EQ(0, fire(&self->td));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, unmask(self->device));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	ASSERT_EQ(0, unmask(self->device));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

/* The server gets no messages about masks. */
TEST_F(plain, masks_of_the_kernel_do_not_reach_the_server)
{
	long long before = testdev_num(&self->td, "count set-irqs");
	uint8_t yes = 1, no = 0;

	ASSERT_EQ(0, mask(self->device));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, irq_set(self->device, BOOL | UNMASK, INTX, 0, 1, &no, 1));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, irq_set(self->device, BOOL | UNMASK, INTX, 0, 1, &yes, 1));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	ASSERT_EQ(0, unmask(self->device));
	ASSERT_EQ(0, irq_set(self->device, BOOL | MASK, INTX, 0, 1, &no, 1));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	EXPECT_EQ(before, testdev_num(&self->td, "count set-irqs"));
}

TEST_F(plain, eventfd_unmasks)
{
	int resample = new_eventfd();

	ASSERT_EQ(0, unmask_by(self->device, resample));
	/* As in vfio-pci, the first eventfd must be removed first. */
	EXPECT_EQ(-EBUSY, unmask_by(self->device, new_eventfd()));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, eventfd_write(resample, 1));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));

	ASSERT_EQ(0, unmask_by(self->device, -1));
	ASSERT_EQ(0, fire(&self->td));
	ASSERT_EQ(0, eventfd_write(resample, 1));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	/* An eventfd that is signalled already unmasks at once. */
	ASSERT_EQ(0, unmask_by(self->device, resample));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

/* Sets or clears the interrupt bit in the status register of the server's device. */
static int raise_intx(struct testdev *td, bool raised)
{
	long long status = testdev_num(
		td, "peek %u %u 2", VFIO_PCI_CONFIG_REGION_INDEX, PCI_STATUS);

	status &= ~(long long)PCI_STATUS_INTERRUPT;
	return testdev_cmd(td, "poke %u %u 2 %lld",
			   VFIO_PCI_CONFIG_REGION_INDEX, PCI_STATUS,
			   status | (raised ? PCI_STATUS_INTERRUPT : 0));
}

/* The server signals only when the level of INTx rises, as QEMU's does. */
TEST_F(plain, unmask_delivers_an_interrupt_while_the_device_raises_intx)
{
	ASSERT_EQ(0, raise_intx(&self->td, true));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, unmask(self->device));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, raise_intx(&self->td, false));
	ASSERT_EQ(0, unmask(self->device));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
}

TEST_F(plain, eventfd_unmask_delivers_an_interrupt_while_the_device_raises_intx)
{
	int resample = new_eventfd();

	ASSERT_EQ(0, unmask_by(self->device, resample));
	ASSERT_EQ(0, raise_intx(&self->td, true));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	ASSERT_EQ(0, eventfd_write(resample, 1));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	ASSERT_EQ(0, raise_intx(&self->td, false));
	ASSERT_EQ(0, eventfd_write(resample, 1));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

/* The work of the unmask waits for the server; the loss of the server ends the wait. */
TEST_F(plain, close_ends_an_unmask_that_waits_for_the_server)
{
	int resample = new_eventfd();

	ASSERT_EQ(0, unmask_by(self->device, resample));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&self->td, "hold read"));
	ASSERT_EQ(0, eventfd_write(resample, 1));
	ASSERT_EQ(0, testdev_cmd(&self->td, "held 1"));
	testdev_kill(&self->td);
	vfio_dev_close(&self->dev);
}

/* Lets the work of an unmask wait for a server that does not answer for a long time. */
static int hold_unmask(struct testdev *td, int device, int fd)
{
	int resample = new_eventfd();
	int ret;

	ret = mdev_set(td->uuid, "request_timeout_ms", "600000");
	if (!ret)
		ret = unmask_by(device, resample);
	if (!ret)
		ret = fire(td);
	if (ret || eventfd_wait(fd, SOON_MS) != 1)
		return -EIO;
	ret = testdev_cmd(td, "hold read");
	if (!ret)
		ret = eventfd_write(resample, 1);
	return ret ? ret : testdev_cmd(td, "held 1");
}

TEST_F(plain, close_waits_for_an_unmask_until_its_time_out_only)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "close_timeout_ms", "500"));
	ASSERT_EQ(0, hold_unmask(&self->td, self->device, self->fd));
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, testdev_cmd(&self->td, "release"));
}

TEST_F(plain, disable_that_waits_for_an_unmask_can_be_killed)
{
	pid_t pid;

	ASSERT_EQ(0, hold_unmask(&self->td, self->device, self->fd));
	pid = fork();
	if (!pid) {
		irq_disable(self->device, INTX);
		_exit(0);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, task_wait_in(pid, "vuser_intx", SOON_MS));
	kill(pid, SIGKILL);
	EXPECT_LE(0, task_wait_end(pid, SOON_MS));
	EXPECT_EQ(0, testdev_cmd(&self->td, "release"));
	/* The next call disables INTx. */
	EXPECT_EQ(0, irq_disable(self->device, INTX));
}

TEST_F(plain, invalid_masks_are_refused)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = new_eventfd();

	EXPECT_EQ(-ENOTTY, irq_set(self->device, EVENTFD | MASK, INTX, 0, 1,
				   &fd, sizeof(fd)));
	EXPECT_EQ(-EBADF, unmask_by(self->device, 1000));
	EXPECT_EQ(-EINVAL, unmask_by(self->device, null));
	EXPECT_EQ(-EINVAL,
		  irq_set(self->device, NONE | UNMASK, INTX, 0, 0, NULL, 0));
	ASSERT_EQ(0, irq_disable(self->device, INTX));
	EXPECT_EQ(-EINVAL, mask(self->device));
	EXPECT_EQ(-EINVAL, unmask(self->device));
	EXPECT_EQ(-EINVAL, unmask_by(self->device, fd));
}

/* Signals that cause each other must not hang the kernel. */
TEST_F(plain, one_eventfd_may_be_trigger_and_unmask)
{
	unsigned int i;
	int fd = new_eventfd();

	ASSERT_EQ(0, unmask_by(self->device, self->fd));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, fire(&self->td));
	ASSERT_EQ(0, unmask_by(self->device, -1));
	ASSERT_EQ(0, irq_set_eventfds(self->device, INTX, 0, 1, &fd));
	ASSERT_EQ(0, unmask(self->device));
	eventfd_wait(fd, QUIET_MS);
	ASSERT_EQ(0, unmask(self->device));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
}

TEST_F(plain, new_trigger_gets_the_interrupt_that_waits)
{
	int new = new_eventfd(), none = -1;

	ASSERT_EQ(0, mask(self->device));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, irq_set_eventfds(self->device, INTX, 0, 1, &new));
	EXPECT_EQ(0, eventfd_wait(new, QUIET_MS));
	ASSERT_EQ(0, unmask(self->device));
	EXPECT_EQ(1, eventfd_wait(new, SOON_MS));
	EXPECT_EQ(0, eventfd_wait(self->fd, 0));

	ASSERT_EQ(0, irq_set_eventfds(self->device, INTX, 0, 1, &none));
	ASSERT_EQ(0, unmask(self->device));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(0, eventfd_wait(new, QUIET_MS));
	ASSERT_EQ(0, irq_set_eventfds(self->device, INTX, 0, 1, &self->fd));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
	/* The consumer's own trigger. */
	ASSERT_EQ(0,
		  irq_set(self->device, NONE | TRIGGER, INTX, 0, 1, NULL, 0));
	EXPECT_EQ(1, eventfd_wait(self->fd, 0));
}

TEST_F(plain, disable_and_close_drop_the_interrupt_that_waits)
{
	ASSERT_EQ(0, mask(self->device));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, testdev_num(&self->td, "irq-enabled %u 0", INTX));
	ASSERT_EQ(0, irq_disable(self->device, INTX));
	EXPECT_EQ(0, testdev_num(&self->td, "irq-enabled %u 0", INTX));
	ASSERT_EQ(0, irq_set_eventfds(self->device, INTX, 0, 1, &self->fd));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));

	ASSERT_EQ(0, mask(self->device));
	ASSERT_EQ(0, fire(&self->td));
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, testdev_num(&self->td, "irq-enabled %u 0", INTX));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	self->device = self->dev.device;
	ASSERT_EQ(0, irq_set_eventfds(self->device, INTX, 0, 1, &self->fd));
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
	ASSERT_EQ(0, fire(&self->td));
	EXPECT_EQ(1, eventfd_wait(self->fd, SOON_MS));
}

TEST_F(plain, close_ends_an_intx_of_a_lost_server)
{
	ASSERT_EQ(0, unmask_by(self->device, new_eventfd()));
	testdev_kill(&self->td);
	ASSERT_EQ(0, mdev_wait_lost(self->td.uuid, SOON_MS));
	EXPECT_EQ(0, eventfd_wait(self->fd, 0));
	EXPECT_EQ(0, mask(self->device));
	EXPECT_EQ(0, unmask(self->device));
}

struct masker {
	int device;
	bool stop;
	int ret;
};

static void *mask_and_unmask(void *arg)
{
	struct masker *m = arg;

	while (!__atomic_load_n(&m->stop, __ATOMIC_SEQ_CST) && !m->ret)
		m->ret = mask(m->device) ?: unmask(m->device);
	return NULL;
}

/* Each interrupt is delivered exactly once, whatever the masks do. */
TEST_F(plain, no_interrupt_is_lost_or_doubled_while_masks_change)
{
	struct masker m = { .device = self->device };
	pthread_t thread;
	unsigned int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, mask_and_unmask, &m));
	for (i = 0; i < 300; i++) {
		if (fire(&self->td) || eventfd_wait(self->fd, SOON_MS) != 1)
			break;
	}
	EXPECT_EQ(300, i);
	__atomic_store_n(&m.stop, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, m.ret);
	EXPECT_EQ(0, eventfd_wait(self->fd, QUIET_MS));
}

SHARED_MAIN(NULL)
