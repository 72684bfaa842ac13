// SPDX-License-Identifier: GPL-2.0
/* Memory and requests stay valid until a device that answers later is done with them. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "defer.h"
#include "../harness.h"

TEST(region_stays_mapped_until_the_deferred_unmap_is_answered)
{
	struct vuser_dma_ref ref, other;

	defer_begin(DEFER_UNMAP);
	defer_map(DEFER_IOVA);
	require(!vuser_dma_get(defer.server, DEFER_IOVA, 4, PROT_WRITE, &ref));
	defer_send_unmap(1, DEFER_IOVA, DEFER_PAGE, 0);
	defer_process();
	check_eq(defer.nr, 1);
	check(!defer_has_reply());
	/* I/O in flight can still write, but no new I/O can start. */
	memset(ref.ptr, 1, 4);
	check_eq(vuser_dma_get(defer.server, DEFER_IOVA, 4, PROT_WRITE, &other),
		 -EFAULT);
	vuser_dma_put(defer.server, &ref);
	defer_process();
	check(!defer_has_reply());
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	check_eq(defer_reply(1, NULL, 0), 0);
	defer_end();
}

TEST(unmap_is_replied_when_the_last_reference_is_put)
{
	struct vuser_dma_ref ref;

	defer_begin(0);
	defer_map(DEFER_IOVA);
	require(!vuser_dma_get(defer.server, DEFER_IOVA, 4, PROT_WRITE, &ref));
	defer_send_unmap(1, DEFER_IOVA, DEFER_PAGE, 0);
	/* The event loop does not wait for the reference. */
	defer_process();
	check(!defer_has_reply());
	check(!defer_is_readable(vuser_server_fd(defer.server)));
	vuser_dma_put(defer.server, &ref);
	check(defer_is_readable(vuser_server_fd(defer.server)));
	defer_process();
	check_eq(defer_reply(1, NULL, 0), 0);
	defer_end();
}

TEST(unmap_of_all_regions_is_replied_after_all_answers)
{
	defer_begin(DEFER_UNMAP);
	defer_map(DEFER_IOVA);
	defer_map(DEFER_IOVA + DEFER_PAGE);
	defer_map(DEFER_IOVA + 2 * DEFER_PAGE);
	defer_send_unmap(1, 0, 0, VFIO_USER_DMA_UNMAP_ALL);
	defer_process();
	check_eq(defer.nr, 3);
	vuser_request_done(defer.requests[1], 0);
	vuser_request_done(defer.requests[2], 0);
	defer_process();
	check(!defer_has_reply());
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	check_eq(defer_reply(1, NULL, 0), 0);
	/* The addresses are free again. */
	defer_map(DEFER_IOVA + DEFER_PAGE);
	defer.defers = 0;
	defer_end();
}

TEST(next_client_is_served_when_the_requests_of_the_last_are_answered)
{
	defer_begin(DEFER_ACCESS);
	defer_map(DEFER_IOVA);
	defer.defers |= DEFER_UNMAP;
	defer_send_access(1, true, 0, DEFER_WHOLE, 0, 32);
	defer_send_access(2, true, 0, DEFER_WHOLE, 0, 4);
	defer_process();
	check_eq(defer.nr, 1);
	close(defer.sock);
	defer_process();
	/* The device sees the end at once; the second write is dropped. */
	check(!strcmp(defer.order, "wdu"));
	defer_process();
	check(!defer_is_readable(vuser_server_fd(defer.server)));
	check_eq(defer_connect(), -EBUSY);
	/* The data of the request are still valid. */
	check_eq(((uint8_t *)vuser_request_data(defer.requests[0]))[31], 32);
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	check_eq(defer_connect(), -EBUSY);
	vuser_request_done(defer.requests[1], 0);
	defer_process();
	check(!vuser_server_connected(defer.server));
	defer.defers = 0;
	defer.sock = defer_connect();
	require(defer.sock >= 0);
	defer_send_access(3, false, 0, DEFER_WHOLE, 0, 4);
	defer_process();
	check(defer_read_is(3, 0, 4));
	defer_end();
}

TEST(memory_of_a_lost_client_stays_until_the_device_is_done)
{
	struct vuser_dma_ref ref;

	defer_begin(DEFER_DISCONNECT);
	defer_map(DEFER_IOVA);
	require(!vuser_dma_get(defer.server, DEFER_IOVA, DEFER_PAGE, PROT_WRITE,
			       &ref));
	close(defer.sock);
	defer_process();
	check(!strcmp(defer.order, "d"));
	memset(ref.ptr, 1, DEFER_PAGE);
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	check(!strcmp(defer.order, "du"));
	/* The reference alone keeps the region, too. */
	memset(ref.ptr, 2, DEFER_PAGE);
	check_eq(defer_connect(), -EBUSY);
	vuser_dma_put(defer.server, &ref);
	/* A client is accepted even before the event loop has handled this. */
	defer.defers = 0;
	defer.sock = defer_connect();
	check(defer.sock >= 0);
	defer_end();
}

TEST(disconnect_during_a_deferred_unmap_unmaps_each_region_once)
{
	defer_begin(DEFER_UNMAP);
	defer_map(DEFER_IOVA);
	defer_map(DEFER_IOVA + DEFER_PAGE);
	defer_send_unmap(1, DEFER_IOVA, DEFER_PAGE, 0);
	defer_process();
	close(defer.sock);
	defer_process();
	check(!strcmp(defer.order, "udu"));
	vuser_request_done(defer.requests[0], 0);
	vuser_request_done(defer.requests[1], 0);
	defer_process();
	defer.defers = 0;
	defer.sock = defer_connect();
	check(defer.sock >= 0);
	defer_end();
}

TEST(requests_stay_valid_after_the_server_is_freed)
{
	defer_begin(DEFER_ACCESS);
	defer_map(DEFER_IOVA);
	defer.now = true;
	defer_send_access(1, true, 0, DEFER_WHOLE, 0, 16);
	defer_send_access(2, false, 0, DEFER_WHOLE, 0, 16);
	defer_process();
	require(defer.nr == 2);
	/* An answer that the server has not handled is dropped, too. */
	vuser_request_done(defer.requests[0], 0);
	defer.defers = DEFER_UNMAP | DEFER_DISCONNECT;
	defer_end();
	/* These callbacks could not defer their answers. */
	check(!strcmp(defer.order, "wrdu"));
	check_eq(defer.nr, 2);
	defer_answer_read(1, 1, 16);
}

TEST(server_is_freed_before_a_deferred_disconnect_is_answered)
{
	defer_begin(DEFER_DISCONNECT | DEFER_UNMAP);
	defer_map(DEFER_IOVA);
	defer_map(DEFER_IOVA + DEFER_PAGE);
	defer_send_unmap(1, DEFER_IOVA, DEFER_PAGE, 0);
	defer_process();
	close(defer.sock);
	defer_process();
	check(!strcmp(defer.order, "ud"));
	vuser_server_free(defer.server);
	check(!strcmp(defer.order, "udu"));
	vuser_request_done(defer.requests[0], 0);
	vuser_request_done(defer.requests[1], 0);
}
