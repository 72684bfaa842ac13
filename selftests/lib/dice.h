/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that a seed repeats. */
#ifndef SELFTESTS_DICE_H
#define SELFTESTS_DICE_H

#include <stdbool.h>
#include <stdint.h>

/* A random number generator for one thread. */
struct dice {
	uint64_t state;
};

/* Seeds a generator; each @stream of the same seed has other numbers. */
void dice_seed(struct dice *dice, uint64_t seed, uint64_t stream);
uint64_t roll(struct dice *dice);
/* A number below @n. */
uint32_t pick(struct dice *dice, uint32_t n);
/* True once in @n times. */
static inline bool once_in(struct dice *dice, uint32_t n)
{
	return !pick(dice, n);
}
/* A small number, a number near a limit, or any number. */
uint64_t odd_number(struct dice *dice);

/* The number in an environment variable. */
unsigned long setting(const char *name, unsigned long fallback);

#endif /* SELFTESTS_DICE_H */
