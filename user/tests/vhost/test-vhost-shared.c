// SPDX-License-Identifier: GPL-2.0
/* Objects that back ends of several devices share. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "stand.h"
#include "../harness.h"

#define PATIENCE 20 /* seconds */

#define ADD    VHOST_USER_BACKEND_SHARED_OBJECT_ADD
#define REMOVE VHOST_USER_BACKEND_SHARED_OBJECT_REMOVE
#define LOOKUP VHOST_USER_BACKEND_SHARED_OBJECT_LOOKUP

/* The objects of device 0 and 1 have this file. */
static struct stand *stands[2];
static int file;

static void begin(void)
{
	int i;

	file = eventfd(0, EFD_CLOEXEC);
	require(file >= 0);
	for (i = 0; i < 2; i++) {
		stands[i] = stand_setup("rng", UINT64_MAX, UINT64_MAX);
		stands[i]->object = file;
	}
}

static void end(void)
{
	stand_free(stands[0]);
	stand_free(stands[1]);
	close(file);
}

/*
 * The back end of device @i sends a request about the object with number @number.
 * Return the answer. If it has a file, @fd is the file, otherwise -1.
 */
static uint64_t ask_fd(int i, uint32_t request, uint16_t number, int *fd)
{
	struct vhost_user_msg msg = { .hdr.request = request }, answer;

	memset(&msg.payload.shared, 0x5a, sizeof(msg.payload.shared));
	memcpy(&msg.payload.shared, &number, sizeof(number));
	msg.hdr.flags = VHOST_USER_NEED_REPLY;
	fake_ask(stands[i]->fake.channel, &msg, -1);
	check_eq(fake_answer(stands[i]->fake.channel, &msg, &answer, fd), 0);
	return answer.payload.u64;
}

static uint64_t ask(int i, uint32_t request, uint16_t number)
{
	uint64_t answer;
	int fd;

	answer = ask_fd(i, request, number, &fd);
	if (fd >= 0)
		close(fd);
	return answer;
}

/* Wait until a lookup has this answer. */
static void wait_lookup(int i, uint16_t number, uint64_t wanted)
{
	time_t limit = time(NULL) + PATIENCE;
	uint64_t answer;

	do {
		answer = ask(i, LOOKUP, number);
	} while (answer != wanted && time(NULL) < limit);
	check_eq(answer, wanted);
}

TEST(object_of_one_back_end_is_found_by_another)
{
	int fd;

	begin();
	check_eq(ask(1, LOOKUP, 7), ENOENT);
	check_eq(ask(0, ADD, 7), 0);
	wait_lookup(1, 7, 0);
	check_eq(stands[0]->fake.seen[VHOST_USER_GET_SHARED_OBJECT], 1);
	check_eq(stands[1]->fake.seen[VHOST_USER_GET_SHARED_OBJECT], 0);
	check_eq(ask_fd(1, LOOKUP, 7, &fd), 0);
	check(same_file(fd, file));
	close(fd);
	/* The back end that offers it can find it, too. Other objects do not exist. */
	check_eq(ask(0, LOOKUP, 7), 0);
	check_eq(ask(1, LOOKUP, 8), ENOENT);
	end();
}

TEST(only_the_back_end_that_offers_an_object_can_remove_it)
{
	begin();
	check_eq(ask(0, ADD, 1), 0);
	wait_lookup(1, 1, 0);
	check_eq(ask(1, ADD, 1), EEXIST);
	check_eq(ask(0, ADD, 1), EEXIST);
	check_eq(ask(1, REMOVE, 1), EPERM);
	check_eq(ask(1, LOOKUP, 1), 0);
	check_eq(ask(0, REMOVE, 1), 0);
	check_eq(ask(1, LOOKUP, 1), ENOENT);
	check_eq(ask(0, REMOVE, 1), ENOENT);
	/* Now the other one may offer it. */
	check_eq(ask(1, ADD, 1), 0);
	wait_lookup(0, 1, 0);
	end();
}

TEST(objects_of_a_lost_back_end_are_removed)
{
	begin();
	check_eq(ask(0, ADD, 1), 0);
	check_eq(ask(1, ADD, 2), 0);
	wait_lookup(1, 1, 0);
	wait_lookup(1, 2, 0);
	stand_lose_backend(stands[0]);
	wait_lookup(1, 1, ENOENT);
	check_eq(ask(1, LOOKUP, 2), 0);
	end();
}

TEST(object_without_a_file_is_not_found)
{
	begin();
	stands[0]->object = -1;
	check_eq(ask(0, ADD, 1), 0);
	/* The next object comes after the first one. */
	check_eq(ask(0, ADD, 2), 0);
	while (stands[0]->fake.seen[VHOST_USER_GET_SHARED_OBJECT] < 2)
		stand_read(stands[0], 0, 4);
	check_eq(ask(1, LOOKUP, 1), ENOENT);
	check_eq(ask(0, REMOVE, 1), 0);
	end();
}

TEST(back_end_can_offer_64_objects)
{
	uint16_t i;

	begin();
	for (i = 0; i < 64; i++)
		check_eq(ask(0, ADD, i), 0);
	check_eq(ask(0, ADD, 64), ENOSPC);
	/* This does not restrict another one. */
	check_eq(ask(1, ADD, 64), 0);
	check_eq(ask(0, REMOVE, 3), 0);
	check_eq(ask(0, ADD, 65), 0);
	for (i = 0; i < 64; i++)
		if (i != 3)
			wait_lookup(1, i, 0);
	end();
}
