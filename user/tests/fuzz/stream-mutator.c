// SPDX-License-Identifier: GPL-2.0
/*
 * Mutations that keep the list of records: they add, delete, move and change
 * one record at a time.
 */
#include <string.h>

#include "stream.h"

#define MAX_RECORDS 256

struct list {
	size_t nr;
	struct piece {
		const uint8_t *data;
		size_t len;
	} pieces[MAX_RECORDS];
};

static uint32_t state;

static uint32_t next_random(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % below;
}

static void split(const uint8_t *data, size_t size, struct list *list)
{
	struct fuzz_in in = { data, size };
	struct record rec;

	list->nr = 0;
	while (list->nr < MAX_RECORDS && in.left) {
		struct piece *piece = &list->pieces[list->nr++];

		piece->data = in.pos;
		stream_next(&in, &rec);
		piece->len = in.pos - piece->data;
	}
}

static size_t join(const struct list *list, uint8_t *out, size_t max_size)
{
	size_t i, len = 0;

	for (i = 0; i < list->nr; i++) {
		if (list->pieces[i].len > max_size - len)
			break;
		memcpy(out + len, list->pieces[i].data, list->pieces[i].len);
		len += list->pieces[i].len;
	}
	return len;
}

static void insert(struct list *list, size_t at, struct piece piece)
{
	if (list->nr == MAX_RECORDS)
		return;
	memmove(&list->pieces[at + 1], &list->pieces[at],
		(list->nr - at) * sizeof(piece));
	list->pieces[at] = piece;
	list->nr++;
}

static void drop(struct list *list, size_t at)
{
	list->nr--;
	memmove(&list->pieces[at], &list->pieces[at + 1],
		(list->nr - at) * sizeof(list->pieces[0]));
}

/* Put a number at some limit into four or eight bytes of the payload. */
static void put_number(uint8_t *payload, size_t len)
{
	static const uint64_t numbers[] = {
		0,	   1,	       8,	   16,	       32,
		0xff,	   0x100,      0xfff,	   0x1000,     0xffff,
		0x10000,   0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		INT64_MAX, 1ull << 63, UINT64_MAX,
	};
	uint64_t number =
		numbers[next_random(sizeof(numbers) / sizeof(numbers[0]))];
	size_t size = next_random(2) ? 4 : 8;

	if (len < size)
		return;
	memcpy(payload + next_random(len / size) * size, &number, size);
}

/* Change a record: its head, its payload, or one field of the payload. */
static size_t change(uint8_t *rec, size_t len, size_t max_size)
{
	size_t payload = len - RECORD_HEAD;

	switch (next_random(4)) {
	case 0:
		rec[next_random(4)] = next_random(256);
		break;
	case 1:
		rec[1] ^= 1 << next_random(8);
		break;
	case 2:
		put_number(rec + RECORD_HEAD, payload);
		break;
	default:
		if (max_size > RECORD_HEAD + UINT16_MAX)
			max_size = RECORD_HEAD + UINT16_MAX;
		payload = LLVMFuzzerMutate(rec + RECORD_HEAD, payload,
					   max_size - RECORD_HEAD);
		rec[4] = payload;
		rec[5] = payload >> 8;
	}
	return RECORD_HEAD + payload;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	uint8_t *copy = fuzz_copy(data, size), *changed = NULL;
	struct list list;
	size_t at, len;

	state = seed;
	split(copy, size, &list);
	if (!list.nr || next_random(20) == 0) {
		size = LLVMFuzzerMutate(data, size, max_size);
		goto out;
	}
	at = next_random(list.nr);
	len = list.pieces[at].len;
	switch (next_random(8)) {
	case 0:
		drop(&list, at);
		break;
	case 1:
		insert(&list, next_random(list.nr + 1), list.pieces[at]);
		break;
	case 2:
		insert(&list, next_random(list.nr), list.pieces[at]);
		break;
	default:
		if (len < RECORD_HEAD)
			break;
		changed = malloc(len + 1024);
		FUZZ_CHECK(changed);
		memcpy(changed, list.pieces[at].data, len);
		list.pieces[at].len = change(changed, len, len + 1024);
		list.pieces[at].data = changed;
	}
	size = join(&list, data, max_size);
out:
	free(changed);
	free(copy);
	return size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size,
				 const uint8_t *b, size_t b_size, uint8_t *out,
				 size_t max_size, unsigned int seed)
{
	struct list list, other;
	uint32_t i, nr;

	state = seed;
	split(a, a_size, &list);
	split(b, b_size, &other);
	nr = other.nr ? 1 + next_random(4) : 0;
	for (i = 0; i < nr; i++)
		insert(&list, next_random(list.nr + 1),
		       other.pieces[next_random(other.nr)]);
	return join(&list, out, max_size);
}
