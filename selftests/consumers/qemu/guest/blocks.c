// SPDX-License-Identifier: GPL-2.0
/*
 * A load for a disk in a guest: writes and compares blocks.
 *
 * Each thread has an area of the disk, and one request in flight.  In each round, it compares
 * each block with what it wrote in the round before, and writes the block again.  SIGTERM ends
 * this.  Then each thread compares its whole area, and the program prints
 * "N blocks written, N compared" and for each thread the round and the next block,
 * "ROUND.BLOCK".
 *
 * With -c, the program only compares an image with such a ROUND.BLOCK for each thread.
 *
 * The disk must have been zero.
 *
 * usage: blocks DISK THREADS
 *        blocks -c IMAGE ROUND.BLOCK...
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE  16384
#define WORDS (SIZE / sizeof(uint64_t))
#define AREA  32 /* blocks */
#define MAX   16 /* threads */

struct area {
	pthread_t thread;
	uint64_t *buf;
	uint64_t round;
	unsigned int number, next;
	unsigned long written, compared;
	int fd, ret;
};

static struct area areas[MAX];
static volatile sig_atomic_t ended;

static void end(int number)
{
	ended = 1;
}

static uint64_t word(const struct area *a, unsigned int block, uint64_t round,
		     unsigned int i)
{
	uint64_t seed = (a->number * AREA + block) * 0x100000001ULL + round;

	return round ? seed * 0x9e3779b97f4a7c15ULL + i : 0;
}

static off_t place(const struct area *a, unsigned int block)
{
	return (off_t)(a->number * AREA + block) * SIZE;
}

static int failed(const struct area *a, unsigned int block, const char *what)
{
	printf("area %u, block %u: %s\n", a->number, block, what);
	return -1;
}

static int compare(struct area *a, unsigned int block, uint64_t round)
{
	ssize_t got = pread(a->fd, a->buf, SIZE, place(a, block));
	unsigned int i;

	if (got != SIZE)
		return failed(a, block, got < 0 ? strerror(errno) : "short");
	for (i = 0; i < WORDS; i++)
		if (a->buf[i] != word(a, block, round, i))
			return failed(a, block, "wrong data");
	a->compared++;
	return 0;
}

static int store(struct area *a, unsigned int block, uint64_t round)
{
	unsigned int i;
	ssize_t got;

	for (i = 0; i < WORDS; i++)
		a->buf[i] = word(a, block, round, i);
	got = pwrite(a->fd, a->buf, SIZE, place(a, block));
	if (got != SIZE)
		return failed(a, block, got < 0 ? strerror(errno) : "short");
	a->written++;
	return 0;
}

/* One block; the round is over after the last one. */
static int step(struct area *a)
{
	if (compare(a, a->next, a->round) || store(a, a->next, a->round + 1))
		return -1;
	if (++a->next == AREA) {
		a->next = 0;
		a->round++;
	}
	return 0;
}

static int compare_all(struct area *a)
{
	unsigned int block;
	int ret = 0;

	for (block = 0; !ret && block < AREA; block++)
		ret = compare(a, block, a->round + (block < a->next));
	return ret;
}

static void *work(void *data)
{
	struct area *a = data;

	while (!a->ret && !ended)
		a->ret = step(a);
	if (!a->ret)
		a->ret = compare_all(a);
	return NULL;
}

static int open_area(struct area *a, unsigned int number, const char *name,
		     int flags)
{
	a->number = number;
	a->buf = aligned_alloc(4096, SIZE);
	a->fd = open(name, flags);
	if (a->fd >= 0 && a->buf)
		return 0;
	perror(name);
	return -1;
}

static int load(const char *disk, unsigned int count)
{
	unsigned long written = 0, compared = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count; i++)
		if (open_area(&areas[i], i, disk, O_RDWR | O_DIRECT) ||
		    pthread_create(&areas[i].thread, NULL, work, &areas[i]))
			return 1;
	for (i = 0; i < count; i++) {
		pthread_join(areas[i].thread, NULL);
		ret |= areas[i].ret;
		written += areas[i].written;
		compared += areas[i].compared;
	}
	printf("%lu blocks written, %lu compared\n", written, compared);
	for (i = 0; i < count; i++)
		printf("%" PRIu64 ".%u ", areas[i].round, areas[i].next);
	printf("\n");
	return ret ? 1 : 0;
}

static int compare_image(const char *image, char **places, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct area *a = &areas[i];

		if (sscanf(places[i], "%" SCNu64 ".%u", &a->round, &a->next) !=
			    2 ||
		    open_area(a, i, image, O_RDONLY) || compare_all(a))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = end, .sa_flags = SA_RESTART };
	bool image = argc > 3 && !strcmp(argv[1], "-c");
	unsigned int count = image     ? argc - 3 :
			     argc == 3 ? (unsigned int)atoi(argv[2]) :
					 0;

	if (count < 1 || count > MAX) {
		printf("usage: blocks DISK THREADS\n"
		       "       blocks -c IMAGE ROUND.BLOCK...\n");
		return 2;
	}
	if (image)
		return compare_image(argv[2], argv + 3, count);
	sigaction(SIGTERM, &action, NULL);
	return load(argv[1], count);
}
