// SPDX-License-Identifier: GPL-2.0
/* Callbacks for accesses, resets and migration that answer later. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "defer.h"
#include "../harness.h"
#include "../wire.h"

#define NO_REPLY VFIO_USER_FLAGS_NO_REPLY

TEST(deferred_read_is_replied_with_the_data_of_the_answer)
{
	defer_begin(DEFER_ACCESS);
	defer_send_access(1, false, 0, DEFER_WHOLE, 0, 16);
	defer_process();
	check_eq(defer.nr, 1);
	check(!defer_has_reply());
	/* The event loop has nothing to do until the answer. */
	check(!defer_is_readable(vuser_server_fd(defer.server)));
	defer_answer_read(0, 0x5a, 16);
	check(defer_is_readable(vuser_server_fd(defer.server)));
	defer_process();
	check(defer_read_is(1, 0x5a, 16));
	defer_end();
}

TEST(each_part_of_a_split_access_can_be_deferred)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[12];
	} got;

	defer_begin(0);
	memset(defer.mem, 1, sizeof(defer.mem));
	defer_send_access(1, false, 0, DEFER_SPLIT, 0, 12);
	defer.defers = DEFER_ACCESS;
	defer_process();
	check_eq(defer.nr, 1);
	defer_answer_read(0, 2, 4);
	defer_process();
	check_eq(defer.nr, 2);
	/* The last part is not deferred. */
	defer.defers = 0;
	defer_answer_read(1, 3, 4);
	defer_process();
	check_eq(defer_reply(1, &got, sizeof(got.access) + 12), 0);
	check_eq(got.data[0], 2);
	check_eq(got.data[7], 3);
	check_eq(got.data[11], 1);

	defer.nr = 0;
	defer.defers = DEFER_ACCESS;
	defer_send_access(2, true, 0, DEFER_SPLIT, 0, 8);
	defer_process();
	check_eq(((uint8_t *)vuser_request_data(defer.requests[0]))[3], 5);
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	require(defer.nr == 2);
	check_eq(((uint8_t *)vuser_request_data(defer.requests[1]))[3], 9);
	vuser_request_done(defer.requests[1], 0);
	defer_process();
	check_eq(defer_reply(2, &got, sizeof(got.access)), 0);
	defer_end();
}

TEST(first_part_is_kept_when_a_later_part_is_deferred)
{
	struct {
		struct vfio_user_region_access access;
		uint8_t data[8];
	} got;

	defer_begin(0);
	defer.now = true;
	memset(defer.mem, 1, sizeof(defer.mem));
	/* The access of 6 bytes at 2 begins with a part of 2 bytes. */
	defer_send_access(1, false, 0, DEFER_SPLIT, 2, 6);
	defer.defers = DEFER_ACCESS;
	defer_process();
	memset(vuser_request_data(defer.requests[0]), 2, 2);
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	/* Another read uses the buffer of the server before the answer. */
	defer.defers = 0;
	defer_send_access(2, false, 0, DEFER_SPLIT, 0x100, 8);
	defer_process();
	check(defer_read_is(2, 1, 8));
	defer_answer_read(1, 3, 4);
	defer_process();
	check_eq(defer_reply(1, &got, sizeof(got.access) + 6), 0);
	check_eq(got.access.offset, 2);
	check_eq(got.data[0], 2);
	check_eq(got.data[1], 2);
	check_eq(got.data[2], 3);
	check_eq(got.data[5], 3);
	defer_end();
}

TEST(error_of_the_answer_is_replied)
{
	defer_begin(DEFER_ACCESS | DEFER_RESET);
	defer_send_access(1, false, 0, DEFER_SPLIT, 0, 8);
	defer_process();
	vuser_request_done(defer.requests[0], -EBUSY);
	defer_process();
	check_eq(defer_reply(1, NULL, 0), -EBUSY);
	/* The second part was not read. */
	check_eq(defer.nr, 1);
	defer_send(2, VFIO_USER_DEVICE_RESET, 0, NULL, 0);
	defer_process();
	vuser_request_done(defer.requests[1], -EIO);
	defer_process();
	check_eq(defer_reply(2, NULL, 0), -EIO);
	defer_end();
}

TEST(request_can_be_answered_in_its_callback)
{
	defer_begin(DEFER_ACCESS | DEFER_RESET);
	defer.answer_at_once = true;
	defer_send_access(1, false, 0, DEFER_SPLIT, 0, 8);
	defer_send(2, VFIO_USER_DEVICE_RESET, 0, NULL, 0);
	while (defer_is_readable(vuser_server_fd(defer.server)))
		defer_process();
	check(defer_read_is(1, 7, 8));
	check_eq(defer_reply(2, NULL, 0), 0);
	defer_end();
}

TEST(callback_that_has_answered_can_process_accesses)
{
	defer_begin(DEFER_ACCESS);
	defer.answer_at_once = true;
	defer.process_then = true;
	defer_send_access(1, false, 0, DEFER_SPLIT, 0, 8);
	while (defer_is_readable(vuser_server_fd(defer.server)))
		defer_process();
	check(defer_read_is(1, 7, 8));
	defer_end();
}

TEST(later_commands_wait_for_the_answer)
{
	defer_begin(DEFER_ACCESS);
	defer_send_access(1, false, 0, DEFER_SPLIT, 0, 4);
	defer_send_access(2, true, 0, DEFER_SPLIT, 0, 4);
	defer_send(3, VFIO_USER_DEVICE_RESET, 0, NULL, 0);
	defer_process();
	defer_process();
	check(!strcmp(defer.order, "r"));
	check(!defer_has_reply());
	check(!defer_is_readable(vuser_server_fd(defer.server)));
	defer.defers = 0;
	defer_answer_read(0, 1, 4);
	defer_process();
	check(!strcmp(defer.order, "rwR"));
	check(defer_read_is(1, 1, 4));
	check_eq(defer_reply(2, NULL, 0), 0);
	check_eq(defer_reply(3, NULL, 0), 0);
	defer_end();
}

TEST(accesses_that_the_device_allows_do_not_wait)
{
	defer_begin(DEFER_ACCESS);
	defer.now = true;
	defer_send_access(1, false, 0, DEFER_SPLIT, 0, 4);
	defer_process();
	defer_send_access(2, false, 0, DEFER_SPLIT, 0, 4);
	defer_send(3, VFIO_USER_DEVICE_RESET, 0, NULL, 0);
	defer_process();
	/* The second read is deferred, too; the reset waits for both. */
	check(!strcmp(defer.order, "rr"));
	defer_answer_read(1, 2, 4);
	defer_process();
	check(defer_read_is(2, 2, 4));
	check(!strcmp(defer.order, "rr"));
	/* A read may overtake the reset, a write may not. */
	defer.defers = 0;
	defer_send_access(4, false, 0, DEFER_SPLIT, 0, 4);
	defer_send_access(5, true, 0, DEFER_SPLIT, 0, 4);
	defer_process();
	check(!strcmp(defer.order, "rrr"));
	check(defer_read_is(4, 0, 4));
	check(!defer_has_reply());
	defer_answer_read(0, 1, 4);
	defer_process();
	check(defer_read_is(1, 1, 4));
	check(!strcmp(defer.order, "rrrRw"));
	defer_end();
}

TEST(nothing_overtakes_a_deferred_posted_write)
{
	struct vfio_user_write_multi *multi;
	char buf[sizeof(*multi) + 2 * sizeof(struct vfio_user_single_write)];

	defer_begin(DEFER_ACCESS);
	defer.now = true;
	defer_send_access(1, true, NO_REPLY, DEFER_SPLIT, 0, 4);
	defer_send_access(2, false, 0, DEFER_SPLIT, 0, 4);
	defer_process();
	check(!strcmp(defer.order, "w"));
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	check(!strcmp(defer.order, "wr"));
	defer_answer_read(1, 9, 4);
	defer_process();
	check(defer_read_is(2, 9, 4));

	/* The same for several writes in one message. */
	defer.nr = 0;
	memset(buf, 0, sizeof(buf));
	multi = (struct vfio_user_write_multi *)buf;
	multi->wr_cnt = 2;
	multi->wrs[0].count = 4;
	multi->wrs[1].count = 8;
	multi->wrs[1].data[4] = 0x77;
	defer_send(3, VFIO_USER_REGION_WRITE_MULTI, 0, buf, sizeof(buf));
	defer_send_access(4, false, 0, DEFER_SPLIT, 0, 4);
	defer_process();
	check(!strcmp(defer.order, "wrw"));
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	vuser_request_done(defer.requests[1], 0);
	defer_process();
	check(!strcmp(defer.order, "wrwww"));
	check_eq(*(char *)vuser_request_data(defer.requests[2]), 0x77);
	vuser_request_done(defer.requests[2], -EIO);
	defer_process();
	/* One of the two writes is complete. */
	check_eq(defer_reply(3, buf, sizeof(*multi)), 0);
	check_eq(multi->wr_cnt, 1);
	check(!strcmp(defer.order, "wrwwwr"));
	defer_end();
	vuser_request_done(defer.requests[3], 0);
}

TEST(accesses_wait_when_the_device_has_max_deferred_requests)
{
	int i;

	defer_begin(DEFER_ACCESS);
	defer.now = true;
	for (i = 0; i < 5; i++)
		defer_send_access(i, false, 0, DEFER_SPLIT, 0, 4);
	defer_process();
	check_eq(defer.nr, 3);
	defer_answer_read(1, 0x11, 4);
	defer_process();
	check(defer_read_is(1, 0x11, 4));
	check_eq(defer.nr, 4);
	defer_answer_read(0, 1, 4);
	defer_answer_read(2, 2, 4);
	defer_answer_read(3, 3, 4);
	defer_process();
	check_eq(defer.nr, 5);
	defer_answer_read(4, 4, 4);
	defer_process();
	check(defer_read_is(0, 1, 4));
	check(defer_read_is(2, 2, 4));
	check(defer_read_is(3, 3, 4));
	check(defer_read_is(4, 4, 4));
	defer_end();
}

TEST(migration_continues_after_each_deferred_step)
{
	struct vfio_device_feature_mig_state state;
	char payload[sizeof(struct vfio_user_device_feature) + sizeof(state)];

	defer_begin(DEFER_MIGRATE);
	/* From RUNNING to STOP_COPY the path leads through STOP. */
	defer_send_state(1, VFIO_DEVICE_STATE_STOP_COPY);
	defer_process();
	check_eq(defer.nr, 1);
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	check_eq(defer.nr, 2);
	check(!defer_has_reply());
	vuser_request_done(defer.requests[1], 0);
	defer_process();
	check_eq(defer_reply(1, payload, sizeof(payload)), 0);
	memcpy(&state, payload + sizeof(struct vfio_user_device_feature),
	       sizeof(state));
	check_eq(state.device_state, VFIO_DEVICE_STATE_STOP_COPY);
	check(!strcmp(defer.order, "13"));

	/* A step that fails leaves the state before it. */
	defer_send_state(2, VFIO_DEVICE_STATE_RUNNING);
	defer_process();
	vuser_request_done(defer.requests[2], 0);
	defer_process();
	vuser_request_done(defer.requests[3], -EAGAIN);
	defer_process();
	check_eq(defer_reply(2, NULL, 0), -EAGAIN);
	defer.defers = 0;
	defer_send_state(3, VFIO_DEVICE_STATE_STOP_COPY);
	defer_process();
	check_eq(defer_reply(3, NULL, 0), 0);
	check(!strcmp(defer.order, "13123"));
	/* The data of migration are read now, see on_mig_read(). */
	defer_send(4, VFIO_USER_MIG_DATA_READ, 0,
		   &(struct vfio_user_mig_data) { 12, 4 }, 8);
	defer_process();
	check_eq(defer_reply(4, NULL, 0), 0);
	defer_end();
}

TEST(client_that_sends_many_commands_waits_and_its_end_is_seen)
{
	int i;

	defer_begin(DEFER_ACCESS);
	defer_send_access(0, false, 0, DEFER_SPLIT, 0, 4);
	defer_process();
	/* Fill the queue of the server and then the socket. */
	fcntl(defer.sock, F_SETFL, O_NONBLOCK);
	for (i = 0; i < 100; i++) {
		char payload[4096] = { 0 };

		wire_raw(defer.sock, i, VFIO_USER_REGION_WRITE,
			 sizeof(struct vfio_user_header) + sizeof(payload), 0,
			 payload, sizeof(payload));
		if (!(i % 8))
			defer_process();
	}
	defer_process();
	check_eq(defer.nr_order, 1);
	/* Data are left in the socket, but the event loop is not busy. */
	check(!defer_is_readable(vuser_server_fd(defer.server)));
	close(defer.sock);
	check(defer_is_readable(vuser_server_fd(defer.server)));
	defer_process();
	check(!strcmp(defer.order, "rd"));
	vuser_request_done(defer.requests[0], 0);
	defer_process();
	defer.sock = defer_connect();
	check(defer.sock >= 0);
	defer_end();
}
