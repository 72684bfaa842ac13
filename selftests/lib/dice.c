// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "dice.h"

void dice_seed(struct dice *dice, uint64_t seed, uint64_t stream)
{
	dice->state =
		seed * 0x9e3779b97f4a7c15 + stream * 0xbf58476d1ce4e5b9 + 1;
	roll(dice);
	roll(dice);
}

/* xorshift64* */
uint64_t roll(struct dice *dice)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return dice->state * 0x2545f4914f6cdd1d;
}

uint32_t pick(struct dice *dice, uint32_t n)
{
	return (roll(dice) >> 32) % n;
}

uint64_t odd_number(struct dice *dice)
{
	static const uint64_t limits[] = {
		0,	    0x7fffffff, 0x80000000, UINT32_MAX, 1ULL << 32,
		1ULL << 40, INT64_MAX,	1ULL << 63, UINT64_MAX,
	};

	switch (pick(dice, 4)) {
	case 0:
		return limits[pick(dice, sizeof(limits) / sizeof(limits[0]))] -
		       pick(dice, 3);
	case 1:
		return roll(dice) >> pick(dice, 64);
	default:
		return pick(dice, 64);
	}
}

unsigned long setting(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : fallback;
}
