// SPDX-License-Identifier: GPL-2.0
/* The interrupts of the device. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

TEST(call_before_the_vectors_eventfd_is_delivered_later)
{
	struct stand *stand = stand_setup_default("rng");
	int call = stand_eventfd(), other = stand_eventfd();

	stand_map(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand->calls, 1);
	eventfd_write(stand->call, 1);
	/* A new eventfd is signalled for the calls before it. */
	stand_msix(stand, 1, call);
	check_eq(stand->calls, 2);
	check_eq(stand_event(call, SOON), 1);
	eventfd_write(stand->call, 1);
	check_eq(stand_event(call, 0), 1);
	/* Replace the eventfd. */
	stand_msix(stand, 1, other);
	eventfd_write(stand->call, 1);
	check_eq(stand_event(other, 0), 1);
	check_eq(stand_event(call, 0), 0);
	/* Eventfds of other vectors do not affect the ring. */
	stand_msix(stand, 0, call);
	check_eq(stand->calls, 3);
	close(call);
	close(other);
	stand_free(stand);
}

static uint64_t pending_bits(struct stand *stand)
{
	uint64_t bits = 0;

	check_eq(vuser_client_read(stand->client, VHOST_MSIX_BAR,
				   VHOST_MSIX_PBA, &bits, sizeof(bits)),
		 0);
	return bits;
}

TEST(pending_bit_is_set_until_the_interrupt_is_delivered)
{
	struct stand *stand = stand_setup_default("rng");
	int call = stand_eventfd();

	stand_map(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(pending_bits(stand), 0);
	eventfd_write(stand->call, 1);
	check_eq(pending_bits(stand), 1 << 1);
	check_eq(pending_bits(stand), 1 << 1);
	stand_msix(stand, 1, call);
	check_eq(stand_event(call, SOON), 1);
	check_eq(pending_bits(stand), 0);
	/* With an eventfd, nothing is pending. */
	eventfd_write(stand->call, 1);
	check_eq(pending_bits(stand), 0);
	close(call);
	stand_free(stand);
}

TEST(intx_is_masked_until_the_client_unmasks_it)
{
	struct stand *stand = stand_setup_default("rng");
	int line = stand_eventfd();

	stand_map(stand);
	stand_set_irq(stand, VFIO_PCI_INTX_IRQ_INDEX, 0, line);
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE,
		    VIRTIO_NO_VECTOR);
	stand_driver_ok(stand);
	eventfd_write(stand->call, 1);
	check_eq(stand_event(line, SOON), 1);
	check_eq(stand_isr(stand), VIRTIO_ISR_QUEUE);
	check_eq(stand_isr(stand), 0);
	/* INTx masks itself until the client unmasks it. */
	eventfd_write(stand->call, 1);
	check_eq(stand_event(line, NEVER), 0);
	check_eq(vuser_client_set_irqs(
			 stand->client,
			 VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
			 VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, NULL),
		 0);
	check_eq(stand_event(line, SOON), 1);
	check_eq(stand_isr(stand), VIRTIO_ISR_QUEUE);
	close(line);
	stand_free(stand);
}
