// SPDX-License-Identifier: GPL-2.0
/* The client and the server together: interrupts. */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../harness.h"
#include "both.h"

#define NONE	VFIO_IRQ_SET_DATA_NONE
#define BOOL	VFIO_IRQ_SET_DATA_BOOL
#define EVENT	VFIO_IRQ_SET_DATA_EVENTFD
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER
#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK

TEST(eventfds_are_signalled_replaced_and_removed)
{
	struct both both = both_setup(NULL, NULL);
	const uint32_t msix = VFIO_PCI_MSIX_IRQ_INDEX;
	int i, fds[DEVICE_MSIX];

	for (i = 0; i < DEVICE_MSIX; i++)
		fds[i] = both_event();
	check_eq(vuser_irq_trigger(both.dev->server, msix, 0), -ENOENT);
	check_eq(vuser_irq_trigger(both.dev->server, msix, DEVICE_MSIX),
		 -EINVAL);
	check_eq(vuser_irq_trigger(both.dev->server, 99, 0), -EINVAL);
	check(!vuser_irq_enabled(both.dev->server, msix, 0));
	check_eq(vuser_irq_eventfd(both.dev->server, msix, 0), -ENOENT);
	check_eq(vuser_irq_eventfd(both.dev->server, msix, DEVICE_MSIX),
		 -EINVAL);

	check_eq(vuser_client_set_irqs(both.client, EVENT | TRIGGER, msix, 0,
				       DEVICE_MSIX, NULL, fds),
		 0);
	check_eq(both.dev->irq_states, 1);
	for (i = 0; i < DEVICE_MSIX; i++) {
		check_eq(eventfd_write(vuser_irq_eventfd(both.dev->server, msix,
							 i),
				       3),
			 0);
		check_eq(both_drain(fds[i]), 3);
		check(vuser_irq_enabled(both.dev->server, msix, i));
		check_eq(vuser_irq_trigger(both.dev->server, msix, i), 0);
		check_eq(both_drain(fds[i]), 1);
	}
	/* Remove 2 and 3 only. */
	check_eq(vuser_client_set_irqs(both.client, EVENT | TRIGGER, msix, 2, 2,
				       NULL, NULL),
		 0);
	for (i = 0; i < DEVICE_MSIX; i++) {
		check_eq(vuser_irq_trigger(both.dev->server, msix, i),
			 i == 2 || i == 3 ? -ENOENT : 0);
		check_eq(both_drain(fds[i]), i == 2 || i == 3 ? 0 : 1);
	}
	/* Replace 5. */
	check_eq(vuser_client_set_irqs(both.client, EVENT | TRIGGER, msix, 5, 1,
				       NULL, &fds[2]),
		 0);
	check_eq(vuser_irq_trigger(both.dev->server, msix, 5), 0);
	check_eq(both_drain(fds[5]), 0);
	check_eq(both_drain(fds[2]), 1);
	/* Remove all. */
	check_eq(vuser_client_set_irqs(both.client, NONE | TRIGGER, msix, 0, 0,
				       NULL, NULL),
		 0);
	for (i = 0; i < DEVICE_MSIX; i++)
		check_eq(vuser_irq_trigger(both.dev->server, msix, i), -ENOENT);
	for (i = 0; i < DEVICE_MSIX; i++)
		close(fds[i]);
	both_teardown(&both);
}

TEST(client_triggers_interrupts_by_set_irqs)
{
	struct both both = both_setup(NULL, NULL);
	const uint32_t msix = VFIO_PCI_MSIX_IRQ_INDEX;
	const uint8_t bools[3] = { 1, 0, 1 };
	int i, fds[3];

	for (i = 0; i < 3; i++)
		fds[i] = both_event();
	check_eq(vuser_client_set_irqs(both.client, EVENT | TRIGGER, msix, 1, 3,
				       NULL, fds),
		 0);
	check_eq(vuser_client_set_irqs(both.client, NONE | TRIGGER, msix, 1, 3,
				       NULL, NULL),
		 0);
	for (i = 0; i < 3; i++)
		check_eq(both_drain(fds[i]), 1);
	check_eq(vuser_client_set_irqs(both.client, BOOL | TRIGGER, msix, 1, 3,
				       bools, NULL),
		 0);
	for (i = 0; i < 3; i++)
		check_eq(both_drain(fds[i]), bools[i]);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	both_teardown(&both);
}

TEST(masked_interrupt_is_pending_until_unmasked)
{
	struct both both = both_setup(NULL, NULL);
	const uint32_t intx = VFIO_PCI_INTX_IRQ_INDEX;
	const uint8_t yes = 1, no = 0;
	int fd = both_event();

	check_eq(vuser_client_set_irqs(both.client, EVENT | TRIGGER, intx, 0, 1,
				       NULL, &fd),
		 0);
	/* INTx masks itself, stays pending, and fires when unmasked. */
	check_eq(vuser_irq_trigger(both.dev->server, intx, 0), 0);
	check_eq(both_drain(fd), 1);
	check_eq(vuser_irq_trigger(both.dev->server, intx, 0), 0);
	check_eq(vuser_irq_trigger(both.dev->server, intx, 0), 0);
	check_eq(both_drain(fd), 0);
	check_eq(vuser_client_set_irqs(both.client, BOOL | UNMASK, intx, 0, 1,
				       &no, NULL),
		 0);
	check_eq(both_drain(fd), 0);
	check_eq(vuser_client_set_irqs(both.client, NONE | UNMASK, intx, 0, 1,
				       NULL, NULL),
		 0);
	check_eq(both_drain(fd), 1);
	/* That interrupt masked itself again, and no interrupt is pending. */
	check_eq(vuser_client_set_irqs(both.client, NONE | UNMASK, intx, 0, 1,
				       NULL, NULL),
		 0);
	check_eq(both_drain(fd), 0);
	check_eq(vuser_client_set_irqs(both.client, BOOL | MASK, intx, 0, 1,
				       &yes, NULL),
		 0);
	check_eq(vuser_irq_trigger(both.dev->server, intx, 0), 0);
	check_eq(both_drain(fd), 0);
	/* The device clears the pending interrupt. */
	vuser_irq_clear(both.dev->server, intx, 0);
	check_eq(vuser_client_set_irqs(both.client, NONE | UNMASK, intx, 0, 1,
				       NULL, NULL),
		 0);
	check_eq(both_drain(fd), 0);
	close(fd);
	both_teardown(&both);
}

TEST(set_irqs_with_invalid_arguments_is_rejected)
{
	struct both both = both_setup(NULL, NULL);
	const uint32_t msix = VFIO_PCI_MSIX_IRQ_INDEX;
	int i, fds[DEVICE_MSIX + 1];

	for (i = 0; i <= DEVICE_MSIX; i++)
		fds[i] = both_event();
#define set_irqs(flags, index, start, count, fds)                            \
	vuser_client_set_irqs(both.client, flags, index, start, count, NULL, \
			      fds)
	check_eq(set_irqs(EVENT | TRIGGER, msix, 0, DEVICE_MSIX + 1, fds),
		 -EINVAL);
	check_eq(set_irqs(EVENT | TRIGGER, msix, DEVICE_MSIX, 1, fds), -EINVAL);
	check_eq(set_irqs(NONE | TRIGGER, msix, DEVICE_MSIX + 1, 1, NULL),
		 -EINVAL);
	check_eq(set_irqs(NONE | TRIGGER, VFIO_PCI_MSI_IRQ_INDEX, 0, 0, NULL),
		 -EINVAL);
	check_eq(set_irqs(NONE | TRIGGER, 99, 0, 1, NULL), -EINVAL);
	check_eq(set_irqs(NONE | MASK, msix, 0, 1, NULL), -EINVAL);
	check_eq(set_irqs(NONE | UNMASK, VFIO_PCI_INTX_IRQ_INDEX, 0, 0, NULL),
		 -EINVAL);
	check_eq(set_irqs(EVENT | UNMASK, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, fds),
		 -ENOTSUP);
	check_eq(set_irqs(NONE | EVENT | TRIGGER, msix, 0, 1, fds), -EINVAL);
	/* A write to a regular file may take any time. */
	close(fds[0]);
	fds[0] = dup(both.dev->memory_fd);
	check_eq(set_irqs(EVENT | TRIGGER, msix, 0, 1, fds), -EINVAL);
	check_eq(both.dev->irq_states, 0);
#undef set_irqs
	for (i = 0; i <= DEVICE_MSIX; i++)
		close(fds[i]);
	both_teardown(&both);
}

/* An eventfd at its limit must not block the device. */
TEST(trigger_of_a_full_eventfd_returns)
{
	struct both both = both_setup(NULL, NULL);
	const uint32_t msix = VFIO_PCI_MSIX_IRQ_INDEX;
	int fd = eventfd(0, EFD_CLOEXEC);

	eventfd_write(fd, UINT64_MAX - 1);
	check_eq(vuser_client_set_irqs(both.client, EVENT | TRIGGER, msix, 0, 1,
				       NULL, &fd),
		 0);
	check_eq(vuser_irq_trigger(both.dev->server, msix, 0), 0);
	check_eq(vuser_irq_trigger(both.dev->server, msix, 0), 0);
	close(fd);
	both_teardown(&both);
}

TEST(eventfds_are_dropped_with_the_client)
{
	struct both both = both_setup(NULL, NULL);
	int fd = both_event();

	check_eq(vuser_client_set_irqs(both.client, EVENT | TRIGGER,
				       VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, NULL,
				       &fd),
		 0);
	vuser_client_free(both.client);
	check(device_await(&both.dev->disconnects, 1));
	both.client = device_client(both.dev, NULL, NULL, NULL);
	require(both.client);
	check(!vuser_irq_enabled(both.dev->server, VFIO_PCI_MSIX_IRQ_INDEX, 0));
	close(fd);
	vuser_client_free(both.client);
	device_free(both.dev);
}

static int set_events(struct vuser_client *client, uint32_t index,
		      uint32_t count, const int *fds)
{
	return vuser_client_set_irqs(client, EVENT | TRIGGER, index, 0, count,
				     NULL, fds);
}

static int disable(struct vuser_client *client, uint32_t index)
{
	return vuser_client_set_irqs(client, NONE | TRIGGER, index, 0, 0, NULL,
				     NULL);
}

TEST(interrupt_is_fired_by_the_type_that_the_client_has_enabled)
{
	struct both both = both_setup(NULL, NULL);
	struct vuser_server *server = both.dev->server;
	int fds[2] = { both_event(), both_event() };

	/* Only the event loop's thread may add an interrupt type. */
	device_pause(both.dev);
	require(!vuser_server_set_irqs(server, VFIO_PCI_MSI_IRQ_INDEX,
				       VFIO_IRQ_INFO_EVENTFD, 4));
	device_resume(both.dev);
	check_eq(vuser_irq_fire(server, 0), -ENOENT);
	check_eq(set_events(both.client, VFIO_PCI_INTX_IRQ_INDEX, 1, fds), 0);
	check_eq(vuser_irq_fire(server, 3), 0);
	check_eq(both_drain(fds[0]), 1);
	check_eq(disable(both.client, VFIO_PCI_INTX_IRQ_INDEX), 0);

	/* The driver enables two of four vectors. */
	check_eq(set_events(both.client, VFIO_PCI_MSI_IRQ_INDEX, 2, fds), 0);
	check_eq(vuser_irq_fire(server, 3), 0);
	check_eq(both_drain(fds[1]), 1);
	check_eq(vuser_irq_fire(server, 2), 0);
	check_eq(both_drain(fds[0]), 1);
	check_eq(disable(both.client, VFIO_PCI_MSI_IRQ_INDEX), 0);

	check_eq(set_events(both.client, VFIO_PCI_MSIX_IRQ_INDEX, 2, fds), 0);
	check_eq(vuser_irq_fire(server, 1), 0);
	check_eq(both_drain(fds[1]), 1);
	check_eq(vuser_irq_fire(server, 2), -ENOENT);
	check_eq(vuser_irq_fire(server, DEVICE_MSIX), -EINVAL);
	check_eq(disable(both.client, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	check_eq(vuser_irq_fire(server, 0), -ENOENT);
	close(fds[0]);
	close(fds[1]);
	both_teardown(&both);
}
