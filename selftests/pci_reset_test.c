// SPDX-License-Identifier: GPL-2.0
/*
 * vuser as PCI core: the device works as before after a reset, after D3, and after a
 * thread was killed while it changed the device.
 */
#include <kselftest_harness.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/helper.h"
#include "lib/model.h"
#include "lib/task.h"

OPEN_MODEL_FIXTURE

/* After a reset the device has what it had before, as with vfio-pci. */
static void check_reset(struct __test_metadata *_metadata, int device,
			struct testdev *td, int (*reset)(int device))
{
	const uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	uint32_t bar[6], msi = find_cap(device, PCI_CAP_ID_MSI);
	int i, fds[3];

	for (i = 0; i < 6; i++)
		bar[i] = in_device(td, BAR_POS(i), 4);
	new_eventfds(fds, 3);
	ASSERT_EQ(0, config_put(device, PCI_COMMAND, command, 2));
	ASSERT_EQ(0, irq_set_eventfds(device, MSIX, 0, 3, fds));
	ASSERT_EQ(0, reset(device));
	for (i = 0; i < 6; i++)
		EXPECT_EQ(bar[i], in_device(td, BAR_POS(i), 4));
	EXPECT_EQ(command, config_get(device, PCI_COMMAND, 2));
	EXPECT_EQ(TESTDEV_ID, read_id(device));
	EXPECT_STREQ("msix", fire(td, 2));
	EXPECT_EQ(1, eventfd_wait(fds[2], SOON_MS));
	EXPECT_STREQ("none", fire(td, 3));
	ASSERT_EQ(0, irq_disable(device, MSIX));

	ASSERT_EQ(0, irq_set_eventfds(device, MSI, 0, 2, fds));
	ASSERT_EQ(0, reset(device));
	EXPECT_STREQ("msi", fire(td, 1));
	EXPECT_EQ(1, eventfd_wait(fds[1], SOON_MS));
	EXPECT_EQ(1 << 4,
		  in_device(td, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_QSIZE);
	ASSERT_EQ(0, irq_disable(device, MSI));

	ASSERT_EQ(0, irq_set_eventfds(device, INTX, 0, 1, fds));
	ASSERT_EQ(0, reset(device));
	EXPECT_STREQ("intx", fire(td, 0));
	EXPECT_EQ(1, eventfd_wait(fds[0], SOON_MS));
}

static int reset_by_ioctl(int device)
{
	return ioctl(device, VFIO_DEVICE_RESET);
}

static int reset_by_flr(int device)
{
	uint32_t pos = find_cap(device, PCI_CAP_ID_EXP);

	return config_put(device, pos + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR,
			  2);
}

TEST_F(open, reset_restores_the_device)
{
	long long before = testdev_num(&self->td, "count reset");

	check_reset(_metadata, self->device, &self->td, reset_by_ioctl);
	EXPECT_EQ(before + 3, testdev_num(&self->td, "count reset"));
}

TEST_F(open, function_level_reset_restores_the_device)
{
	check_reset(_metadata, self->device, &self->td, reset_by_flr);
	EXPECT_EQ(0, config_get(self->device,
				find_cap(self->device, PCI_CAP_ID_EXP) +
					PCI_EXP_DEVCTL,
				2) &
			     PCI_EXP_DEVCTL_BCR_FLR);
}

static void check_saved(struct __test_metadata *_metadata, int device,
			struct testdev *td, int (*reset)(int device))
{
	uint32_t exp = find_cap(device, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	uint32_t msi = find_cap(device, PCI_CAP_ID_MSI) + PCI_MSI_MASK_64;
	int fds[2];

	new_eventfds(fds, 2);
	ASSERT_EQ(0, irq_set_eventfds(device, MSI, 0, 2, fds));
	ASSERT_EQ(0, config_put(device, msi, 1, 4));
	ASSERT_EQ(0, config_put(device, exp, 0x281f, 2));
	ASSERT_EQ(0, config_put(device, PCI_CACHE_LINE_SIZE, 0x10, 1));
	ASSERT_EQ(0, reset(device));
	EXPECT_EQ(0x281f, in_device(td, exp, 2));
	EXPECT_EQ(0x10, in_device(td, PCI_CACHE_LINE_SIZE, 1));
	EXPECT_STREQ("none", fire(td, 0));
	EXPECT_STREQ("msi", fire(td, 1));
}

TEST_F(open, reset_restores_what_only_the_consumer_sets)
{
	check_saved(_metadata, self->device, &self->td, reset_by_ioctl);
}

TEST_F(open, function_level_reset_restores_what_only_the_consumer_sets)
{
	check_saved(_metadata, self->device, &self->td, reset_by_flr);
}

/* EINVAL would tell the consumer that the device cannot be reset. */
TEST(write_that_the_server_refuses_after_a_reset_gives_eio)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;

	ASSERT_EQ(0, model_start(&td, NULL));
	ASSERT_EQ(0, mdev_set(td.uuid, "pci_setup", "never"));
	ASSERT_EQ(0, model_open(&td, &dev));
	ASSERT_EQ(0, testdev_cmd(&td, "fail write %d 1", EINVAL));
	EXPECT_EQ(-1, ioctl(dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(EIO, errno);
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

TEST(return_from_d3_restores_a_device_that_loses_its_registers)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;
	uint32_t pos;
	int fd;

	ASSERT_EQ(0, model_start(&td, "--pm-reset"));
	ASSERT_EQ(0, model_open(&td, &dev));
	pos = find_cap(dev.device, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	new_eventfds(&fd, 1);
	ASSERT_EQ(0, irq_set_eventfds(dev.device, MSIX, 0, 1, &fd));
	ASSERT_EQ(0, config_put(dev.device, pos, 3, 2));
	EXPECT_EQ(UINT32_MAX, read_id(dev.device));
	ASSERT_EQ(0, config_put(dev.device, pos, 0, 2));
	EXPECT_EQ(TESTDEV_ID, read_id(dev.device));
	EXPECT_STREQ("msix", fire(&td, 0));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* Threads that are killed --------------------------------------------------- */

/*
 * Kills a process that shares the open device while it waits for the reply to the
 * first @command of @call.
 */
static int kill_in(struct testdev *td, int device, const char *command,
		   int (*call)(int device))
{
	pid_t pid;
	int ret;

	if (testdev_cmd(td, "hold %s", command))
		return -1;
	pid = fork();
	if (!pid) {
		call(device);
		_exit(0);
	}
	ret = testdev_cmd(td, "held 1");
	kill(pid, SIGKILL);
	if (task_wait_end(pid, SOON_MS) != SIGKILL)
		ret = -1;
	return testdev_cmd(td, "restore") ? -1 : ret;
}

static int enable_msix(int device)
{
	int fds[2];

	new_eventfds(fds, 2);
	return irq_set_eventfds(device, MSIX, 0, 2, fds);
}

static int enable_msi(int device)
{
	int fd;

	new_eventfds(&fd, 1);
	return irq_set_eventfds(device, MSI, 0, 1, &fd);
}

static int enable_intx(int device)
{
	int fd;

	new_eventfds(&fd, 1);
	return irq_set_eventfds(device, INTX, 0, 1, &fd);
}

static int disable_msix(int device)
{
	return irq_disable(device, MSIX);
}

TEST_F(open, interrupts_work_after_a_killed_set_irqs)
{
	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", enable_msix));
	ASSERT_EQ(0, enable_msix(self->device));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_STREQ("msix", fire(&self->td, 1));
	ASSERT_EQ(0, disable_msix(self->device));

	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", enable_msi));
	ASSERT_EQ(0, enable_msi(self->device));
	EXPECT_STREQ("msi", fire(&self->td, 0));
	ASSERT_EQ(0, irq_disable(self->device, MSI));

	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", enable_intx));
	ASSERT_EQ(0, enable_intx(self->device));
	EXPECT_STREQ("intx", fire(&self->td, 0));
}

TEST_F(open, other_kind_of_interrupt_works_after_a_killed_set_irqs)
{
	ASSERT_EQ(0, enable_msix(self->device));
	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", disable_msix));
	/* The server may have it disabled already. */
	irq_disable(self->device, MSIX);
	ASSERT_EQ(0, enable_msi(self->device));
	EXPECT_STREQ("msi", fire(&self->td, 0));
}

static int add_vectors(int device)
{
	int fds[2];

	new_eventfds(fds, 2);
	return irq_set_eventfds(device, MSIX, 2, 2, fds);
}

TEST_F(open, vector_works_after_it_was_added_by_a_killed_thread)
{
	ASSERT_EQ(0, enable_msix(self->device));
	ASSERT_EQ(0, kill_in(&self->td, self->device, "write", add_vectors));
	ASSERT_EQ(0, add_vectors(self->device));
	EXPECT_STREQ("msix", fire(&self->td, 0));
	EXPECT_STREQ("msix", fire(&self->td, 2));
	EXPECT_STREQ("msix", fire(&self->td, 3));
}

static void check_killed_reset(struct __test_metadata *_metadata, int device,
			       struct testdev *td, const char *command,
			       int (*reset)(int device))
{
	uint32_t exp = find_cap(device, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	ASSERT_EQ(0, enable_msix(device));
	ASSERT_EQ(0, config_put(device, exp, 0x281f, 2));
	ASSERT_EQ(0, kill_in(td, device, command, reset));
	EXPECT_EQ(UINT32_MAX, read_id(device));
	ASSERT_EQ(0, config_put(device, PCI_COMMAND,
				PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2));
	EXPECT_EQ(TESTDEV_ID, read_id(device));
	EXPECT_STREQ("msix", fire(td, 1));
	EXPECT_EQ(0x281f, in_device(td, exp, 2));
}

TEST_F(open, next_access_restores_the_device_after_a_killed_reset)
{
	check_killed_reset(_metadata, self->device, &self->td, "reset",
			   reset_by_ioctl);
}

TEST_F(open, next_access_restores_the_device_after_a_killed_flr)
{
	check_killed_reset(_metadata, self->device, &self->td, "write",
			   reset_by_flr);
}

HELPER_MAIN
